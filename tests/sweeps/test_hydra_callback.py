import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from support.commands import composed

from mnist_mlp.command.settings import check
from mnist_mlp.errors import InputError
from mnist_mlp.sweeps.hydra_callback import count_jobs, job_folder, run_job, sweep_overrides, varied

CONF = str(Path(__file__).parents[2] / "conf")


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
def test_a_jobs_folder_says_what_varies(overrides, name):
    assert job_folder(overrides) == name


def test_a_jobs_folder_is_one_plain_name():
    names = {job_folder(f"data.root={root}") for root in ("/a/b", "/a_b", "../x y", "'$(rm)'", "x" * 300)}
    assert len(names) == 5
    assert all(len(name) < 220 and not set(name) & set("/ '$()") for name in names)


def multirun(*overrides):
    with initialize_config_dir(CONF, version_base="1.3"):
        return compose("config", [*overrides], return_hydra_config=True)


@pytest.mark.parametrize("study", sorted(path.stem for path in Path(CONF, "study").glob("*.yaml")))
def test_a_study_varies_at_most_one_thing_and_the_seed(study):
    config = multirun(f"study={study}")
    assert config.hydra.mode.name == "MULTIRUN"
    overrides = sweep_overrides(config)
    swept = {key: override for key, override in overrides.items() if override.is_sweep_override()}
    fixed = [f"{key}={override.value()}" for key, override in overrides.items() if key not in swept]
    assert "seed" in swept
    assert len(swept) <= 2
    for key, override in swept.items():
        for value in override.sweep_string_iterator():
            check(composed(f"study={study}", *fixed, f"{key}={value}"))


def test_counts_jobs_with_what_is_typed_over_what_a_study_says():
    config = multirun("study=dropout")
    assert count_jobs(config, sweep_overrides(config)) == 20
    config.hydra.overrides.task = ["study=dropout", "model.dropout=0.2", "seed=range(3)"]
    assert count_jobs(config, sweep_overrides(config)) == 3


def test_counts_the_trials_of_a_search():
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    config = multirun("search=optuna", "hydra.sweeper.n_trials=7")
    assert count_jobs(config, sweep_overrides(config)) == 7


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A job of a sweep over seeds: its config and its folder."""
    config = multirun("model=mlp", "seed=3")
    config.hydra.overrides.task = ["model=mlp", "seed=3"]
    config.hydra.job.config.override_dirname.exclude_keys = ["model"]
    monkeypatch.setattr(HydraConfig.instance(), "cfg", config)
    return composed("model=mlp", "seed=3"), tmp_path


def test_a_job_gives_its_validation_accuracy_and_keeps_what_it_prints(job, capsys):
    config, folder = job

    def train(config, folder, varied):
        print("reached it")
        assert varied == {"seed": 3}
        assert config.checkpoint is None
        return SimpleNamespace(val_accuracy=0.9)

    assert run_job(config, folder, train) == 0.9
    assert (folder / "output.txt").read_text() == "reached it\n"
    assert capsys.readouterr().out == ""


def test_a_job_that_fails_says_why_in_a_line(job):
    config, folder = job

    def train(*_):
        raise InputError("the loss\nbecame nan")

    assert run_job(config, folder, train) is None
    assert (folder / "error.txt").read_text() == "the loss became nan\n"
    assert "Traceback" not in (folder / "output.txt").read_text()


def test_a_job_that_meets_a_bug_keeps_the_traceback(job):
    config, folder = job
    assert run_job(config, folder, lambda *_: 1 / 0) is None
    assert (folder / "error.txt").read_text().startswith("ZeroDivisionError: division by zero (see ")
    assert "Traceback" in (folder / "output.txt").read_text()


def test_a_finished_job_is_not_done_again(job):
    config, folder = job
    metrics = {"test_accuracy": 0.9, "test_loss": 0.1, "val_accuracy": 0.8, "fit_seconds": 1}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    assert run_job(config, folder, lambda *_: pytest.fail("trained again")) == 0.8
    (folder / "metrics.json").write_text('{"test_acc')
    assert run_job(config, folder, lambda *_: SimpleNamespace(val_accuracy=0.7)) == 0.7


def test_a_stopped_job_goes_on_from_its_last_epoch_if_its_checkpoints_are_whole(job):
    config, folder = job
    (folder / "checkpoints").mkdir()
    for name in ("last", "best"):
        torch.save({"state_dict": {}, "callbacks": {}}, folder / f"checkpoints/{name}.ckpt")
    run_job(config, folder, lambda *_: SimpleNamespace(val_accuracy=1))
    assert config.checkpoint == str(folder / "checkpoints/last.ckpt")
    config.checkpoint = None
    (folder / "checkpoints/best.ckpt").write_bytes(b"damaged")
    run_job(config, folder, lambda *_: SimpleNamespace(val_accuracy=1))
    assert config.checkpoint is None


def test_a_job_whose_folder_cannot_be_written_to(job):
    config, folder = job
    (folder / "output.txt").mkdir()
    assert run_job(config, folder, lambda *_: pytest.fail("trained")) is None


def test_varied_gives_values_with_their_types(job):
    HydraConfig.get().overrides.task = ["model=mlp", "seed=3", "optimizer.lr=1e-3", "model.hidden_sizes=[8,8]"]
    assert varied() == {"seed": 3, "optimizer.lr": 0.001, "model.hidden_sizes": [8, 8]}
