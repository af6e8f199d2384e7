"""The command line that resumes a run or a sweep: what it was begun with, then what is typed."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from mnist_mlp.command.settings import check_value
from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder, SweepFolder, read_yaml


def continued(arguments: list[str]) -> list[str]:
    """Returns the arguments with those of the run or sweep that they resume put before them.

    ``resume=FOLDER`` names a run or a sweep, ``checkpoint=RUN/checkpoints/last.ckpt`` a run. Other arguments are
    returned as they are.

    Raises:
        InputError: There is nothing to resume, or the sweep's jobs would no longer be the same.
    """
    words = by_key(arguments)
    if not {"resume", "checkpoint"} & words.keys() and (requeued := requeued_run()):
        return continued([*arguments, f"resume={requeued.path}"])
    if "resume" in words:
        return resume_arguments(path_of(words.pop("resume")), list(words.values()))
    if "checkpoint" in words and (path := path_of(words["checkpoint"])).is_file():
        return resume_arguments(path, [word for key, word in words.items() if key != "checkpoint"])
    return arguments


def path_of(argument: str) -> Path:
    """Returns the path that an argument gives to its key. It may be quoted for Hydra, or begin with ~."""
    text = argument.partition("=")[2]
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and not Path(text).exists():
        text = text[1:-1].replace(f"\\{text[0]}", text[0])
    if not text:
        raise InputError(f"{argument}: must be the folder of a run or a sweep")
    return expanded(text)


def resume_arguments(path: Path, typed: list[str]) -> list[str]:
    """Returns the command line that resumes the run or the sweep in ``path``, or the run of that checkpoint."""
    if path.is_file():
        return run_arguments(RunFolder(path.parent.parent), [f"checkpoint={quoted(path)}", *typed])
    run, sweep = RunFolder(path), SweepFolder(path)
    if sweep.multirun_yaml.is_file():
        return sweep_arguments(sweep, typed)
    if not run.last.is_file():
        reason = "neither a run's folder, with checkpoints/last.ckpt, nor a sweep's, with multirun.yaml"
        raise InputError(f"resume={path}: {reason if path.exists() else 'no such folder'}")
    if not run.overrides_yaml.is_file():
        raise InputError(
            f"{run.overrides_yaml} is missing: type again what began the run, with hydra.run.dir={path}"
            f" checkpoint={run.last}"
        )
    return run_arguments(run, [f"checkpoint={quoted(run.last)}", *typed])


def expanded(path: str) -> Path:
    """Returns the path with ``~`` expanded, as it is for a user that there is not: Path's own raises an error."""
    return Path(os.path.expanduser(path))


def slurm_mark() -> str:
    """Returns the name of a file that tells which Slurm job began a run; empty outside a job."""
    job = os.environ.get("SLURM_JOB_ID", "")
    return f".slurm-{job}" if job.isdecimal() else ""


def requeued_run() -> RunFolder | None:
    """Returns the run that this Slurm job was busy with when it was requeued, if an epoch of it was finished."""
    restarts = os.environ.get("SLURM_RESTART_COUNT", "")
    if not (slurm_mark() and restarts.isdecimal() and int(restarts)):
        return None
    runs = [RunFolder(mark.parent) for mark in Path("outputs").glob(f"*/*/{slurm_mark()}")]
    return next((run for run in sorted(runs, key=lambda run: run.path, reverse=True) if run.last.is_file()), None)


def run_arguments(run: RunFolder, typed: list[str]) -> list[str]:
    """Returns the command line that resumes a run: its saved overrides, then what is typed.

    The run's ``.hydra`` folder keeps how it was begun, whatever is typed to resume it.

    Raises:
        InputError: The saved overrides set more of Hydra than a run's folder may, or options came from another folder.
    """
    if {"-m", "--multirun"} & {*typed}:
        raise InputError(f"{run.path}: a run is continued alone, without -m")
    if not run.overrides_yaml.is_file():
        return typed
    is_named = any(word.startswith(("--config-dir", "-cd", "hydra.searchpath")) for word in typed)
    if run.option_folders and not is_named:  # not searched unasked: the run may be a stranger's
        raise InputError(f"{run.path} was begun with options in {run.option_folders[0]}: --config-dir names it again")
    saved = harmless(run.overrides, run.overrides_yaml)
    of_a_sweep = ["hydra.mode=RUN"] if {"study", "search"} & by_key(saved).keys() else []  # continues this job alone
    return [*saved, *of_a_sweep, f"hydra.run.dir={quoted(run.path)}", "hydra.output_subdir=null", *typed]


def sweep_arguments(sweep: SweepFolder, typed: list[str]) -> list[str]:
    """Returns the command line that resumes a sweep, with more values of what it varies or another launcher.

    Raises:
        InputError: Something else is typed that would change the sweep's jobs.
    """
    begun, params = begun_with(sweep)
    had = params | begun
    now = by_key(typed)
    for key, argument in now.items():
        flag = key.startswith("-") or argument.isidentifier()  # --cfg job
        if argument == had.get(key) or key == "launcher" or flag or key.startswith(("hydra.", "hydra/")):
            continue
        if "search" in had:
            raise InputError(
                f"{argument}: a search is continued as it was begun, but for hydra.sweeper.n_trials and the launcher"
            )
        if key != "seed" and not (key in had and parsed(had[key]).is_sweep_override()):
            begin = f"with {had[key]}" if key in had else f"without {key}"
            raise InputError(
                f"{argument}: the sweep in {sweep.path} was begun {begin};"
                " only more values of what it varies, more seeds, and another launcher can continue it"
            )
        values = values_of(had[key]) | values_of(argument) if key in had else values_of(argument)
        now[key] = f"{key}={','.join(values)}" if len(values) > 1 else f"{key}=choice({','.join(values)})"
    return [*(begun | now).values(), f"hydra.sweep.dir={quoted(sweep.path)}"]


def begun_with(sweep: SweepFolder) -> tuple[dict[str, str], dict[str, str]]:
    """Returns what a sweep's command line said, and what its study's or search's file varies, by key."""
    try:
        hydra = read_yaml(sweep.multirun_yaml, dict)["hydra"]
        overrides = [*hydra["overrides"]["hydra"], *hydra["overrides"]["task"]]
        params = [f"{key}={value}" for key, value in (hydra["sweeper"].get("params") or {}).items()]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{sweep.multirun_yaml}: not what Hydra writes for a sweep") from error
    if any(word.startswith("without=") for word in params):  # its jobs are named by it
        raise InputError(f"{sweep.multirun_yaml}: of version 0.1.0; its without= is now ablation=: begin it anew")
    return by_key(harmless(overrides, sweep.multirun_yaml)), by_key(params)


# What a folder, which may be a stranger's, cannot set: words that are for Hydra itself, and where callbacks and loggers
# write. Of these it may choose by name, and set what is no place.
NOT_FROM_A_FOLDER = re.compile(r"-.*|logger\..+|callbacks\.[^.]+|callbacks\..*(_target_|dir|path|file|url|uri|root).*")
NAMES = re.compile(r"[\w,\[\] ]*")
# The settings of Hydra that a sweep is resumed with. Others could run commands or write elsewhere, and a folder may be
# a stranger's.
OF_A_SWEEP = re.compile(
    r"hydra/sweeper/sampler"
    r"|hydra\.(mode|sweeper\.(n_trials|n_jobs|sampler\.\w+|params\..+)|launcher\.(n_jobs|partition|timeout_min|mem_gb"
    r"|cpus_per_task|gpus_per_node|array_parallelism)|sweep\.dir|job\.config\.override_dirname\.exclude_keys)"
)


def harmless(overrides: list, path: Path) -> list[str]:
    """Returns the overrides. Raises InputError if one sets something that is not taken from a folder."""
    for override in overrides:
        key, _, value = str(override).lstrip("+~").partition("=")
        if (
            not isinstance(override, str)
            or (key.startswith("hydra") and not OF_A_SWEEP.fullmatch(key))
            or NOT_FROM_A_FOLDER.fullmatch(key)
            or (key in ("callbacks", "logger") and not NAMES.fullmatch(value))
        ):
            raise InputError(f"{path}: {override} is not taken from a folder: type the whole command again")
    return overrides


def by_key(arguments: Iterable[str]) -> dict[str, str]:
    """Returns each argument by what stands before its first equals sign; the last of equal keys."""
    return {argument.partition("=")[0]: argument for argument in arguments}


def values_of(argument: str) -> dict[str, None]:
    """Returns the values that an argument gives to its key, one or many, as the keys of a dict: in order, each once.

    Raises:
        InputError: A value breaks the key's rule, or they are not values that can be listed.
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
    """Returns an argument as Hydra reads it."""
    return OverridesParser.create().parse_override(argument)


def quoted(path: Path) -> str:
    """Returns the path in quotes, as Hydra reads it whatever characters are in it."""
    text = re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + ("\\'" if match[2] else ""), str(path))
    return f"'{text}'"
