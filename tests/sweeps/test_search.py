from pathlib import Path

import pytest
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
    sweeper = {"n_trials": 10, "sampler": {"seed": 0}}
    return OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}, "sweeper": sweeper}})


def test_a_new_search_keeps_its_settings(config):
    search.begin(config)
    assert config.hydra.sweeper == {"n_trials": 10, "sampler": {"seed": 0}}


def test_a_resumed_search_has_fewer_trials_and_repeats_the_one_that_was_stopped(study, config):
    running = study.trials[5].params
    search.begin(config)
    assert config.hydra.sweeper.n_trials == 6
    assert config.hydra.sweeper.sampler.seed > 0
    again = study.ask()
    again.suggest_float("optimizer.lr", 0.001, 0.1, log=True)
    again.suggest_categorical("model.activation", ["relu", "tanh"])
    assert again.params == running
    finished = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    assert [trial.value for trial in finished] == [0.9, 0.95, 0.8, 0.85]


def test_accuracies_and_importances(study, tmp_path):
    accuracies, importances = search.accuracies_and_importances(SweepFolder(tmp_path))
    assert accuracies == [0.9, 0.95, 0.8, 0.85]
    assert set(importances) == {"optimizer.lr", "model.activation"}
    assert sum(importances.values()) == pytest.approx(1)


def test_a_damaged_file_of_trials(config, tmp_path):
    SweepFolder(tmp_path).trials.write_text("damaged")
    with pytest.raises(InputError, match=r"trials\.db: damaged"):
        search.begin(config)


def test_the_conf_names_the_study_and_its_file(multirun):
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    config = multirun("search=optuna", "hydra.sweep.dir=folder")
    assert config.hydra.sweeper.study_name == search.STUDY_NAME
    assert config.hydra.sweeper.storage == f"sqlite:///{SweepFolder(Path('folder')).trials}"
