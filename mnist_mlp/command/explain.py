"""What to say about an error of Hydra or OmegaConf. Their own words assume that one knows Hydra."""

import re

from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, InterpolationKeyError, OmegaConfBaseException

from mnist_mlp import errors
from mnist_mlp.command.settings import unknown_key

# The choices that need a plugin of Hydra: what is typed, and the extra that installs it.
PLUGINS = {
    "hydra/launcher/joblib": ("launcher=parallel", "parallel"),
    "hydra/launcher/submitit_slurm": ("launcher=slurm", "slurm"),
    "hydra/sweeper/optuna": ("search=optuna", "search"),
}

# The ValueErrors of libraries that a user can fix, by how they begin, and what to say.
VALUE_ERRORS = {
    "No trials are completed": "every trial of the search failed",
    "Record does not exist": "every trial of the search failed",
    "n_jobs == 0": "hydra.launcher.n_jobs=0: must be an integer, at least 1",
    "Config group override": "a group cannot be null: {}",  # model=null
    "Only one of --run": "{}",
}


def explain(error: Exception) -> str | None:
    """Returns what to tell the user about an error that they can fix, or None for a bug."""
    text = str(error)
    match error:
        case MissingConfigException(missing_cfg_file=str(missing)):
            return _missing_option(missing, list(error.options or []))
        case InstantiationException(__cause__=Exception() as cause):
            return f"{text.rpartition('full_key: ')[2]}: {explain(cause) or cause}"
        case OverrideParseException():
            return f"{error.override}: cannot be read ({text.splitlines()[0]}); quote unusual values: \"key='value'\""
        case ConfigCompositionException(__cause__=ConfigAttributeError() | ConfigKeyError() as cause):
            return str(unknown_key(cause.full_key or ""))
        case InterpolationKeyError() if found := re.search(r"hydra\.runtime\.choices\.(\w+)", text):
            return f"{found[1]}: must be the name of one option"
        case HydraException() | OmegaConfBaseException():
            return text
    if message := errors.explain(error):
        return message
    if type(error).__name__ == "TerminatedWorkerError":  # of joblib, which may not be installed
        return "a job's process was killed, perhaps because the memory was full"
    for begin, message in VALUE_ERRORS.items():
        if text.startswith(begin):
            return message.format(text)
    if _raised_in(error) in ("hydra", "omegaconf"):  # which stumble over odd overrides, such as "+="
        return f"what was typed cannot be read as settings ({type(error).__name__}: {text})"
    return None


def _missing_option(missing: str, options: list[str]) -> str:
    if missing in PLUGINS:
        choice, extra = PLUGINS[missing]
        return f'{choice}: its plugin is not installed: pip install -c constraints.txt -e ".[{extra}]"'
    group, _, name = missing.rpartition("/")
    return f"{group}={name}: no such {group}; there are {', '.join(options)}"


def _raised_in(error: Exception) -> str:
    """Returns the name of the package that raised the error."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace.tb_frame.f_globals["__name__"].partition(".")[0] if trace else ""
