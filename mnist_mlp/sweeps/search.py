"""Searches with Optuna, which keeps the trials in an SQLite file: resuming a search, and what it found."""

import logging
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import SweepFolder

if TYPE_CHECKING:
    from optuna import Study

STUDY_NAME = "search"  # as in conf/search/optuna.yaml
SAMPLER = {"seed": 0, "n_startup_trials": 8}  # unless typed, and where a sampler has them


def begin(config: DictConfig, seeds: list[str]) -> None:
    """Prepares the sweeper for the trials that remain. A resumed search first repeats those that were stopped.

    Args:
        config: The sweep's config, whose hydra.sweeper is changed in place.
        seeds: With which each trial is trained; it counts by the mean over them.

    Raises:
        InputError: The file of a resumed search is damaged, or there are several directions.
    """
    import optuna  # takes half a second
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("hydra_plugins").setLevel(logging.CRITICAL)  # hides "returned None" for each failed trial
    sampler, sweep = config.hydra.sweeper.sampler, SweepFolder(Path(config.hydra.sweep.dir))
    with read_write(config.hydra):
        if config.get("mode") == "min":
            config.hydra.sweeper.direction = "minimize"
        if OmegaConf.is_list(config.hydra.sweeper.direction):
            raise InputError("hydra.sweeper.direction: must be one, since a trial is judged by one value")
        for key, value in SAMPLER.items():
            if key in sampler and not any(f"sampler.{key}=" in typed for typed in config.hydra.overrides.hydra):
                sampler[key] = value
        if len(seeds) > 1:
            every_seed(config, seeds)
    if not sweep.trials.exists():
        return
    study = load(sweep)
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.enqueue_trial(trial.params)
        study.tell(trial.number, state=TrialState.FAIL)
    with read_write(config.hydra):
        config.hydra.sweeper.n_trials -= len(study.get_trials(states=(TrialState.COMPLETE,)))
        if "seed" in sampler:
            sampler.seed += len(study.trials)  # with the same seed it would draw the first trials again


def every_seed(config: DictConfig, seeds: list[str]) -> None:
    """Makes a trial a job for each seed, and its value their mean."""
    plugins = Plugins.instance()
    instantiate = plugins.instantiate_launcher
    # Hydra knows only launchers of the package hydra_plugins, so this one is put around the one that it makes
    plugins.instantiate_launcher = lambda **options: EverySeed(instantiate(**options), seeds)  # pyright: ignore
    config.hydra.overrides.task = [word for word in config.hydra.overrides.task if not word.startswith("seed=")]
    with open_dict(config.hydra.sweeper):
        (config.hydra.sweeper.params or {}).pop("seed", None)


class EverySeed(Launcher):
    """Launches a job for each seed of a trial; returns the mean for each trial, or None if one of its jobs failed."""

    def __init__(self, launcher: Launcher, seeds: list[str]) -> None:
        self.launcher, self.seeds = launcher, seeds

    def setup(self, **options) -> None:
        self.launcher.setup(**options)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        count = len(self.seeds)
        jobs = [[*trial, f"seed={seed}"] for trial in job_overrides for seed in self.seeds]
        values = [job.return_value for job in self.launcher.launch(jobs, initial_job_idx * count)]
        trials = [values[first : first + count] for first in range(0, len(values), count)]
        means = [None if None in trial else fmean(trial) for trial in trials]
        return [JobReturn(status=JobStatus.COMPLETED, _return_value=mean) for mean in means]


def results_and_importances(sweep: SweepFolder) -> tuple[list[float], dict[str, float]]:
    """Returns what the finished trials reached, in order, and how much each setting matters.

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
