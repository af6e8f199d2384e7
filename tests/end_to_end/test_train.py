"""train.py as a person runs it: from another folder, and stopped."""

import json
import signal
import subprocess
import sys
import time

import pytest
from support.commands import PROJECT, assert_one_error_line, heed_ctrl_c, train_here

QUICK = ["model.hidden_sizes=[16]", "trainer.max_epochs=2"]


@pytest.fixture
def run_files(tmp_path):
    """Returns the files below outputs that match a pattern."""
    return lambda pattern: sorted((tmp_path / "outputs").glob(pattern))


def test_falls_back_to_digits_with_a_warning_at_start_and_end(tmp_path, run_files):
    result = train_here(tmp_path, *QUICK, http_proxy="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("warning: digits instead of mnist") == 2
    (metrics,) = run_files("*-*-*/*-wide-adam/metrics.json")
    assert (metrics.parent / ".hydra/config.yaml").exists()
    assert json.loads(metrics.read_text())["data"] == "digits"
    assert "digits instead of mnist" in json.loads(metrics.read_text())["warning"]
    assert not (tmp_path / "data").exists()


def test_a_rejected_continuation_leaves_the_run_as_it_was(tmp_path):
    work = tmp_path / "it's = odd"
    work.mkdir()
    assert train_here(work, "data=digits", *QUICK, "hydra.run.dir=run").returncode == 0
    before = {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
    checkpoint = "checkpoint=run/checkpoints/last.ckpt"
    assert_one_error_line(train_here(work, checkpoint, "model=perceptron"), "its run has model.dropout=0.3, not 0.0")
    assert {path: path.read_bytes() for path in work.rglob("*") if path.is_file()} == before
    result = train_here(work, checkpoint, "trainer.max_epochs=3")
    assert result.returncode == 0, result.stderr
    assert json.loads((work / "run/metrics.json").read_text())["epochs"] == 3


@pytest.mark.parametrize(
    ("sent", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_keeps_what_is_finished_and_says_how_to_continue(tmp_path, run_files, sent, status, word):
    arguments = ["data=digits", "model=wide", "data.batch_size=8", "trainer.max_epochs=50"]
    command = [sys.executable, str(PROJECT / "train.py"), *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, preexec_fn=heed_ctrl_c, **pipes) as process:
        deadline = time.monotonic() + 600
        while not run_files("*/*/checkpoints/last.ckpt") and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(sent)
        _, shown = process.communicate(timeout=300)
    assert process.returncode == status
    assert f"\n{word}: " in shown
    command = shown.strip().splitlines()[-1].split()
    assert command[:2] == ["python", "train.py"]
    (rows,) = run_files("*/*/metrics.csv")
    finished = len(rows.read_text().splitlines()) - 1
    assert f"{finished} of 50 epochs are kept" in shown

    if sent == signal.SIGTERM:  # the first signal has shown that it continues
        return
    result = train_here(tmp_path, *command[2:], f"trainer.max_epochs={finished + 1}")
    assert result.returncode == 0, result.stderr
    (metrics,) = run_files("*/*/metrics.json")
    assert json.loads(metrics.read_text())["epochs"] == finished + 1


def test_a_profiler_goes_on_when_the_training_is_done(tmp_path):
    command = [sys.executable, "-m", "cProfile", str(PROJECT / "train.py"), "--cfg", "job"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "function calls" in result.stdout
