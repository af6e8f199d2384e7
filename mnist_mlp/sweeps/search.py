"""Searches with Optuna, which keeps its trials in SQLite: going on with one, and what it found."""

import logging
from pathlib import Path

from omegaconf import DictConfig, read_write

from mnist_mlp.errors import InputError

TRIALS = "trials.db"  # in the sweep's folder
NAME = "search"


def begin(config: DictConfig) -> None:
    """Leaves to the sweeper the trials that a stopped search still owes, first those that it was stopped in."""
    import optuna  # half a second
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("hydra_plugins").setLevel(
        logging.CRITICAL
    )  # which would say of each failed trial that it gave None
    if config.hydra.sweeper.n_trials < 1:
        raise InputError(f"hydra.sweeper.n_trials={config.hydra.sweeper.n_trials}: must be an integer, at least 1")
    folder = Path(config.hydra.sweep.dir)
    if not (folder / TRIALS).exists():
        return
    study = load(folder)
    for trial in study.get_trials(states=[TrialState.RUNNING]):
        study.enqueue_trial(trial.params)
        study.tell(trial.number, state=TrialState.FAIL)
    sweeper = config.hydra.sweeper
    with read_write(config.hydra):
        sweeper.n_trials -= len(study.get_trials(states=[TrialState.COMPLETE]))
        sweeper.sampler.seed += len(study.trials)  # its first draws would be those of the stopped search again


def found(folder: Path) -> tuple[list[float], dict[str, float]]:
    """The trials' validation accuracies in their order, and each setting's share of their differences, nothing where
    there are too few trials to tell.

    The share is a random forest's mean decrease of impurity: fANOVA, Optuna 2.10's default, fails with NumPy 2.4.
    """
    from optuna.importance import MeanDecreaseImpurityImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState

    study = load(folder)
    trials = study.get_trials(states=[TrialState.COMPLETE])
    importances = {}
    if len({str(trial.params) for trial in trials}) > 1:
        importances = get_param_importances(study, evaluator=MeanDecreaseImpurityImportanceEvaluator(seed=0))
    return [trial.value for trial in trials], importances


def load(folder: Path):
    """The Optuna study whose trials lie in ``folder``. Raises InputError where its file is damaged."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return optuna.load_study(study_name=NAME, storage=f"sqlite:///{folder / TRIALS}")
    except (SQLAlchemyError, KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{folder / TRIALS}: damaged ({reason}); delete it to begin anew, with what the finished trials gave"
        ) from error
