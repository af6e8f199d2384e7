"""Sweeps by Hydra's multirun: a job that fails does not end them, what is finished is not done again."""

import atexit
import json
import re
import sys
import traceback
import zlib
from contextlib import redirect_stderr, redirect_stdout, suppress
from math import prod
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, read_write

from mnist_mlp import search
from mnist_mlp.command_line import explained
from mnist_mlp.errors import one_line
from mnist_mlp.files import replacing
from mnist_mlp.watch import Watch


class Sweep(Callback):
    """Names the jobs by what varies, shows their progress, reports at the end; exit status 1 if a job failed."""

    def on_multirun_start(self, config: DictConfig, **_) -> None:
        self.folder = Path(config.hydra.sweep.dir)
        self.folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(config, self.folder / "multirun.yaml")  # as only Hydra's own sweeper does
        overrides = sweep_overrides(config)
        for error in self.folder.glob("*/error.txt"):  # where a sweep is continued
            error.unlink()
        constant = [key for key, override in overrides.items() if not override.is_sweep_override()]
        with read_write(config.hydra):  # each job is composed anew, with these overrides
            config.hydra.overrides.hydra.append(f"hydra.job.config.override_dirname.exclude_keys={constant}")
        self.watch = Watch(self.folder, count_jobs(config, overrides))
        if "n_trials" in config.hydra.sweeper:
            search.begin(config)
        atexit.register(self.say_how_to_continue)

    def on_multirun_end(self, config: DictConfig, **_) -> None:
        self.watch.stop()
        try:
            from mnist_mlp.report import report  # matplotlib, which nothing needs before

            failed = report([self.folder])
        except Exception as error:  # Hydra would say nothing of it
            sys.exit(f"error: {explained(error) or traceback.format_exc()}")
        atexit.unregister(self.say_how_to_continue)
        if failed:
            print(f"{failed} jobs failed; to run what is missing:\n  {continuation(self.folder)}", file=sys.stderr)
            sys.exit(1)

    def say_how_to_continue(self) -> None:
        self.watch.stop()
        if any(self.folder.rglob("*.ckpt")):
            print(f"what is finished is kept; to run the rest:\n  {continuation(self.folder)}", file=sys.stderr)

    def __getstate__(self) -> dict:
        return {}  # launchers send callbacks along with the jobs; what watches them stays here


def continuation(sweep: Path) -> str:
    return f"python train.py resume={sweep}"


def sweep_overrides(config: DictConfig) -> dict[str, Override]:
    """What the sweeper's settings and the command line say together, by key."""
    arguments = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    overrides = OverridesParser.create().parse_overrides([*arguments, *config.hydra.overrides.task])
    return {override.key_or_group: override for override in overrides}


def count_jobs(config: DictConfig, overrides: dict[str, Override]) -> int:
    if "n_trials" in config.hydra.sweeper:
        return config.hydra.sweeper.n_trials
    return prod(len(list(override.sweep_iterator())) for override in overrides.values() if override.is_sweep_override())


def job_folder(overrides: str) -> str:
    """A job's overrides as a folder's name: [64,64] becomes 64-64, a number has six digits at most, and what shells or
    file systems mind becomes _.
    """
    name = re.sub(r"\[(.*?)\]", lambda match: match[1].replace(",", "-").replace(" ", "") or "none", overrides)
    name = re.sub(r"\d+\.\d{5,}(e-?\d+)?", lambda match: f"{float(match[0]):.6g}", name)
    plain = re.sub(r"[^\w.,=+-]", "_", name)[:200]
    return plain if plain == name else f"{plain}-{zlib.crc32(overrides.encode()):08x}"


def cores() -> int:
    """Those that this process may use."""
    from joblib import cpu_count

    return cpu_count()


OmegaConf.register_new_resolver("job_folder", job_folder, replace=True)
OmegaConf.register_new_resolver("cores", cores, replace=True)


def run_job(config: DictConfig, folder: Path, train) -> float | None:
    """Trains one job of a sweep, or goes on where it was stopped, or does nothing if it is finished.

    What it prints goes to ``output.txt``. Gives the validation accuracy, which a search maximizes; None after an
    error, whose line is in ``error.txt``.
    """
    finished = folder / "metrics.json"
    if finished.is_file():
        return json.loads(finished.read_text())["val_accuracy"]
    with (folder / "output.txt").open("a", buffering=1) as output, redirect_stdout(output), redirect_stderr(output):
        try:
            last = folder / "checkpoints/last.ckpt"
            if last.is_file():
                config.checkpoint = str(last)
            else:
                for events in folder.rglob("events.out.tfevents.*"):  # of an attempt that saved no epoch
                    events.unlink()
            return train(config, folder, varied())["val_accuracy"]
        except KeyboardInterrupt:
            raise KeyboardInterrupt from None  # without how to continue this job: the sweep says how to continue
        except Exception as error:
            message = explained(error)
            if message is None:
                traceback.print_exc()
                message = f"{type(error).__name__}: {error} (see {folder / 'output.txt'})"
            print(f"error: {one_line(message)}")
            with suppress(OSError), replacing(folder / "error.txt") as path:
                path.write_text(one_line(message) + "\n")
            return None


def varied() -> dict:
    """What this job's overrides say of what the sweep varies."""
    job = HydraConfig.get()
    constant = job.job.config.override_dirname.exclude_keys
    overrides = OverridesParser.create().parse_overrides(list(job.overrides.task))
    return {o.key_or_group: o.value() for o in overrides if o.key_or_group not in constant}
