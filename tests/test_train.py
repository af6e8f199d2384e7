"""train.py as a person runs it: in a process of its own, in another folder."""

import json
import signal
import subprocess
import sys
import time

import pytest
from conftest import PROJECT, assert_one_error_line, train_py

QUICK = ["model.hidden_sizes=[16]", "trainer.max_epochs=2"]


@pytest.fixture
def run_files(tmp_path):
    """The files below outputs that match a pattern."""
    return lambda pattern: sorted((tmp_path / "outputs").glob(pattern))


def test_a_sweep_has_a_folder_for_each_job(tmp_path, mnist_root, run_files):
    sweep = ["-m", "model=perceptron,dropout", "optimizer=adam", "trainer.max_epochs=1"]
    result = train_py(tmp_path, *sweep, MNIST_ROOT=str(mnist_root))
    assert result.returncode == 0, result.stderr
    metrics = [json.loads(path.read_text()) for path in run_files("multirun/*/*/*/metrics.json")]
    assert sorted(run["parameters"] for run in metrics) == [7_850, 118_282]
    assert result.stdout.count("tensorboard --logdir outputs") == 2


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
    for text in ("python train.py experiment=mlp", "model: deep, dropout, mlp, perceptron, wide", "checkpoint="):
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
    assert_one_error_line(train_py(work, checkpoint, "model=perceptron"), "of another model")
    assert {path: path.read_bytes() for path in work.rglob("*") if path.is_file()} == before
    result = train_py(work, checkpoint, "trainer.max_epochs=3")
    assert result.returncode == 0, result.stderr
    assert json.loads((work / "run/metrics.json").read_text())["epochs"] == 3


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_continue(tmp_path, run_files):
    arguments = ["data=digits", "model=wide", "data.batch_size=8", "trainer.max_epochs=50"]
    command = [sys.executable, str(PROJECT / "train.py"), *arguments]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not run_files("*/*/checkpoints/last.ckpt") and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, shown = process.communicate(timeout=60)
    assert process.returncode == 130
    command = shown.strip().splitlines()[-1].split()
    assert command[:2] == ["python", "train.py"]
    (rows,) = run_files("*/*/metrics.csv")
    finished = len(rows.read_text().splitlines()) - 1
    assert f"{finished} of 50 epochs are kept" in shown

    result = train_py(tmp_path, *command[2:], f"trainer.max_epochs={finished + 1}")
    assert result.returncode == 0, result.stderr
    (metrics,) = run_files("*/*/metrics.json")
    assert json.loads(metrics.read_text())["epochs"] == finished + 1
