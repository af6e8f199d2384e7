"""train.py as a person runs it: in a process of its own, in another folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from support.commands import PROJECT, assert_one_error_line, train_py

QUICK = ["model.hidden_sizes=[16]", "trainer.max_epochs=2"]


@pytest.fixture
def run_files(tmp_path):
    """The files below outputs that match a pattern."""
    return lambda pattern: sorted((tmp_path / "outputs").glob(pattern))


def test_a_sweep_outlives_a_failing_job_and_continues_with_what_is_missing(tmp_path, mnist_root):
    sweep = ["model=perceptron", "optimizer=sgd", "optimizer.lr=0.1,0.2,1e38", "trainer.max_epochs=2"]
    result = train_py(tmp_path, "-m", *sweep, "hydra.sweep.dir=s", MNIST_ROOT=str(mnist_root))
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1] == "  python train.py resume=s"
    kept, lost, failed = (tmp_path / "s" / f"optimizer.lr={lr}" for lr in ("0.1", "0.2", "1e+38"))
    assert "train_loss became nan" in (failed / "error.txt").read_text()
    files = {"multirun.yaml", "summary.csv", "summary.md", "summary.png", kept.name, lost.name, failed.name}
    assert {path.name for path in (tmp_path / "s").iterdir()} == files
    for text in (result.stdout, (tmp_path / "s/summary.md").read_text()):
        assert "| 0.1 " in text
        assert "- optimizer.lr=1e+38: train_loss became nan" in text

    before = (kept / "metrics.json").stat()
    history = (lost / "metrics.csv").read_text()
    shutil.rmtree(lost)
    result = train_py(tmp_path, "resume=s", "optimizer.lr=0.3", "launcher=parallel", MNIST_ROOT=str(mnist_root))
    assert result.returncode == 1, result.stderr  # of the one that cannot but fail
    assert "4 jobs in s, 1 of them finished before" in result.stdout
    assert "optimizer.lr=0.3  test accuracy" in result.stdout
    assert (kept / "metrics.json").stat() == before
    assert (lost / "metrics.csv").read_text() == history


@pytest.mark.slow
def test_a_search_that_is_killed_loses_no_finished_trial(tmp_path, mnist_root):
    arguments = ["search=optuna", "model=mlp", "hydra.sweeper.n_trials=6", "hydra.sweep.dir=s", "trainer.max_epochs=2"]
    command = [sys.executable, str(PROJECT / "train.py"), *arguments]
    process = subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"MNIST_ROOT": str(mnist_root)})
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "s").glob("*/metrics.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = {path: path.read_bytes() for path in (tmp_path / "s").glob("*/metrics.json")}
    result = train_py(tmp_path, "resume=s", MNIST_ROOT=str(mnist_root))
    assert result.returncode == 0, result.stderr
    assert {path: path.read_bytes() for path in before} == before
    assert len(list((tmp_path / "s").glob("*/metrics.json"))) == 6
    assert "Best of 6 trials on the validation images: python train.py" in result.stdout


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("slurmctld"), reason="apt-get install slurm-wlm munge")
def test_a_sweep_on_a_slurm_cluster(tmp_path, mnist_root):
    command = [
        PROJECT / "tests/end_to_end/slurm.sh",
        sys.executable,
        PROJECT / "train.py",
        "-m",
        "launcher=slurm",
        "hydra.sweep.dir=s",
    ]
    sweep = ["model=perceptron,mlp", "trainer.max_epochs=1"]
    result = subprocess.run(
        [*command, *sweep],
        cwd=tmp_path,
        env=os.environ | {"MNIST_ROOT": str(mnist_root)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert {path.parent.name for path in tmp_path.glob("s/*/metrics.json")} == {"model=perceptron", "model=mlp"}
    assert len(list(tmp_path.glob("s/.submitit/*/*_result.pkl"))) == 2
    assert (tmp_path / "s/summary.png").exists()


def test_falls_back_to_digits_with_a_warning_at_start_and_end(tmp_path, run_files):
    result = train_py(tmp_path, *QUICK, http_proxy="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("warning: digits instead of mnist") == 2
    (metrics,) = run_files("*-*-*/*-wide-adam/metrics.json")
    assert (metrics.parent / ".hydra/config.yaml").exists()
    assert json.loads(metrics.read_text())["data"] == "digits"
    assert "digits instead of mnist" in json.loads(metrics.read_text())["warning"]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["modle=wide"], ["unknown key modle"]),
        (["model.dropot=0.3"], ["unknown key model.dropot", "did you mean model.dropout"]),
        (["model=huge"], ["model=huge: no such model", "deep, dropout, mlp, perceptron, wide"]),
        (["optimizer=null"], ["null"]),
        (["model=[mlp]"], ["model: must be the name of one option"]),
        (["optimizer.lr=["], ["optimizer.lr=[: cannot be read", "quote"]),
        (["trainer.max_epochs=many"], ["trainer.max_epochs=many: must be an integer"]),
        (["-m", "model=mlp,huge"], ["model=huge: no such model"]),
    ],
)
def test_a_config_error_is_one_line_within_a_second_and_leaves_nothing(tmp_path, arguments, parts):
    start = time.perf_counter()
    result = train_py(tmp_path, *arguments)
    assert time.perf_counter() - start < 5  # 0.4 s on a machine of its own
    assert_one_error_line(result, *parts)
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"], ["seed=x"]])
def test_answers_without_importing_torch(tmp_path, arguments):
    script = (
        f"import runpy, sys; sys.argv = ['train.py', *{arguments}]\n"
        f"try: runpy.run_path({str(PROJECT / 'train.py')!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'lightning' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True)


def test_help_names_every_group_and_shows_examples(tmp_path):
    shown = train_py(tmp_path, "--help").stdout
    for text in ("python train.py experiment=mlp", "model: deep, dropout, mlp, perceptron, wide", "resume="):
        assert text in shown


def test_a_data_error_leaves_no_folder(tmp_path, mnist_root):
    (mnist_root / "MNIST/raw/t10k-labels-idx1-ubyte").write_bytes(b"damaged")
    work = tmp_path / "work"
    work.mkdir()
    assert_one_error_line(train_py(work, MNIST_ROOT=str(mnist_root)), "t10k-labels-idx1-ubyte")
    assert list(work.iterdir()) == []


def test_nowhere_to_write(tmp_path):
    (tmp_path / "outputs").write_text("a file where the folder should be")
    assert_one_error_line(train_py(tmp_path, "data=digits"), "outputs")


def test_builds_that_do_not_belong_together(tmp_path):
    fake = tmp_path / "fake/torchvision"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    script = tmp_path / "run.py"
    script.write_text(
        f"import runpy, sys; sys.path.insert(0, {str(fake.parent)!r}); sys.argv = ['train.py']\n"
        f"sys.path.insert(1, {str(PROJECT)!r}); runpy.run_path({str(PROJECT / 'train.py')!r}, run_name='__main__')"
    )
    work = tmp_path / "work"
    work.mkdir()
    result = subprocess.run([sys.executable, str(script)], cwd=work, capture_output=True, text=True)
    assert_one_error_line(result, "torch and torchvision are builds that do not belong together", "pip install")


def test_a_rejected_continuation_leaves_the_run_as_it_was(tmp_path):
    work = tmp_path / "it's = odd"
    work.mkdir()
    assert train_py(work, "data=digits", *QUICK, "hydra.run.dir=run").returncode == 0
    before = {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
    checkpoint = "checkpoint=run/checkpoints/last.ckpt"
    assert_one_error_line(train_py(work, checkpoint, "model=perceptron"), "its run has model.dropout=0.3, not 0.0")
    assert {path: path.read_bytes() for path in work.rglob("*") if path.is_file()} == before
    result = train_py(work, checkpoint, "trainer.max_epochs=3")
    assert result.returncode == 0, result.stderr
    assert json.loads((work / "run/metrics.json").read_text())["epochs"] == 3


def heed_ctrl_c() -> None:
    """Where the tests run in a shell's background, they and what they start ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize(
    ("sent", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_keeps_what_is_finished_and_says_how_to_continue(tmp_path, run_files, sent, status, word):
    arguments = ["data=digits", "model=wide", "data.batch_size=8", "trainer.max_epochs=50"]
    command = [sys.executable, str(PROJECT / "train.py"), *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, preexec_fn=heed_ctrl_c, **pipes) as process:
        deadline = time.monotonic() + 120
        while not run_files("*/*/checkpoints/last.ckpt") and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(sent)
        _, shown = process.communicate(timeout=60)
    assert process.returncode == status
    assert f"\n{word}: " in shown
    command = shown.strip().splitlines()[-1].split()
    assert command[:2] == ["python", "train.py"]
    (rows,) = run_files("*/*/metrics.csv")
    finished = len(rows.read_text().splitlines()) - 1
    assert f"{finished} of 50 epochs are kept" in shown

    if sent == signal.SIGTERM:  # once is enough
        return
    result = train_py(tmp_path, *command[2:], f"trainer.max_epochs={finished + 1}")
    assert result.returncode == 0, result.stderr
    (metrics,) = run_files("*/*/metrics.json")
    assert json.loads(metrics.read_text())["epochs"] == finished + 1
