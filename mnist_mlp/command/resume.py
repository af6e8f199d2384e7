"""What a run or a sweep was begun with, put before what is typed to continue it."""

import os
import re
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from mnist_mlp.command.settings import check_value
from mnist_mlp.errors import InputError


def continued(arguments: list[str]) -> list[str]:
    """With ``resume=FOLDER`` or ``checkpoint=RUN/checkpoints/last.ckpt``, the arguments of that run or sweep as well.

    Raises InputError where there is nothing to continue, or where a sweep's jobs would no longer be the same.
    """
    words = by_key(arguments)
    if not {"resume", "checkpoint"} & words.keys() and (run := requeued_run()):
        return continued([*arguments, f"resume={run}"])
    rest = [argument for key, argument in words.items() if key != "resume"]
    if "resume" in words:
        folder = Path(words["resume"].partition("=")[2])
        if (folder / "multirun.yaml").is_file():
            return sweep_arguments(folder, rest)
        if (folder / "checkpoints/last.ckpt").is_file():
            if not (folder / ".hydra/overrides.yaml").is_file():
                raise InputError(
                    f"{folder / '.hydra/overrides.yaml'} is missing: type again what began the run,"
                    f" with hydra.run.dir={folder} checkpoint={folder / 'checkpoints/last.ckpt'}"
                )
            return run_arguments(folder, [f"checkpoint={quoted(folder / 'checkpoints/last.ckpt')}", *rest])
        raise InputError(
            f"resume={folder}: neither a run's folder, with checkpoints/last.ckpt, nor a sweep's, with multirun.yaml"
        )
    run = Path(words.get("checkpoint", "").partition("=")[2]).parent.parent
    return run_arguments(run, arguments) if "checkpoint" in words else arguments


def slurm_mark() -> str:
    """The name of a file that says in a run's folder which Slurm job began it; nothing outside one."""
    return f".slurm-{os.environ['SLURM_JOB_ID']}" if "SLURM_JOB_ID" in os.environ else ""


def requeued_run() -> Path | None:
    """The run that this Slurm job was at when it was requeued, if an epoch of it was finished."""
    if int(os.environ.get("SLURM_RESTART_COUNT", 0)) == 0:
        return None
    runs = [mark.parent for mark in Path("outputs").glob(f"*/*/{slurm_mark()}")]
    return next((run for run in sorted(runs, reverse=True) if (run / "checkpoints/last.ckpt").is_file()), None)


def run_arguments(run: Path, typed: list[str]) -> list[str]:
    """What the run was started with stays in ``RUN/.hydra``, whatever is typed to continue it."""
    path = run / ".hydra/overrides.yaml"
    if not path.is_file():
        return typed
    return [*harmless(read_yaml(path, list), path), f"hydra.run.dir={quoted(run)}", "hydra.output_subdir=null", *typed]


def sweep_arguments(sweep: Path, typed: list[str]) -> list[str]:
    """A sweep may be continued with more values of what it varies, with more seeds, and by another launcher."""
    path = sweep / "multirun.yaml"
    try:
        hydra = read_yaml(path, dict)["hydra"]
        overrides = [*hydra["overrides"]["hydra"], *hydra["overrides"]["task"]]
        params = [f"{key}={value}" for key, value in (hydra["sweeper"].get("params") or {}).items()]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not what Hydra writes of a sweep") from error
    begun = by_key(harmless(overrides, path))
    had = by_key(params) | begun
    now = by_key(typed)
    for key, argument in now.items():
        if argument == had.get(key) or key == "launcher" or key.startswith(("-", "hydra.", "hydra/")):
            continue
        if key != "seed" and not (key in had and is_sweep(had[key])):
            raise InputError(
                f"{argument}: the sweep in {sweep} was begun {f'with {had[key]}' if key in had else f'without {key}'};"
                " only more values of what it varies, more seeds, and another launcher can continue it"
            )
        values = values_of(had[key]) | values_of(argument) if key in had else values_of(argument)
        now[key] = f"{key}={','.join(values)}" if len(values) > 1 else f"{key}=choice({','.join(values)})"
    return [*(begun | now).values(), f"hydra.sweep.dir={quoted(sweep)}"]


# Settings of Hydra's that a sweep is continued with. Others could run commands or write elsewhere, and a folder may be
# someone else's.
OF_A_SWEEP = re.compile(
    r"hydra\.(mode|sweeper\.(n_trials|n_jobs|sampler\.\w+|params\..+)|launcher\.(n_jobs|partition|timeout_min|mem_gb"
    r"|cpus_per_task|gpus_per_node|array_parallelism)|sweep\.dir|job\.config\.override_dirname\.exclude_keys)"
)


def harmless(overrides: list, path: Path) -> list[str]:
    """The overrides, if they are such as a run or a sweep may be continued with; otherwise raises InputError."""
    for override in overrides:
        key = str(override).partition("=")[0].lstrip("+~")
        if not isinstance(override, str) or (key.startswith("hydra") and not OF_A_SWEEP.fullmatch(key)):
            raise InputError(f"{path}: {override} is not taken from a folder: type the whole command again")
    return overrides


def read_yaml(path: Path, kind: type) -> Any:
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not isinstance(content, kind):
        raise InputError(f"{path}: damaged: not a {kind.__name__}")
    return content


def by_key(arguments) -> dict[str, str]:
    """Each argument by what stands before its first equals sign; of equal keys, the last."""
    return {argument.partition("=")[0]: argument for argument in arguments}


def is_sweep(argument: str) -> bool:
    return parsed(argument).is_sweep_override()


def values_of(argument: str) -> dict[str, None]:
    """The values that an argument gives to its key, one or many, as Hydra reads them; in their order, each once.

    Raises InputError where the settings cannot be so, before they are written down as the sweep's.
    """
    override = parsed(argument)
    if not override.is_sweep_override():
        texts = [override.get_value_element_as_str()]
    elif override.is_discrete_sweep():
        texts = list(override.sweep_string_iterator())
    else:
        raise InputError(f"{argument}: not values that a sweep could go through")
    for text in texts:
        check_value(override.key_or_group, parsed(f"key={text}").value())
    return dict.fromkeys(texts)


def parsed(argument: str) -> Override:
    return OverridesParser.create().parse_override(argument)


def quoted(path: Path) -> str:
    """The path as Hydra reads it, whatever characters are in it."""
    text = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"
