import os
import signal
import sys

import pytest
import torch
from hydra.core.hydra_config import HydraConfig
from support.commands import composed

from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.runs.metrics import Metrics
from mnist_mlp.sweeps.jobs import job_folder, run_job, varied


def reached(val_accuracy: float) -> Metrics:
    return Metrics(test_accuracy=0.9, test_loss=0.1, val_accuracy=val_accuracy, fit_seconds=1)


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ("model.dropout=0.1,seed=0", "model.dropout=0.1,seed=0"),
        ("model.hidden_sizes=[64,64],seed=0", "model.hidden_sizes=64-64,seed=0"),
        ("model.hidden_sizes=[]", "model.hidden_sizes=none"),
        ("", "run"),
        ("optimizer.lr=0.0022881136684755237", "optimizer.lr=0.00228811"),
        ("optimizer.lr=1.2345678901e-05,seed=0", "optimizer.lr=1.23457e-05,seed=0"),
    ],
)
def test_a_job_folder_says_what_varies(overrides, name):
    assert job_folder(overrides) == name


def test_a_job_folder_is_one_plain_name():
    names = {job_folder(f"data.root={root}") for root in ("/a/b", "/a_b", "../x y", "'$(rm)'", "x" * 300)}
    assert len(names) == 5
    assert all(len(name) < 220 and not set(name) & set("/ '$()") for name in names)


@pytest.fixture
def job(multirun, tmp_path, monkeypatch):
    """A job of a sweep over seeds: its config and its run folder."""
    config = multirun("model=mlp", "seed=3")
    config.hydra.overrides.task = ["model=mlp", "seed=3"]
    config.hydra.job.config.override_dirname.exclude_keys = ["model"]
    monkeypatch.setattr(HydraConfig.instance(), "cfg", config)
    return composed("model=mlp", "seed=3"), RunFolder(tmp_path)


def test_a_job_returns_its_validation_accuracy_and_keeps_its_output(job, capsys):
    config, run = job

    def train(config, folder, varied):
        print("reached it")
        assert varied == {"seed": 3}
        assert config.checkpoint is None
        return reached(0.9)

    assert run_job(config, run.path, train) == 0.9
    assert run.output.read_text() == "reached it\n"
    assert capsys.readouterr().out == ""


def test_a_job_that_fails_says_why_in_one_line(job):
    config, run = job

    def train(*_):
        raise InputError("the loss\nbecame nan")

    assert run_job(config, run.path, train) is None
    assert run.error_file.read_text() == "the loss became nan\n"
    assert "Traceback" not in run.output.read_text()


def test_a_job_fails_in_one_line_that_names_what_is_not_utf_8(job):
    def train(*_):
        raise InputError("na\udce9: not there")

    config, run = job
    assert run_job(config, run.path, train) is None
    assert run.error_file.read_text() == "na\\udce9: not there\n"


def test_a_bug_in_a_job_leaves_its_traceback(job):
    config, run = job
    assert run_job(config, run.path, lambda *_: 1 / 0) is None
    assert run.error_file.read_text().startswith("ZeroDivisionError: division by zero (see ")
    assert "Traceback" in run.output.read_text()


def test_a_finished_job_is_not_trained_again_unless_its_metrics_are_damaged(job):
    config, run = job
    run.write_metrics(reached(0.8))
    assert run_job(config, run.path, lambda *_: pytest.fail("trained again")) == 0.8
    run.metrics_json.write_text('{"test_acc')
    assert run_job(config, run.path, lambda *_: reached(0.7)) == 0.7


def test_a_stopped_job_resumes_if_both_checkpoints_are_undamaged(job):
    config, run = job
    run.last.parent.mkdir()
    for path in (run.last, run.best):
        torch.save({"state_dict": {}, "callbacks": {}}, path)
    run_job(config, run.path, lambda *_: reached(1))
    assert config.checkpoint == str(run.last)
    config.checkpoint = None
    run.best.write_bytes(b"damaged")
    run_job(config, run.path, lambda *_: reached(1))
    assert config.checkpoint is None


def test_a_job_whose_folder_cannot_be_written_to(job):
    config, run = job
    run.output.mkdir()
    assert run_job(config, run.path, lambda *_: pytest.fail("trained")) is None


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_job_that_is_killed_in_a_launchers_process_fails_alone(job, monkeypatch, number):
    config, run = job
    choices = {"hydra/launcher": "joblib"}
    monkeypatch.setattr(HydraConfig.get().runtime, "choices", choices)

    def killed(*_):
        os.kill(os.getpid(), number)

    assert run_job(config, run.path, killed) is None
    assert run.error == f"a process of this training was ended by {number.name}, perhaps because the memory was full"
    run.error_file.unlink()
    metrics = reached(0.8)
    assert run_job(config, run.path, lambda *_: run.write_metrics(metrics) or metrics) == 0.8


def test_varied_values_have_their_types(job):
    HydraConfig.get().overrides.task = ["model=mlp", "seed=3", "optimizer.lr=1e-3", "model.hidden_sizes=[8,8]"]
    assert varied() == {"seed": 3, "optimizer.lr": 0.001, "model.hidden_sizes": [8, 8]}
