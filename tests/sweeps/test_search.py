from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import OmegaConf

from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import SweepFolder
from mnist_mlp.sweeps import search

optuna = pytest.importorskip("optuna", reason="pip install -e '.[search]'")


@pytest.fixture
def study(tmp_path):
    """A stopped search: four finished trials, one that failed, one that was running."""
    study = optuna.create_study(
        study_name=search.STUDY_NAME, storage=f"sqlite:///{SweepFolder(tmp_path).trials}", direction="maximize"
    )
    for number, accuracy in enumerate((0.9, 0.95, 0.8, 0.85, None, None)):
        trial = study.ask()
        trial.suggest_float("optimizer.lr", 0.001, 0.1, log=True)
        trial.suggest_categorical("model.activation", ["relu", "tanh"])
        if accuracy is not None:
            study.tell(trial, accuracy)
        elif number == 4:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return study


@pytest.fixture
def config(tmp_path):
    sweeper = {"n_trials": 10, "sampler": {"seed": None, "n_startup_trials": 10}, "direction": "maximize"}
    overrides = {"task": ["model=mlp", "seed=1,2"], "hydra": ["hydra.sweeper.sampler.n_startup_trials=3"]}
    sweeper["params"] = {"model.dropout": "interval(0,0.5)"}
    config = OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}, "sweeper": sweeper, "overrides": overrides}})
    OmegaConf.set_struct(config, True)
    return config


def test_a_new_search_keeps_its_settings(config):
    search.begin(config, [])
    assert config.hydra.sweeper.n_trials == 10
    assert config.hydra.sweeper.sampler == {"seed": 0, "n_startup_trials": 10}  # what was typed stays


def test_a_sampler_without_a_seed_stays_as_it_is(config, study):
    config.hydra.sweeper.sampler = {"_partial_": True}
    search.begin(config, [])
    assert config.hydra.sweeper.sampler == {"_partial_": True}


def test_one_direction(config):
    config.hydra.sweeper.direction = ["maximize", "minimize"]
    with pytest.raises(InputError, match="direction: must be one"):
        search.begin(config, [])


class Launched:
    """Stands in for a launcher: a job of seed n reaches n tenths, or nothing."""

    def launch(self, job_overrides, initial_job_idx):
        self.jobs = [list(job) for job in job_overrides]
        seeds = [int(job[-1].partition("=")[2]) for job in self.jobs]
        return [JobReturn(status=JobStatus.COMPLETED, _return_value=None if seed > 8 else seed / 10) for seed in seeds]


def test_a_trial_is_a_job_for_each_seed_and_counts_by_their_mean(config, monkeypatch):
    launcher = Launched()
    plugins = SimpleNamespace(instantiate_launcher=lambda **options: launcher)
    monkeypatch.setattr(search.Plugins, "instance", lambda: plugins)
    search.begin(config, ["1", "2", "9"])
    assert config.hydra.overrides.task == ["model=mlp"]
    trials = [["a=1"], ["a=2"]]
    returned = plugins.instantiate_launcher().launch(trials, 0)
    assert launcher.jobs == [[*trial, f"seed={seed}"] for trial in trials for seed in (1, 2, 9)]
    assert [job.return_value for job in returned] == [None, None]
    returned = search.EverySeed(launcher, ["1", "2"]).launch(trials, 4)
    assert [job.return_value for job in returned] == pytest.approx([0.15, 0.15])


def test_a_resumed_search_has_fewer_trials_and_repeats_the_one_that_was_stopped(study, config):
    running = study.trials[5].params
    search.begin(config, [])
    assert config.hydra.sweeper.n_trials == 6
    assert config.hydra.sweeper.sampler.seed > 0
    again = study.ask()
    again.suggest_float("optimizer.lr", 0.001, 0.1, log=True)
    again.suggest_categorical("model.activation", ["relu", "tanh"])
    assert again.params == running
    finished = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    assert [trial.value for trial in finished] == [0.9, 0.95, 0.8, 0.85]


def test_results_and_importances(study, tmp_path):
    accuracies, importances = search.results_and_importances(SweepFolder(tmp_path))
    assert accuracies == [0.9, 0.95, 0.8, 0.85]
    assert set(importances) == {"optimizer.lr", "model.activation"}
    assert sum(importances.values()) == pytest.approx(1)


def test_a_damaged_file_of_trials(config, tmp_path):
    SweepFolder(tmp_path).trials.write_text("damaged")
    with pytest.raises(InputError, match=r"trials\.db: damaged"):
        search.begin(config, [])


def test_the_conf_names_the_study_and_its_file(multirun):
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    config = multirun("search=optuna", "hydra.sweep.dir=folder")
    assert config.hydra.sweeper.study_name == search.STUDY_NAME
    assert config.hydra.sweeper.storage == f"sqlite:///{SweepFolder(Path('folder')).trials}"
