"""What the config may hold, checked before anything heavy is imported."""

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mnist_mlp.command.hints import meant
from mnist_mlp.command.options import options
from mnist_mlp.errors import InputError
from mnist_mlp.runs.settings import flatten

Rule = tuple[str, Callable[[Any], bool]]  # what a value must be, in words, and the test


def is_integer(value: Any) -> bool:
    """Returns whether the value is an integer and not true or false."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Returns whether the value is a finite number."""
    return is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def integer(low: int) -> Rule:
    """Returns the rule for an integer of at least ``low``."""
    return f"an integer, at least {low}", lambda value: is_integer(value) and value >= low


def number(low: float, high: float) -> Rule:
    """Returns the rule for a number in [low, high]."""
    return f"a number from {low} to {high}", lambda value: is_number(value) and low <= value <= high


def one_of(*choices: Any) -> Rule:
    """Returns the rule for one of the choices."""
    names = ", ".join("null" if choice is None else str(choice) for choice in choices)
    return f"one of {names}", lambda value: any(value is choice or value == choice for choice in choices)


RULES: dict[str, Rule] = {
    "seed": integer(0),
    "checkpoint": ("a checkpoint file of a run, or null", lambda value: value is None or isinstance(value, str)),
    "init": ("the folder of a run or a checkpoint, or null", lambda value: value is None or isinstance(value, str)),
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
    "data.root": (
        "a folder",  # whose name may be a number
        lambda value: value is None or is_integer(value) or (isinstance(value, str) and value != ""),
    ),
    "data.extra": ("a folder of label folders, or null", lambda value: value is None or bool(value)),
    "data.batch_size": integer(1),
    "data.val_fraction": ("a number in (0, 1)", lambda value: is_number(value) and 0 < value < 1),
    "data.seed": integer(0),
    "data.outliers": number(0, 1),
    "data.hands": (
        "a number above 0 and up to 1, or null",
        lambda value: value is None or (is_number(value) and 0 < value <= 1),
    ),
    "data.block_size": integer(1),
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
# What Lightning or torch would take, but a training here cannot do: by key, which values, and why.
REFUSED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "trainer.barebones": (bool, "it forbids the log and the checkpoints that a run's folder is made of"),
    "trainer.callbacks": (lambda value: value is not None, "the group callbacks adds some"),
    "trainer.plugins": (lambda value: value is not None, "the checkpoints' and the processes' are set here"),
    "trainer.enable_checkpointing": (lambda value: value is False, "the best epoch's checkpoint is what is tested"),
    "trainer.default_root_dir": (lambda value: value is not None, "hydra.run.dir=FOLDER says where a run lies"),
    "trainer.use_distributed_sampler": (lambda value: value is False, "each process gets its part of every batch"),
    "trainer.limit_train_batches": (lambda value: value is not None and not value, "nothing would be trained"),
    "trainer.limit_test_batches": (lambda value: value is not None, "all test images are used, once"),
    "trainer.limit_predict_batches": (lambda value: value is not None, "a training predicts nothing"),
    "trainer.strategy": (
        lambda value: str(value).endswith(("spawn", "fork", "notebook")),
        "trainer=ddp starts the processes of a training itself",
    ),
    "optimizer._target_": (
        lambda value: str(value).endswith((".LBFGS", ".SparseAdam")),
        "LBFGS goes through each batch several times, SparseAdam needs sparse gradients; neither is there here",
    ),
}
# What a group may construct. A config, or a stranger's run folder that is resumed, cannot name anything else.
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
MAX_PARAMETERS = 100_000_000  # 1.6 GB with gradients and Adam's averages
# Their other keys are arguments of the class or function they name, which checks them itself.
OPEN_GROUPS = ("optimizer", "scheduler", "loss", "trainer")
# Keys that only some options of a group have, and groups that may be empty; each with an option that has them.
OPTIONAL_KEYS = {
    "loss.label_smoothing": "loss=cross_entropy",
    "optimizer.momentum": "optimizer=nesterov",
    "scheduler.warmup": "scheduler=warmup_cosine",
    "scheduler.pct_start": "scheduler=one_cycle",
}
OPTIONAL_GROUPS = {"scheduler": "scheduler=cosine", "augment": "augment=distort", "average": "average=ema"}


def check(config: DictConfig) -> None:
    """Raises InputError, naming the key, if a setting is unknown, missing, of the wrong type or out of range."""
    try:
        values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
        settings = flatten(values)
    except OmegaConfBaseException as error:
        raise InputError(f"{error.full_key}: {str(error.msg).partition(chr(10))[0]}") from error
    for group, choice in OPTIONAL_GROUPS.items():
        if settings.get(group) != {} and f"{group}._target_" not in settings:
            raise InputError(f"{group}: nothing is chosen of it; there are {choice} and {group}=none")
    check_rules(settings)
    check_targets(settings)
    for key, (refused, reason) in REFUSED.items():
        if refused(settings.get(key)):
            raise InputError(f"{key}={show(settings[key])}: {reason}")
    if settings.get("trainer.gradient_clip_algorithm") and settings["trainer.gradient_clip_val"] is None:
        raise InputError("trainer.gradient_clip_algorithm: of no effect without trainer.gradient_clip_val")
    check_names(settings)
    if (count := parameters(settings["model.hidden_sizes"])) > MAX_PARAMETERS:
        raise InputError(f"model.hidden_sizes: {count:,} parameters, but at most {MAX_PARAMETERS:,} are allowed")
    if config.data.root is None and config.data.dataset != "digits":
        raise InputError(f"data.root is missing: it must be the folder of the {config.data.dataset} data set")
    if config.checkpoint is not None and not Path(config.checkpoint).is_file():
        raise InputError(f"checkpoint={config.checkpoint}: no such file; a run has RUN/checkpoints/last.ckpt")


def is_root_named(overrides: Iterable[str]) -> bool:
    """Tells whether the user said where the data lie, and not what to fall back on: then nothing else is used."""
    typed = {override.partition("=")[0].lstrip("+") for override in overrides}
    return ("data.root" in typed or "MNIST_ROOT" in os.environ) and "data.fallback" not in typed


def check_rules(settings: dict[str, Any]) -> None:
    """Raises InputError for the first key whose value breaks its rule or is missing."""
    for key, (expected, _) in RULES.items():
        group = key.partition(".")[0]
        if key in settings:
            check_value(key, settings[key])
        elif key not in OPTIONAL_KEYS and not (group in OPTIONAL_GROUPS and settings.get(group) == {}):
            raise InputError(f"{key} is missing: it must be {expected}")


def check_value(key: str, value: Any) -> None:
    """Raises InputError if the value breaks the key's rule. A key without a rule may have any value."""
    if key in RULES:
        expected, holds = RULES[key]
        if not holds(value):
            raise InputError(f"{key}={show(value)}: must be {expected}")


def check_targets(settings: dict[str, Any]) -> None:
    """Raises InputError for the first ``_target_``, at any depth, that its group may not construct."""
    for key, target in targets(settings):
        group = key.partition(".")[0]
        if not re.fullmatch(TARGETS.get(group, ""), str(target)):
            raise InputError(f"{key}={target}: not something that {group} may be")


def check_names(settings: dict[str, Any]) -> None:
    """Raises InputError for the first key that nothing reads."""
    for key, value in settings.items():
        group, _, name = key.partition(".")
        open_key = (name and group in OPEN_GROUPS) or (value == {} and group in OPTIONAL_GROUPS)
        if key not in RULES and not open_key and name not in ("_target_", "_partial_"):
            raise unknown_key(key)


def targets(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the dotted key and value of each ``_target_`` in nested settings, in lists too."""
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
    """Returns the number of parameters of an MLP with 784 inputs and ten classes."""
    sizes = [784, *hidden_sizes, 10]
    return sum((size + 1) * next_size for size, next_size in pairwise(sizes))


def unknown_key(key: str) -> InputError:
    """Returns the error for a key that nothing reads, with what was meant."""
    group = key.partition(".")[0]
    if key in RULES:
        choice = OPTIONAL_KEYS.get(key) or OPTIONAL_GROUPS.get(group)
        has = f", as {choice} has; in a sweep over {group} write ++{key}=VALUE" if choice else ""
        return InputError(f"what is chosen of {group} has no {key}{has}")
    if hint := meant(key, RULES):
        advice = f"did you mean {hint}{'=NAME' if hint in options() else '=FOLDER' if hint == 'resume' else ''}?"
    elif group in OPEN_GROUPS and group != key:
        advice = f"if what is chosen of {group} takes it, write +{key}"
    else:
        advice = "python train.py --cfg job shows them all"
    return InputError(f"unknown key {key}; {advice}")


def show(value: Any) -> str:
    """Returns the value as one types it."""
    return "null" if value is None else str(value)
