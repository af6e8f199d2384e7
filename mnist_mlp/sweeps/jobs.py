"""One job of a sweep. A job that fails does not end the sweep, and a finished job does not run again."""

import ctypes
import gc
import re
import signal
import sys
import traceback
import zlib
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from multiprocessing import get_context
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from mnist_mlp.command.explain import explain
from mnist_mlp.errors import InputError, one_line
from mnist_mlp.runs.atomic import write_text
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.training.ranks import end_with_parent, how_it_ended


def job_folder(overrides: str) -> str:
    """Returns the folder name for a job's overrides.

    [64,64] becomes 64-64, long numbers are rounded to six digits, and characters that shells or file systems treat
    specially become _. A hash keeps names apart that would be equal.
    """
    name = re.sub(r"\[(.*?)\]", lambda match: match[1].replace(",", "-").replace(" ", "") or "none", overrides)
    name = re.sub(r"\d+\.\d{5,}(e-?\d+)?", lambda match: f"{float(match[0]):.6g}", name)
    plain = re.sub(r"[^\w.,=+-]+", "_", name)[:200]
    if not name:
        return "run"
    return plain if plain == name else f"{plain}-{zlib.crc32(overrides.encode()):08x}"


def cores() -> int:
    """Returns the number of CPU cores that this process may use."""
    from joblib import cpu_count

    return cpu_count()


OmegaConf.register_new_resolver("job_folder", job_folder, replace=True)
OmegaConf.register_new_resolver("cores", cores, replace=True)


def run_job(config: DictConfig, folder: Path, train: Callable) -> float | None:
    """Trains one job of a sweep, resuming it if it was stopped. A finished job is not trained again.

    What the job prints goes to its output.txt. An error goes to error.txt and is not raised.

    Args:
        config: The job's composed config.
        folder: The job's run folder.
        train: Called with config, folder and what varies; returns Metrics.

    Returns:
        What makes an epoch the best, by default the validation accuracy, for a search; None after an error.
    """
    run = RunFolder(folder)
    if metrics := run.metrics:
        return metrics.value(metrics.monitor)
    if HydraConfig.get().runtime.choices["hydra/launcher"] != "basic" and sys.platform == "linux":
        return run_in_child(config, run, train)
    return train_and_keep_output(config, run, train)


def run_in_child(config: DictConfig, run: RunFolder, train: Callable) -> float | None:
    """Runs a job in a child of the process that a launcher has started, so that it can be killed alone."""
    end_with_parent()
    with suppress(ImportError, RuntimeError):  # the job says so
        import mnist_mlp.training.run  # noqa: F401, takes seconds: once for all jobs of this process
    child = get_context("fork").Process(target=_in_child, args=(config, run, train))
    child.start()
    child.join()
    if child.exitcode and not run.error:
        with suppress(InputError):
            write_text(run.error_file, how_it_ended(child.exitcode) + "\n")
    metrics = run.metrics
    return metrics.value(metrics.monitor) if metrics else None


def _in_child(*arguments) -> None:
    end_with_parent()
    for number in (signal.SIGUSR1, signal.SIGUSR2):  # with which Slurm and submitit tell the parent to begin again
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(KeyboardInterrupt):
        train_and_keep_output(*arguments)


def train_and_keep_output(config: DictConfig, run: RunFolder, train: Callable) -> float | None:
    """Does what ``run_job`` says for a job that is not finished, in this process."""
    try:
        output = run.output.open("a", buffering=1, errors="backslashreplace")
    except OSError:
        return None  # the report lists the job as not finished
    with output, redirect_stdout(output), redirect_stderr(output):
        value = train_job(config, run, train)
    give_back_memory()
    return value


def train_job(config: DictConfig, run: RunFolder, train: Callable) -> float | None:
    """Does what ``run_job`` says, with the output already redirected."""
    try:
        if can_resume(run):
            config.checkpoint = str(run.last)
        metrics = train(config, run.path, varied())
        return metrics.value(metrics.monitor)
    except KeyboardInterrupt:
        raise KeyboardInterrupt from None  # drops the advice on resuming this job: the sweep gives its own
    except Exception as error:
        message = explain(error)
        if message is None:
            traceback.print_exc()
            message = f"{type(error).__name__}: {error} (see {run.output})"
        print(f"error: {one_line(message)}")
        with suppress(InputError):
            write_text(run.error_file, one_line(message) + "\n")
        return None


def give_back_memory() -> None:
    """Frees reference cycles and returns freed memory to the system. Without it, memory grows by 0.7 MB a job."""
    gc.collect()
    with suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def can_resume(run: RunFolder) -> bool:
    """Returns whether the run was stopped after its first epoch and both checkpoints are undamaged."""
    if not run.last.is_file():
        return False
    from mnist_mlp.runs.checkpoint import read_checkpoint  # imports torch

    try:
        return all(read_checkpoint(path) for path in (run.last, run.best))
    except InputError:
        return False


def varied() -> dict:
    """Returns the current job's values of what the sweep varies, by key."""
    hydra = HydraConfig.get()
    constant = hydra.job.config.override_dirname.exclude_keys
    overrides = OverridesParser.create().parse_overrides(list(hydra.overrides.task))
    return {o.key_or_group: o.value() for o in overrides if o.key_or_group not in constant}
