"""Trains a digit classifier. ``python train.py --help`` says what can be chosen."""

import atexit
import gc
import os
import sys
import warnings
from pathlib import Path

from mnist_mlp.errors import InputError, ends_at_once, interrupt_on_signals, leave, one_line_errors

with ends_at_once():
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import DictConfig

    from mnist_mlp.command.explain import explain
    from mnist_mlp.command.help import first_line, information
    from mnist_mlp.command.resume import continued
    from mnist_mlp.command.settings import check, is_root_named
    from mnist_mlp.command.start import with_start
    from mnist_mlp.command.typed import flags_first, readable
    from mnist_mlp.runs.metrics import Metrics
    from mnist_mlp.sweeps.jobs import run_job
    from mnist_mlp.terminal import say


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(config: DictConfig) -> float | None:
    """Trains what the config describes; a job of a sweep returns its validation accuracy."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return run_job(config, folder, train)
    with one_line_errors(explain):  # here too, since Hydra adds lines of its own to what it lets through
        study = HydraConfig.get().runtime.choices.get("study")
        if study and "hydra.mode=RUN" not in HydraConfig.get().overrides.hydra:  # one of its jobs, resumed
            raise InputError(f"study={study}: its file must say hydra.mode: MULTIRUN, as those in conf/study do")
        train(config, folder)


def train(config: DictConfig, folder: Path, varied: dict | None = None) -> Metrics | None:
    """Checks the config, then imports torch and trains."""
    check(config)
    if is_root_named(HydraConfig.get().overrides.task):
        config.data.fallback = None
    if int(os.environ.get("RANK", 0)) == 0:
        say(first_line(HydraConfig.get().runtime.choices, HydraConfig.get().overrides.task))
    return import_training().train(config, folder, varied)


def import_training():
    """Returns the module that trains. It takes seconds to import, so the config is checked first."""
    if "torch" not in sys.modules:
        print("starting PyTorch and Lightning ...", flush=True)
    gc.disable()  # of the half a million objects to come hardly one is garbage: looking for it takes half a second
    atexit.register(gc.disable)  # and so at the end
    try:
        with ends_at_once():
            from mnist_mlp.training import run as training
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        raise InputError(
            f"torch and torchvision are builds that do not belong together ({error});"
            " mend it with: pip install --force-reinstall -c constraints.txt torch torchvision"
        ) from error
    finally:
        gc.enable()
    return training


if __name__ == "__main__":
    with one_line_errors():
        if answer := information(sys.argv[1:]):
            print(answer)
            sys.exit()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # so that Hydra lets errors through
    os.environ["PYTHONWARNINGS"] = "ignore"  # for the processes that launchers start; for this one:
    warnings.simplefilter("ignore")
    with interrupt_on_signals(), one_line_errors(explain):
        sys.argv[1:] = flags_first(continued(with_start(readable(sys.argv[1:]))))
        if int(os.environ.get("RANK", 0)) > 0:  # of torchrun's processes the first has the run folder
            sys.argv += ["hydra.run.dir=.", "hydra.output_subdir=null"]
        main()
    if sys.orig_argv[1:2] == sys.argv[:1]:  # not under a profiler, a debugger or a notebook, which go on
        leave()
