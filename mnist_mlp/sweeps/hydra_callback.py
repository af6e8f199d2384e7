"""Sweeps by Hydra's multirun: a job that fails does not end them, what is finished is not done again."""

import atexit
import ctypes
import gc
import re
import sys
import traceback
import zlib
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import wraps
from math import prod
from multiprocessing import current_process
from pathlib import Path

from filelock import FileLock, Timeout
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, read_write

from mnist_mlp.command.explain import explain
from mnist_mlp.errors import InputError, one_line
from mnist_mlp.runs.atomic import replacing
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.sweeps import search
from mnist_mlp.sweeps.progress import Watch, plural
from mnist_mlp.training.ranks import end_with_parent


def told(method: Callable) -> Callable:
    """A callback's method whose errors end the program; Hydra would go on and say nothing of them."""

    @wraps(method)
    def run(*arguments, **options):
        try:
            return method(*arguments, **options)
        except Exception as error:
            message = explain(error)
            print(f"error: {one_line(message)}" if message else traceback.format_exc(), file=sys.stderr)
            sys.exit(2)

    return run


class Sweep(Callback):
    """Names the jobs by what varies, shows their progress, reports at the end; exit status 1 if a job failed."""

    watch: Watch | None = None
    ended = False

    @told
    def on_multirun_start(self, config: DictConfig, **_) -> None:
        self.folder = Path(config.hydra.sweep.dir)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(self.folder / ".running")  # the system's, which a kill releases
        try:
            self.lock.acquire(timeout=0)
        except Timeout:
            raise InputError(f"{self.folder}: another sweep is running there") from None
        atexit.register(self.end)
        OmegaConf.save(config, self.folder / "multirun.yaml")  # as only Hydra's own sweeper does
        overrides = sweep_overrides(config)
        if "study" in overrides and overrides["study"].is_sweep_override():
            raise InputError("study: one at a time")
        for error in self.folder.glob("*/error.txt"):  # where a sweep is continued
            error.unlink()
        constant = [key for key, override in overrides.items() if not override.is_sweep_override()]
        with read_write(config.hydra):  # each job is composed anew, with these overrides
            config.hydra.overrides.hydra.append(f"hydra.job.config.override_dirname.exclude_keys={constant}")
        self.watch = Watch(self.folder, count_jobs(config, overrides))
        if "n_trials" in config.hydra.sweeper:
            search.begin(config)

    @told
    def on_multirun_end(self, config: DictConfig, **_) -> None:
        self.watch.stop()
        from mnist_mlp.sweeps.report import report  # matplotlib, which nothing needs before

        failed = report([self.folder])
        self.ended = True
        if failed:
            print(f"{plural(failed, 'job')} failed; to run what is missing:\n  {self.continuation()}", file=sys.stderr)
            sys.exit(1)

    def end(self) -> None:
        """Says, where the sweep was stopped, how to go on."""
        if self.watch:
            self.watch.stop()
        (self.folder / ".running").unlink(missing_ok=True)
        if not self.ended and any(self.folder.rglob("*.ckpt")):
            print(f"what is finished is kept; to run the rest:\n  {self.continuation()}", file=sys.stderr)

    def continuation(self) -> str:
        return f"python train.py resume={self.folder}"

    def __getstate__(self) -> dict:
        return {}  # launchers send callbacks along with the jobs; what watches them stays here


def sweep_overrides(config: DictConfig) -> dict[str, Override]:
    """What the sweeper's settings and the command line say together, by key."""
    arguments = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    overrides = OverridesParser.create().parse_overrides([*arguments, *config.hydra.overrides.task])
    return {override.key_or_group: override for override in overrides}


def count_jobs(config: DictConfig, overrides: dict[str, Override]) -> int:
    if "n_trials" in config.hydra.sweeper:
        return config.hydra.sweeper.n_trials
    swept = [override for override in overrides.values() if override.is_sweep_override()]
    return prod(len(set(override.sweep_string_iterator())) for override in swept)


def job_folder(overrides: str) -> str:
    """A job's overrides as a folder's name: [64,64] becomes 64-64, a number has six digits at most, and what shells or
    file systems mind becomes _.
    """
    name = re.sub(r"\[(.*?)\]", lambda match: match[1].replace(",", "-").replace(" ", "") or "none", overrides)
    name = re.sub(r"\d+\.\d{5,}(e-?\d+)?", lambda match: f"{float(match[0]):.6g}", name)
    plain = re.sub(r"[^\w.,=+-]+", "_", name)[:200]
    if not name:
        return "run"
    return plain if plain == name else f"{plain}-{zlib.crc32(overrides.encode()):08x}"


def cores() -> int:
    """Those that this process may use."""
    from joblib import cpu_count

    return cpu_count()


OmegaConf.register_new_resolver("job_folder", job_folder, replace=True)
OmegaConf.register_new_resolver("cores", cores, replace=True)


def run_job(config: DictConfig, folder: Path, train: Callable) -> float | None:
    """Trains one job of a sweep, or goes on where it was stopped, or does nothing if it is finished.

    What it prints goes to ``output.txt``. Gives the validation accuracy, which a search maximizes; None after an
    error, whose line is in ``error.txt``.
    """
    if metrics := RunFolder(folder).metrics:
        return metrics.val_accuracy
    if current_process().name.startswith("LokyProcess"):
        end_with_parent()
    try:
        output = (folder / "output.txt").open("a", buffering=1)
    except OSError:
        return None  # and the report says that there is no result
    with output, redirect_stdout(output), redirect_stderr(output):
        accuracy = train_job(config, folder, train)
    give_back_memory()
    return accuracy


def train_job(config: DictConfig, folder: Path, train: Callable) -> float | None:
    try:
        if can_go_on(folder):
            config.checkpoint = str(folder / "checkpoints/last.ckpt")
        return train(config, folder, varied()).val_accuracy
    except KeyboardInterrupt:
        raise KeyboardInterrupt from None  # without how to continue this job: the sweep says how to continue
    except Exception as error:
        message = explain(error)
        if message is None:
            traceback.print_exc()
            message = f"{type(error).__name__}: {error} (see {folder / 'output.txt'})"
        print(f"error: {one_line(message)}")
        with suppress(InputError), replacing(folder / "error.txt") as path:
            path.write_text(one_line(message) + "\n")
        return None


def give_back_memory() -> None:
    """What a job leaves to the garbage collector, and the pieces that glibc keeps: 0.7 MB a job otherwise."""
    gc.collect()
    with suppress(OSError, AttributeError):  # another libc
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def can_go_on(folder: Path) -> bool:
    """Whether a job was stopped after its first epoch, and left whole checkpoints."""
    if not (folder / "checkpoints/last.ckpt").is_file():
        return False
    from mnist_mlp.runs.checkpoint import read_checkpoint  # torch

    try:
        return all(read_checkpoint(folder / f"checkpoints/{name}.ckpt") for name in ("last", "best"))
    except InputError:
        return False


def varied() -> dict:
    """What this job's overrides say of what the sweep varies."""
    job = HydraConfig.get()
    constant = job.job.config.override_dirname.exclude_keys
    overrides = OverridesParser.create().parse_overrides(list(job.overrides.task))
    return {o.key_or_group: o.value() for o in overrides if o.key_or_group not in constant}
