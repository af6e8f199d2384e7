"""What the config may say, checked before anything heavy is imported."""

import difflib
import math
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mnist_mlp.errors import InputError, one_line

Rule = tuple[str, Callable[[Any], bool]]  # what a value must be, and whether it is


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    return is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def integer(least: int) -> Rule:
    return f"an integer, at least {least}", lambda value: is_integer(value) and value >= least


def number(least: float, most: float) -> Rule:
    return f"a number from {least} to {most}", lambda value: is_number(value) and least <= value <= most


def one_of(*choices: Any) -> Rule:
    names = ", ".join("null" if choice is None else str(choice) for choice in choices)
    return f"one of {names}", lambda value: any(value is choice or value == choice for choice in choices)


RULES: dict[str, Rule] = {
    "seed": integer(0),
    "checkpoint": ("a checkpoint file of a run, or null", lambda value: value is None or isinstance(value, str)),
    "model.hidden_sizes": (
        "a list of integers, each at least 1, such as [512,512] or []",
        lambda value: isinstance(value, list) and all(is_integer(size) and size >= 1 for size in value),
    ),
    "model.activation": one_of("relu", "tanh", "sigmoid", "gelu"),
    "model.dropout": ("a number in [0, 1)", lambda value: is_number(value) and 0 <= value < 1),
    "model.batch_norm": ("true or false", lambda value: isinstance(value, bool)),
    "optimizer.lr": ("a number above 0", lambda value: is_number(value) and value > 0),
    "optimizer.momentum": ("a number in [0, 1)", lambda value: is_number(value) and 0 <= value < 1),
    "scheduler.warmup": ("a number in [0, 1)", lambda value: is_number(value) and 0 <= value < 1),
    "scheduler.pct_start": ("a number in (0, 1)", lambda value: is_number(value) and 0 < value < 1),
    "loss.label_smoothing": ("a number in [0, 1)", lambda value: is_number(value) and 0 <= value < 1),
    "augment.rotation": number(0, 180),
    "augment.scale": number(0, 1),
    "augment.shear": number(0, 1),
    "augment.shift": number(0, 28),
    "augment.elastic": number(0, 28),
    "augment.smoothness": number(1, 28),
    "average.decay": ("a number in (0, 1)", lambda value: is_number(value) and 0 < value < 1),
    "data.dataset": one_of("mnist", "fashion_mnist", "kmnist", "digits", "folder"),
    "data.root": ("a folder", lambda value: value is None or (isinstance(value, str) and value != "")),
    "data.batch_size": integer(1),
    "data.val_fraction": ("a number in (0, 1)", lambda value: is_number(value) and 0 < value < 1),
    "data.seed": integer(0),
    "data.outliers": number(0, 1),
    "data.fallback": one_of("digits", None),
    "data.as_digits": ("true or false", lambda value: isinstance(value, bool)),
    "trainer.max_epochs": integer(1),
    "trainer.accelerator": (
        "a name that Lightning knows, such as auto, cpu or gpu",
        lambda value: isinstance(value, str),
    ),
    "trainer.devices": integer(1),
    "trainer.num_nodes": integer(1),
    "trainer.gradient_clip_val": (
        "a number above 0, or null",
        lambda value: value is None or (is_number(value) and value > 0),
    ),
}
# What a group may construct: a config, or the run folder of someone else that is continued, cannot name anything else.
TARGETS = {
    "model": r"mnist_mlp\.model\.mlp\.MLP",
    "data": r"mnist_mlp\.data\.module\.DigitsDataModule",
    "trainer": r"lightning\.Trainer",
    "optimizer": r"torch\.optim\.[A-Z]\w+",
    "scheduler": r"mnist_mlp\.training\.schedulers\.\w+|torch\.optim\.lr_scheduler\.[A-Z]\w+",
    "augment": r"mnist_mlp\.data\.distortions\.Distort",
    "average": r"mnist_mlp\.training\.ema\.\w+",
    "loss": r"torch\.nn\.[A-Z]\w+|mnist_mlp\.model\.losses\.[A-Z]\w+",
}
MOST_PARAMETERS = 100_000_000  # 1.6 GB with gradients and Adam's averages
# Their other keys are arguments of the class or function that they name, which checks them itself.
OPEN_GROUPS = ("optimizer", "scheduler", "loss", "trainer")
# Keys that only some options of their group have, and groups that are empty where none is chosen; an option that has.
OPTIONAL_KEYS = {
    "loss.label_smoothing": "loss=cross_entropy",
    "optimizer.momentum": "optimizer=nesterov",
    "scheduler.warmup": "scheduler=warmup_cosine",
    "scheduler.pct_start": "scheduler=one_cycle",
}
OPTIONAL_GROUPS = {"scheduler": "scheduler=cosine", "augment": "augment=distort", "average": "average=ema"}


def check(config: DictConfig) -> None:
    """Raises InputError, naming the key, where a setting is unknown, missing, of the wrong type or out of range."""
    try:
        settings = flatten(OmegaConf.to_container(config, resolve=True, throw_on_missing=True))
    except OmegaConfBaseException as error:
        raise InputError(f"{error.full_key}: {one_line(error.msg)}") from error
    for group, choice in OPTIONAL_GROUPS.items():
        if settings.get(group) != {} and f"{group}._target_" not in settings:
            raise InputError(f"{group}: nothing is chosen of it; there are {choice} and {group}=none")
    for key, (expected, _) in RULES.items():
        group = key.partition(".")[0]
        if key in settings:
            check_value(key, settings[key])
        elif key not in OPTIONAL_KEYS and not (group in OPTIONAL_GROUPS and settings.get(group) == {}):
            raise InputError(f"{key} is missing: it must be {expected}")
    for key, target in targets(settings):
        group, _, name = key.partition(".")
        if name != "_target_" or not re.fullmatch(TARGETS.get(group, ""), str(target)):
            raise InputError(f"{key}={target}: not something that {group} may be")
    if (count := parameters(settings["model.hidden_sizes"])) > MOST_PARAMETERS:
        raise InputError(f"model.hidden_sizes: {count:,} parameters, where {MOST_PARAMETERS:,} are the most")
    for key, value in settings.items():
        group, _, name = key.partition(".")
        open_key = (name and group in OPEN_GROUPS) or (value == {} and group in OPTIONAL_GROUPS)
        if key not in RULES and not open_key and name not in ("_target_", "_partial_"):
            raise unknown(key)
    if config.data.root is None and config.data.dataset != "digits":
        raise InputError(f"data.root is missing: it must be the folder of the {config.data.dataset} data set")
    if config.checkpoint is not None and not Path(config.checkpoint).is_file():
        raise InputError(f"checkpoint={config.checkpoint}: no such file; a run has RUN/checkpoints/last.ckpt")


def check_value(key: str, value: Any) -> None:
    """Raises InputError where a key's value is not what it must be; does nothing for a key without a rule."""
    if key in RULES:
        expected, holds = RULES[key]
        if not holds(value):
            raise InputError(f"{key}={show(value)}: must be {expected}")


def targets(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Each ``_target_`` in nested settings, in lists too, with its dotted key."""
    if isinstance(value, dict):
        for name, item in value.items():
            inner = f"{key}.{name}" if key else str(name)
            if inner.rpartition(".")[2] == "_target_":
                yield inner, item
            else:
                yield from targets(item, inner)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from targets(item, f"{key}[{place}]")


def parameters(hidden_sizes: list[int]) -> int:
    """The parameters of an MLP's layers, of 784 inputs and some ten classes."""
    sizes = [784, *hidden_sizes, 10]
    return sum((size + 1) * next_size for size, next_size in pairwise(sizes))


def unknown(key: str) -> InputError:
    if key in RULES:
        choice = OPTIONAL_KEYS.get(key) or OPTIONAL_GROUPS.get(key.partition(".")[0])
        return InputError(
            f"there is no {key} without {choice}" if choice else f"{key}: not a setting of what is chosen"
        )
    near = difflib.get_close_matches(key, RULES, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return InputError(f"unknown key {key}{meant} (python train.py --cfg job shows them all)")


def flatten(settings: dict, prefix: str = "") -> dict[str, Any]:
    """Nested settings by their dotted keys; an empty group is a value of its own."""
    flat = {}
    for name, value in settings.items():
        key = f"{prefix}{name}"
        flat |= flatten(value, f"{key}.") if isinstance(value, dict) and value else {key: value}
    return flat


def show(value: Any) -> str:
    return "null" if value is None else str(value)
