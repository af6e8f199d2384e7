"""What is typed, before Hydra reads it, and what is said when it cannot be done."""

import os
import re
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

from mnist_mlp.errors import InputError, one_line

HELP = """Trains a multilayer perceptron to read handwritten digits, tests it, and writes a run folder with its
scores, curves, checkpoints and TensorBoard files. Choose a part by its name, change a setting by its key:

  python train.py                                  the 98 % model
  python train.py experiment=mlp                   one of the tutorial's models, exactly
  python train.py model=dropout optimizer=adam     any model with any optimizer
  python train.py model.hidden_sizes=[256,128] model.dropout=0.1 trainer.max_epochs=10
  python train.py data=digits                      real digits without a download
  python train.py data=folder data.root=my_digits  your own images: my_digits/<label>/*.png
  python train.py -m model=perceptron,mlp seed=0,1 every combination, then a report with means and intervals
  python train.py study=dropout                    a prepared sweep; launcher=parallel runs a job on each core
  python train.py search=optuna model=mlp          look for good settings of a model
  python train.py resume=FOLDER                    continue a run or a sweep: only what is missing

What there is to choose from (group=name):

{groups}

python train.py --cfg job shows every setting and its value, --hydra-help what else Hydra offers;
tensorboard --logdir outputs shows the runs."""

# The choices that need a plugin of Hydra's: what it gives, what is typed, the extra that installs it.
PLUGINS = {
    "launcher/joblib": ("launcher=parallel", "parallel"),
    "launcher/submitit_slurm": ("launcher=slurm", "slurm"),
    "sweeper/optuna": ("search=optuna", "search"),
}

# The ValueErrors of libraries that are the user's to mend, by how they begin, and what to say of them.
PLAIN_VALUE_ERRORS = {
    "No trials are completed": "every trial of the search failed",
    "Record does not exist": "every trial of the search failed",
    "n_jobs == 0": "hydra.launcher.n_jobs=0: must be an integer, at least 1",
    "Config group override": "a group cannot be null: {}",  # model=null
    "Only one of --run": "{}",
}


def help_text(conf: Path) -> str:
    """What --help says; Hydra's own, which lists its plugins' groups to no use here, takes a second longer."""
    groups = {path.name: sorted(option.stem for option in path.glob("*.yaml")) for path in sorted(conf.glob("*/"))}
    return HELP.format(groups="\n".join(f"  {group}: {', '.join(options)}" for group, options in groups.items()))


received: list[int] = []  # signals that ended the program, other than Ctrl-C's


def interrupt_on_sigterm() -> None:
    """Makes SIGTERM, which Slurm and others send before they kill, end the program as Ctrl-C does."""

    def interrupt(number: int, _) -> None:
        received.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


@contextmanager
def errors_in_one_line():
    """Ends the program with a line on stderr; status 2: the user can mend it, 130: Ctrl-C, 143: SIGTERM."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        how = "terminated" if received else "interrupted"
        print(f"\n{how}{f': {interrupt}' if interrupt.args else ''}", file=sys.stderr)
        sys.exit(128 + (received[-1] if received else signal.SIGINT))
    except Exception as error:
        message = explained(error)
        if message is None:
            raise
        print(f"error: {one_line(message)}", file=sys.stderr)
        sys.exit(2)


def explained(error: Exception) -> str | None:
    """What a learner needs of an error that the user can mend; None for any other. Hydra's own words assume Hydra."""
    text = str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    if isinstance(error, InputError):
        return text

    from hydra.errors import HydraException, InstantiationException, OverrideParseException
    from omegaconf.errors import OmegaConfBaseException

    from mnist_mlp.command.settings import unknown  # which, as Hydra, what reads pictures need not wait for

    if isinstance(error, InstantiationException) and error.__cause__ is not None:
        return f"{text.rpartition('full_key: ')[2]}: {explained(error.__cause__) or error.__cause__}"
    if isinstance(error, OverrideParseException):
        return f"{error.override}: cannot be read ({text.splitlines()[0]}); quote unusual values: \"key='value'\""
    if match := re.search(r"'hydra\.runtime\.choices\.(\w+)' not found", text):
        return f"{match[1]}: must be the name of one option"
    if match := re.match("Could not override '(.+)'", text):
        return str(unknown(match[1]))
    if match := re.search(
        r"Could not find '(\w+)/(.*)'\s+Available options in .*?:\s+(.*?)\s+Config search", text, re.S
    ):
        group, name, options = match.groups()
        if group == "hydra" and name in PLUGINS:
            choice, extra = PLUGINS[name]
            return f'{choice}: its plugin is not installed: pip install -c constraints.txt -e ".[{extra}]"'
        return f"{group}={name}: no such {group}; there are {', '.join(options.split())}"
    if type(error).__name__ == "TerminatedWorkerError":  # joblib's
        return "a job's process was killed, perhaps because the memory was full"
    if isinstance(error, (OSError, HydraException, OmegaConfBaseException)):
        return text
    for begin, said in PLAIN_VALUE_ERRORS.items():
        if text.startswith(begin):
            return said.format(text)
    if package_that_raised(error) in ("hydra", "omegaconf"):  # which stumbles over odd overrides, such as "+="
        return f"what was typed cannot be read as settings ({type(error).__name__}: {text})"
    return None


def package_that_raised(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace.tb_frame.f_globals["__name__"].partition(".")[0] if trace else ""
