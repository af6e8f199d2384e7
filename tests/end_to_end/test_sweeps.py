"""Sweeps and searches as a person starts them."""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest
from support.commands import PROJECT, train_here, train_py


def test_a_sweep_outlives_a_failing_job_and_continues_with_what_is_missing(tmp_path, mnist_root):
    sweep = ["model=perceptron", "optimizer=sgd", "optimizer.lr=0.1,0.2,1e38", "trainer.max_epochs=2"]
    result = train_here(tmp_path, "-m", *sweep, "hydra.sweep.dir=s", MNIST_ROOT=str(mnist_root))
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1] == "  python train.py resume=s"
    kept, lost, failed = (tmp_path / "s" / f"optimizer.lr={lr}" for lr in ("0.1", "0.2", "1e+38"))
    assert "train_loss became nan" in (failed / "error.txt").read_text()
    files = {"multirun.yaml", "summary.csv", "summary.md", "summary.png", kept.name, lost.name, failed.name}
    assert {path.name for path in (tmp_path / "s").iterdir()} == files
    for text in (result.stdout, (tmp_path / "s/summary.md").read_text()):
        assert re.search(r"^(\| )?0\.1 ", text, re.MULTILINE)
        assert "- optimizer.lr=1e+38: train_loss became nan" in text

    before = (kept / "metrics.json").stat()
    history = (lost / "metrics.csv").read_text()
    shutil.rmtree(lost)
    result = train_py(tmp_path, "resume=s", "optimizer.lr=0.3", "launcher=parallel", MNIST_ROOT=str(mnist_root))
    assert result.returncode == 1, result.stderr  # of the job that always fails
    assert "4 jobs in s, 1 of them finished before" in result.stdout
    assert "optimizer.lr=0.3  validation " in result.stdout
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
    assert "Best of 6 trials by validation accuracy:\n\n    python train.py" in result.stdout


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
