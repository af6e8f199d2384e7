import pytest
from omegaconf import OmegaConf

from mnist_mlp.sweeps import search

optuna = pytest.importorskip("optuna", reason="pip install -e '.[search]'")


@pytest.fixture
def study(tmp_path):
    """A stopped search: four finished trials, one that failed, one that was running."""
    study = optuna.create_study(
        study_name=search.NAME, storage=f"sqlite:///{tmp_path / search.TRIALS}", direction="maximize"
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


def test_a_new_search_has_all_its_trials_before_it(config):
    search.begin(config)
    assert config.hydra.sweeper == {"n_trials": 10, "sampler": {"seed": 0}}


def test_a_stopped_search_owes_the_rest_and_begins_with_the_trial_that_was_running(study, config):
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


def test_found(study, tmp_path):
    accuracies, importances = search.found(tmp_path)
    assert accuracies == [0.9, 0.95, 0.8, 0.85]
    assert set(importances) == {"optimizer.lr", "model.activation"}
    assert sum(importances.values()) == pytest.approx(1)
