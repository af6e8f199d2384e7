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
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, read_write

from mnist_mlp.command.explain import explain
from mnist_mlp.errors import InputError, one_line_errors, warn
from mnist_mlp.runs.folder import SweepFolder
from mnist_mlp.sweeps import search
from mnist_mlp.sweeps.progress import SweepProgress
from mnist_mlp.terminal import plural
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
        with read_write(config.hydra):  # Hydra composes each job's config anew, with these overrides
            config.hydra.overrides.hydra.append(f"hydra.job.config.override_dirname.exclude_keys={constant}")
        if "n_trials" in config.hydra.sweeper:
            search.begin(config)
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
        except (OSError, NotImplementedError) as error:  # some network file systems have no locks
            if getattr(error, "errno", None) not in (None, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
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
        print(f"{reason}\n  python train.py resume={self.sweep.path}", file=sys.stderr)

    def __getstate__(self) -> dict:
        return {}  # launchers send callbacks to the jobs' processes; threads and locks cannot go along


def sweep_overrides(config: DictConfig) -> dict[str, Override]:
    """Returns the overrides of the sweeper's settings and the command line by key. The command line has precedence."""
    arguments = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    overrides = OverridesParser.create().parse_overrides([*arguments, *config.hydra.overrides.task])
    return {override.key_or_group: override for override in overrides}


def count_jobs(config: DictConfig, overrides: dict[str, Override]) -> int:
    """Returns the number of trials of a search, otherwise of combinations of the swept values.

    Raises:
        InputError: A search has no trials.
    """
    if "n_trials" in config.hydra.sweeper:
        if config.hydra.sweeper.n_trials < 1:
            raise InputError(f"hydra.sweeper.n_trials={config.hydra.sweeper.n_trials}: must be an integer, at least 1")
        return config.hydra.sweeper.n_trials
    swept = [override for override in overrides.values() if override.is_sweep_override()]
    return prod(len(set(override.sweep_string_iterator())) for override in swept)
