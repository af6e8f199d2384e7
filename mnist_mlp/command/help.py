"""What train.py says about itself: its help, its version, and what it is about to train."""

import textwrap
from collections.abc import Mapping

import mnist_mlp
from mnist_mlp.command.options import options
from mnist_mlp.command.settings import rules
from mnist_mlp.errors import InputError

HELP = """Trains a multilayer perceptron to read handwritten digits, tests it, and writes
a run folder with its scores, curves, checkpoints and TensorBoard files. Choose
a part by its name, change a setting by its key:

  python train.py                                  the tutorial's model 4: 98 %
  python train.py experiment=mlp                   another of its models
  python train.py model=dropout optimizer=adam     any model, any optimizer
  python train.py 'model.hidden_sizes=[256,128]' trainer.max_epochs=10
  python train.py data=digits                      real digits without download
  python train.py data=folder data.root=my_digits  your own: my_digits/7/*.png
  python train.py init=RUN data=kmnist             start from a run's weights
  python train.py -m model=perceptron,mlp seed=0,1 all four, and a report
  python train.py study=dropout                    a prepared sweep
  python train.py search=optuna model=mlp          look for good settings
  python train.py resume=FOLDER                    continue a run or a sweep

--help GROUP shows one of the groups below, --cfg job every setting and its
value, --hydra-help what else Hydra offers, python -m mnist_mlp the other
commands; tensorboard --logdir outputs shows the runs.
"""

# What a group is for; also the order in which they are shown.
ABOUT = {
    "experiment": "a whole recipe: it chooses from the groups below, and sets epochs and batch size",
    "model": "the network",
    "optimizer": "how the weights are changed, and the learning rate",
    "scheduler": "how the learning rate changes during the training",
    "loss": "what is minimised",
    "data": "the images",
    "augment": "how training images are distorted",
    "average": "which weights are validated, tested and used",
    "trainer": "the machine's part, and the number of epochs",
    "study": "a question answered by many trainings: a sweep with its values, and a report",
    "search": "looks for the settings with the best validation accuracy, in many short trainings",
    "launcher": "where the trainings of a sweep, a study or a search run; without it, one after the other",
    "ablation": "leaves out a part of experiment=record",
    "metrics": "further scores, beside loss and accuracy",
    "callbacks": "Lightning callbacks, several as 'callbacks=[early_stopping,lr_monitor]'",
    "logger": "where figures go besides TensorBoard and metrics.csv",
    "debug": "a short or watched training, to find a mistake",
}


def information(arguments: list[str]) -> str | None:
    """Returns what --help, with or without names of groups, or --version asks for; None if neither is typed."""
    first = arguments[0] if arguments else ""
    if {"--help", "-h"} & set(arguments) or first == "help":
        words = [word for word in arguments if word not in ("--help", "-h", "help") and "=" not in word]
        if unknown := [word for word in words if word not in options()]:
            raise InputError(f"--help {unknown[0]}: no such group; there are {', '.join(options())}")
        return "\n".join(f"{group_help(group)}\n{settings_help(group)}" for group in words) if words else help_text()
    if "--version" in arguments or first == "version":
        return f"mnist_mlp {mnist_mlp.__version__}"
    return None


def help_text() -> str:
    """Returns the whole help. Hydra's own lists its plugins' groups, which are of no use here."""
    groups = [group for group in dict.fromkeys([*ABOUT, *options()]) if group in options()]
    return "\n".join([HELP, *map(group_help, groups)])


def group_help(group: str) -> str:
    """Returns a group's options, each with what its file says of it."""
    lines = [f"{group}=NAME: {ABOUT[group]}" if group in ABOUT else f"{group}=NAME"]
    return filled([*lines, *(f"  {name:13} {text}" for name, text in options()[group].items())])


def settings_help(group: str) -> str:
    """Returns the settings that the options of a group write, each with what it must be."""
    return filled([f"  {key} = {expected}" for key, (expected, _) in rules().items() if key.startswith(f"{group}.")])


def filled(lines: list[str]) -> str:
    """Returns the lines, broken where they have more than 79 characters."""
    fill = textwrap.TextWrapper(79, subsequent_indent=" " * 16, break_on_hyphens=False).fill
    return "".join(f"{fill(line)}\n" for line in lines)


def first_line(choices: Mapping[str, str | None], typed: list[str]) -> str:
    """Returns what is about to be trained, in a line: the recipe or the model, and what was typed besides.

    Args:
        choices: The option chosen of each group.
        typed: The overrides.
    """
    group = "experiment" if choices.get("experiment") or not typed else "model"
    name = choices.get(group) or "wide"  # train.py's defaults are those of experiment=wide
    last = {word.partition("=")[0].lstrip("+"): word for word in typed}  # of what is typed again to resume a run
    if "init" in last:  # the model of the run to start from was not typed
        last = {key: word for key, word in last.items() if not word.startswith("++model.")}
    besides = [word for word in last.values() if word != f"{group}={name}"]
    text = options()[group].get(name, "")
    return " ".join(
        [f"{group}={name}", *([f"({text.rstrip('.')})"] if text else []), *(["with", *besides] if besides else [])]
    )
