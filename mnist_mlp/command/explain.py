"""What to say about an error of Hydra or OmegaConf. Their own words assume that one knows Hydra."""

import re
import shlex

import yaml
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, InterpolationKeyError, OmegaConfBaseException

from mnist_mlp import errors
from mnist_mlp.command.hints import no_such_option
from mnist_mlp.command.options import options
from mnist_mlp.command.settings import check_value, rules, unknown_key
from mnist_mlp.command.words import CLOSING, SEE_HELP, assignment, known_name
from mnist_mlp.errors import InputError

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
    "GridSampler only": "hydra/sweeper/sampler=grid: list each value, such as optimizer.lr=choice(0.001,0.01)",
    "n_jobs == 0": "hydra.launcher.n_jobs=0: must be an integer, at least 1",
    "Config group override": "a group needs the name of one option, not null: {}",  # model=null
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
            return f"{error.override}: {cure(error.override or '')}"
        case ConfigCompositionException(__cause__=ConfigAttributeError() | ConfigKeyError() as cause):
            return str(unknown_key(cause.full_key or ""))
        case HydraException() if found := re.match("(?:Ambiguous value for argument|Sweep parameters) '(.*)'", text):
            return several_values(found[1])
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
    return str(no_such_option(group, name, options)) if group else f"{missing}: there is no such config file"


def cure(word: str) -> str:
    """Returns what is wrong with a setting that Hydra cannot read, and how to write it."""
    key, _, value = word.partition("=")
    name = key.lstrip("+~")
    if value.startswith("="):
        return f"one = is enough: {assignment(known_name(key) or key, value.lstrip('='))}"
    if found := re.search("[;&]|,$", value):
        return f"settings are separated by spaces, not by {found[0]}"
    for opening, closing in {"'": "'", '"': '"', **CLOSING}.items():
        count = value.count(opening) - value.count(closing) or (opening == closing and value.count(opening) % 2)
        if count:
            return f"a {opening if count < 0 else closing} is missing"
    if name in options():
        return str(no_such_option(name, value, options()[name])).partition(": ")[2]
    if name in rules():
        return f"must be {rules()[name][0]}"
    if "=" in value or not value or not re.fullmatch(r"[\w./@-]+", name):
        return f"cannot be read as KEY=VALUE; {SEE_HELP}"
    in_quotes = f"{key}='{value}'"
    return f'Hydra reads some of these characters as its own; quote the value, and all for the shell: "{in_quotes}"'


def several_values(argument: str) -> str:
    """Returns what to say about several values for one key, which Hydra takes in a sweep only."""
    key, _, value = argument.partition("=")
    if key in ("study", "search", "launcher"):
        return f"{argument}: one at a time"
    if key == "model.hidden_sizes" and "[" not in value:
        return f"{argument}: a list needs brackets: {shlex.quote(f'{key}=[{value}]')}"
    if key in rules() and not all(holds(key, part) for part in value.split(",")):
        for number in (value.replace(",", "."), value.replace(",", "")):  # 0,001 and 1,000
            if holds(key, number):
                return f"{argument}: a number has no comma: {key}={number}"
    return f"{argument}: to train with each of these values: python train.py -m {shlex.quote(argument)}"


def holds(key: str, value: str) -> bool:
    """Returns whether a value, as typed, is one that the key may have."""
    try:
        check_value(key, yaml.safe_load(value))
    except (InputError, yaml.YAMLError):
        return False
    return True


def _raised_in(error: Exception) -> str:
    """Returns the name of the package that raised the error."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace.tb_frame.f_globals["__name__"].partition(".")[0] if trace else ""
