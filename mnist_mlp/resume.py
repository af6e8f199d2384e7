"""What a run or a sweep was begun with, put before what is typed to continue it."""

from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from mnist_mlp.errors import InputError


def continued(arguments: list[str]) -> list[str]:
    """With ``resume=FOLDER`` or ``checkpoint=RUN/checkpoints/last.ckpt``, the arguments of that run or sweep as well.

    Raises InputError where there is nothing to continue, or where a sweep's jobs would no longer be the same.
    """
    words = by_key(arguments)
    rest = [argument for key, argument in words.items() if key != "resume"]
    if "resume" in words:
        folder = Path(words["resume"].partition("=")[2])
        if (folder / "multirun.yaml").is_file():
            return sweep_arguments(folder, rest)
        if (folder / "checkpoints/last.ckpt").is_file():
            return run_arguments(folder, [f"checkpoint={quoted(folder / 'checkpoints/last.ckpt')}", *rest])
        raise InputError(
            f"resume={folder}: neither a run's folder, with checkpoints/last.ckpt, nor a sweep's, with multirun.yaml"
        )
    run = Path(words.get("checkpoint", "").partition("=")[2]).parent.parent
    return run_arguments(run, arguments) if "checkpoint" in words else arguments


def run_arguments(run: Path, typed: list[str]) -> list[str]:
    """What the run was started with stays in ``RUN/.hydra``, whatever is typed to continue it."""
    overrides = run / ".hydra/overrides.yaml"
    if not overrides.is_file():
        return typed
    return [*OmegaConf.load(overrides), f"hydra.run.dir={quoted(run)}", "hydra.output_subdir=null", *typed]


def sweep_arguments(sweep: Path, typed: list[str]) -> list[str]:
    """A sweep may be continued with other values of what it varies, such as more seeds, and by another launcher."""
    hydra = OmegaConf.load(sweep / "multirun.yaml").hydra
    begun = by_key([*hydra.overrides.hydra, *hydra.overrides.task])
    had = by_key(f"{key}={value}" for key, value in (hydra.sweeper.get("params") or {}).items()) | begun
    for key, argument in by_key(typed).items():
        same = argument == had.get(key) or key == "launcher" or key.startswith(("-", "hydra.", "hydra/"))
        if not same and not (key in had and is_sweep(argument) and is_sweep(had[key])):
            raise InputError(
                f"{argument}: the sweep in {sweep} was begun {f'with {had[key]}' if key in had else f'without {key}'};"
                " only other values of what it varies, and another launcher, can continue it"
            )
    return [*(begun | by_key(typed)).values(), f"hydra.sweep.dir={quoted(sweep)}"]


def by_key(arguments) -> dict[str, str]:
    """Each argument by what stands before its first equals sign; of equal keys, the last."""
    return {argument.partition("=")[0]: argument for argument in arguments}


def is_sweep(argument: str) -> bool:
    return OverridesParser.create().parse_override(argument).is_sweep_override()


def quoted(path: Path) -> str:
    """The path as Hydra reads it, whatever characters are in it."""
    text = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"
