"""Searches with Optuna, which keeps the trials in an SQLite file: resuming a search, and what it found."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, read_write

from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import SweepFolder

if TYPE_CHECKING:
    from optuna import Study

STUDY_NAME = "search"  # as in conf/search/optuna.yaml


def begin(config: DictConfig) -> None:
    """Prepares the sweeper for the trials that remain. A resumed search first repeats those that were stopped.

    Args:
        config: The sweep's config, whose hydra.sweeper is changed in place.

    Raises:
        InputError: The file of a resumed search is damaged.
    """
    import optuna  # takes half a second
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("hydra_plugins").setLevel(logging.CRITICAL)  # hides "returned None" for each failed trial
    sweep = SweepFolder(Path(config.hydra.sweep.dir))
    if not sweep.trials.exists():
        return
    study = load(sweep)
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.enqueue_trial(trial.params)
        study.tell(trial.number, state=TrialState.FAIL)
    sweeper = config.hydra.sweeper
    with read_write(config.hydra):
        sweeper.n_trials -= len(study.get_trials(states=(TrialState.COMPLETE,)))
        sweeper.sampler.seed += len(study.trials)  # with the same seed it would draw the first trials again


def accuracies_and_importances(sweep: SweepFolder) -> tuple[list[float], dict[str, float]]:
    """Returns the finished trials' validation accuracies in order, and how much each setting matters.

    The importance of a setting, in [0, 1], is the mean decrease of impurity in a random forest. Optuna 2.10's default,
    fANOVA, fails with NumPy 2.4. There are no importances unless at least two trials differ.
    """
    from optuna.importance import MeanDecreaseImpurityImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState

    study = load(sweep)
    trials = study.get_trials(states=(TrialState.COMPLETE,))
    importances = {}
    if len({str(trial.params) for trial in trials}) > 1:
        importances = get_param_importances(study, evaluator=MeanDecreaseImpurityImportanceEvaluator(seed=0))
    return [trial.value for trial in trials if trial.value is not None], importances


def load(sweep: SweepFolder) -> "Study":
    """Returns the sweep's Optuna study. Raises InputError if its file is damaged."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return optuna.load_study(study_name=STUDY_NAME, storage=f"sqlite:///{sweep.trials}")
    except (SQLAlchemyError, KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{sweep.trials}: damaged ({reason}); delete it to search again; what is finished is not trained again"
        ) from error
