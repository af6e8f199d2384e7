"""The Hydra callback that watches a sweep from its first job to its report."""

import atexit
import errno
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from math import prod
from pathlib import Path

from filelock import FileLock, Timeout
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, ValueType
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, read_write

from mnist_mlp.command.explain import explain
from mnist_mlp.errors import InputError, one_line_errors, warn
from mnist_mlp.runs.folder import SweepFolder
from mnist_mlp.sweeps import search
from mnist_mlp.sweeps.jobs import cores
from mnist_mlp.sweeps.progress import SweepProgress
from mnist_mlp.terminal import plural, shell_command
from mnist_mlp.training.ranks import is_rank


def exits_on_error(method: Callable) -> Callable:
    """Decorator for Hydra callback methods: prints the error and exits with status 2.

    Hydra only logs what a callback raises.
    """

    @wraps(method)
    def run(*arguments, **options):
        try:
            with one_line_errors(explain):
                return method(*arguments, **options)
        except Exception:  # a bug
            traceback.print_exc()
            sys.exit(2)

    return run


class Sweep(Callback):
    """Hydra callback that names a sweep's jobs by what varies, shows their progress and writes the report.

    The program exits with status 1 if a job failed.
    """

    progress: SweepProgress | None = None
    ended = False

    @exits_on_error
    def on_multirun_start(self, config: DictConfig, **_) -> None:
        self.sweep = SweepFolder(Path(config.hydra.sweep.dir))
        if is_rank():
            raise InputError("a sweep starts the processes of its jobs itself: begin it without torchrun")
        self.lock_folder()
        atexit.register(self.on_exit)
        overrides = sweep_overrides(config)
        if "study" in overrides and overrides["study"].is_sweep_override():
            raise InputError("study: one at a time")
        jobs = count_jobs(config, overrides)
        OmegaConf.save(config, self.sweep.multirun_yaml)  # Hydra's own sweeper writes it too, others do not
        for job in self.sweep.jobs():  # failed jobs of a resumed sweep run again
            job.error_file.unlink(missing_ok=True)
        constant = [key for key, override in overrides.items() if not override.is_sweep_override()]
        listed = {override.input_line: each_value_once(override) for override in overrides.values()}
        with read_write(config.hydra):  # Hydra composes each job's config anew, with these overrides
            config.hydra.overrides.hydra.append(f"hydra.job.config.override_dirname.exclude_keys={constant}")
            config.hydra.overrides.task = [listed.get(word) or word for word in config.hydra.overrides.task]
        if "n_trials" in config.hydra.sweeper:
            search.begin(config, values_of(overrides.get("seed")))
        self.progress = SweepProgress(self.sweep, jobs)

    @exits_on_error
    def on_multirun_end(self, config: DictConfig, **_) -> None:
        self.progress.stop()
        from mnist_mlp.sweeps.report import write_report  # imports matplotlib

        failed = write_report([self.sweep.path])
        self.ended = True
        if failed:
            self.say_how_to_resume(f"{plural(failed, 'job')} failed; to run what is missing:")
            sys.exit(1)

    def lock_folder(self) -> None:
        """Raises InputError if another process runs a sweep in the folder."""
        self.sweep.path.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(self.sweep.lock)  # the system releases it when the process ends, even by a kill
        try:
            self.lock.acquire(timeout=0)
        except Timeout:
            raise InputError(f"{self.sweep.path}: another sweep is running there") from None
        except OSError as error:  # some network file systems have no locks; FileLock copes with ENOSYS by itself
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):
                raise
            warn(f"{self.sweep.lock}: cannot be locked ({error}); start no second sweep in this folder")

    def on_exit(self) -> None:
        """Cleans up, and says how to resume if the sweep was stopped after a job's first epoch."""
        self.sweep.lock.unlink(missing_ok=True)
        if self.progress is None or self.ended:
            return
        self.progress.stop()
        if any(job.last.is_file() for job in self.sweep.jobs()):
            self.say_how_to_resume("what is finished is kept; to run the rest:")

    def say_how_to_resume(self, reason: str) -> None:
        again = shell_command("python", "train.py", f"resume={self.sweep.path}")
        print(f"{reason}\n  {again}", file=sys.stderr)

    def __getstate__(self) -> dict:
        return {}  # launchers send callbacks to the jobs' processes; threads and locks cannot go along


def sweep_overrides(config: DictConfig) -> dict[str, Override]:
    """Returns the overrides of the sweeper's settings and the command line by key. The command line has precedence."""
    arguments = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    hydra = GlobalHydra.instance()
    parser = OverridesParser.create(hydra.config_loader() if hydra.is_initialized() else None)  # for glob(*)
    overrides = parser.parse_overrides([*arguments, *config.hydra.overrides.task])
    return {override.key_or_group: override for override in overrides}


def values_of(override: Override | None) -> list[str]:
    """Returns the values that a sweep goes through, each once.

    Raises:
        InputError: They cannot be listed.
    """
    if override is None or not override.is_sweep_override():
        return []
    if not override.is_discrete_sweep():
        raise InputError(f"{override.input_line}: not values that can be listed; only a search takes intervals")
    return list(dict.fromkeys(override.sweep_string_iterator()))


def each_value_once(override: Override) -> str | None:
    """Returns another way to type an override that repeats values, or lists them by glob(*); otherwise None.

    Equal jobs, side by side in one folder, would spoil each other, and Optuna's plugin knows no glob.
    """
    if not (override.is_sweep_override() and override.is_discrete_sweep()):
        return None
    values = values_of(override)
    if override.value_type != ValueType.GLOB_CHOICE_SWEEP and len(values) == len(list(override.sweep_iterator())):
        return None
    return f"{override.get_key_element()}=choice({','.join(values)})"


def count_jobs(config: DictConfig, overrides: dict[str, Override]) -> int:
    """Returns the number of trials of a search, otherwise of combinations of the swept values.

    Raises:
        InputError: A search has no trials, or none at a time, or a sweep no values that can be listed.
    """
    sweeper = config.hydra.sweeper
    if "n_trials" not in sweeper:
        return prod(len(values_of(override)) for override in overrides.values() if override.is_sweep_override())
    if sweeper.n_jobs == -1:  # joblib's word for all cores
        with read_write(config.hydra):
            sweeper.n_jobs = cores()
    for key in ("n_trials", "n_jobs"):
        if sweeper[key] < 1:
            raise InputError(f"hydra.sweeper.{key}={sweeper[key]}: must be an integer, at least 1")
    return sweeper.n_trials * max(1, len(values_of(overrides.get("seed"))))
