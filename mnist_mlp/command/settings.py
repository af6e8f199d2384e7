"""What the config may hold, checked before anything heavy is imported.

A component's settings are the arguments of its class or function (``signatures``). What stands here are the settings
that no component declares, ranges for arguments of torch's and Lightning's classes, and what a training here cannot do.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mnist_mlp.command.hints import meant
from mnist_mlp.command.options import CONF, options
from mnist_mlp.components import refused
from mnist_mlp.components.signatures import REQUIRED, Rule, Signature, interval, rule_of, signature_of
from mnist_mlp.components.targets import check_target, check_targets
from mnist_mlp.errors import InputError
from mnist_mlp.runs.settings import flatten

KEYS: dict[str, Rule] = {
    "seed": interval(int, "[0, inf)"),
    "checkpoint": ("a checkpoint file of a run, or null", lambda value: value is None or isinstance(value, str)),
    "init": ("the folder of a run or a checkpoint, or null", lambda value: value is None or isinstance(value, str)),
    "init_share": interval(float, "[0, 1)"),
    "monitor": ("the name of what is logged, such as val_accuracy", lambda value: isinstance(value, str)),
    "mode": rule_of(Literal["max", "min"]),
    "matmul_precision": rule_of(Literal["highest", "high", "medium"]),
}
FRACTION, ABOVE_ZERO, COUNT = interval(float, "[0, 1)"), interval(float, "(0, inf)"), interval(int, "[1, inf)")
RANGES: dict[str, Rule] = {
    "optimizer.lr": ABOVE_ZERO,
    "optimizer.momentum": FRACTION,
    "loss.label_smoothing": FRACTION,
    "scheduler.interval": rule_of(Literal["epoch", "step"]),
    "scheduler.monitor": KEYS["monitor"],
    "data.extra": ("a folder of label folders, or null", lambda v: v is None or (isinstance(v, str | int) and v != "")),
    "data.root": ("a folder", lambda v: v is None or type(v) is int or (isinstance(v, str) and v != "")),
    "trainer.max_epochs": COUNT,
    "trainer.devices": COUNT,
    "trainer.num_nodes": COUNT,
    "trainer.accelerator": ("a name that Lightning knows, such as auto, cpu or gpu", lambda v: isinstance(v, str)),
    "trainer.gradient_clip_val": ("a number above 0, or null", lambda v: v is None or ABOVE_ZERO[1](v)),
}
# What the training gives each of a group, beside the settings
GIVEN = {
    "model": ("num_classes",),
    "data": ("augment",),
    "optimizer": ("params",),
    "scheduler": ("optimizer", "steps"),
    "metrics": ("num_classes",),
}
ONE = ("model", "data", "trainer", "optimizer", "loss")  # groups of which one must be chosen
ONE_OR_NONE = ("scheduler", "augment", "average")
SEVERAL = ("callbacks", "logger", "metrics")  # by their names
DATA = "mnist_mlp.data.module.DigitsDataModule"
MAX_PARAMETERS = 100_000_000  # 1.6 GB with gradients and Adam's averages


def required(what: str) -> None:
    """Resolves ``${required:what}`` in an option of conf/, which is to be typed, by an error."""
    raise InputError(f"must be typed: {what}")


OmegaConf.register_new_resolver("required", required, replace=True)


def check(config: DictConfig) -> None:
    """Raises InputError, naming the key, if a setting is unknown, missing, of the wrong type or out of range."""
    try:
        values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        reason = str(error.msg).removeprefix("InputError raised while resolving interpolation: ")
        raise InputError(f"{error.full_key}: {reason.partition(chr(10))[0]}") from error
    for key in values.keys() - {*KEYS, *ONE, *ONE_OR_NONE, *SEVERAL}:
        raise unknown_key(next(iter(flatten({key: values[key]}))))
    for key, (expected, _) in KEYS.items():
        if key not in values:
            raise InputError(f"{key} is missing: it must be {expected}")
        check_rule(key, values[key], KEYS[key])
    if values["mode"] == "max" and re.search("loss|error", values["monitor"]):
        raise InputError(f"monitor={values['monitor']}: the lowest is the best; add mode=min")
    if values["mode"] == "min" and "accuracy" in values["monitor"]:
        raise InputError(f"monitor={values['monitor']}: the highest is the best; add mode=max")
    for key, group, component in components(values):
        check_component(key, group, component)
    check_refused(flatten(values))
    check_paths(values)


def components(values: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yields the key, the group and the settings of each component."""
    for group in (*ONE, *ONE_OR_NONE):
        if group in ONE or values.get(group) != {}:
            yield group, group, values.get(group)
    for group in SEVERAL:
        if not isinstance(values.get(group), dict):
            raise InputError(f"{group} is missing: {group}=none chooses nothing")
        for name, component in values[group].items():
            yield f"{group}.{name}", group, component


def check_component(key: str, group: str, component: Any) -> None:
    """Raises InputError for what a component's class or function does not take, or lacks."""
    if not isinstance(component, dict) or "_target_" not in component:
        names = " and ".join(f"{group}={name}" for name in options()[group])
        raise InputError(f"{key}: nothing is chosen of it; there are {names}")
    target = component["_target_"]
    check_target(f"{key}._target_", target)
    if target in refused.CLASSES:
        raise InputError(f"{key}._target_={target}: {refused.CLASSES[target]}")
    signature, given = signature_of(target) or Signature({}, open=True), GIVEN.get(group, ())
    takes = {name: argument.rule for name, argument in signature.arguments.items() if name not in given}
    takes |= {path.partition(".")[2]: rule for path, rule in RANGES.items() if path.startswith(f"{group}.")}
    for name, value in component.items():
        if name in given:
            raise InputError(f"{key}.{name}: the training gives it")
        if name in takes:
            check_rule(f"{key}.{name}", value, takes[name])
        elif not name.startswith("_") and not signature.open:
            raise no_such_argument(f"{key}.{name}", target, list(takes))
        check_targets(f"{key}.{name}", value)
    for name, argument in signature.arguments.items():
        if argument.default is REQUIRED and name not in (*component, *given, "save_dir") and not name.startswith("_"):
            expected = argument.rule[0]
            needed = f"{target} needs it" if expected == "anything" else f"it must be {expected}"
            raise InputError(f"{key}.{name} is missing: {needed}")


def check_refused(settings: dict[str, Any]) -> None:
    """Raises InputError for a setting, by its dotted key, that a training here cannot follow."""
    for key, (is_refused, reason) in refused.VALUES.items():
        if is_refused(settings.get(key)):
            raise InputError(f"{key}={show(settings[key])}: {reason}")
    if settings.get("trainer.gradient_clip_algorithm") and settings["trainer.gradient_clip_val"] is None:
        raise InputError("trainer.gradient_clip_algorithm: of no effect without trainer.gradient_clip_val")
    if settings["init_share"] and settings["init"] is None:
        raise InputError(f"init_share={settings['init_share']}: of no effect without init=RUN")
    if settings.get("augment.only_own") and settings.get("data.extra") is None:
        raise InputError("augment.only_own=true: of no effect without data.extra=FOLDER")
    for key in ("trainer.max_epochs", "trainer.devices", "trainer.num_nodes"):
        if key not in settings:
            raise InputError(f"{key} is missing: it must be {RANGES[key][0]}")
    if (settings.get("trainer.min_epochs") or 0) > settings["trainer.max_epochs"]:
        raise InputError(f"trainer.min_epochs={settings['trainer.min_epochs']}: more than trainer.max_epochs")
    if (count := parameters(settings.get("model.hidden_sizes", []))) > MAX_PARAMETERS:
        raise InputError(f"model.hidden_sizes: {count:,} parameters, but at most {MAX_PARAMETERS:,} are allowed")


def is_root_named(overrides: Iterable[str]) -> bool:
    """Tells whether the user said where the data lie, and not what to fall back on: then nothing else is used."""
    typed = {override.partition("=")[0].lstrip("+") for override in overrides}
    return ("data.root" in typed or "MNIST_ROOT" in os.environ) and "data.fallback" not in typed


def check_paths(values: dict[str, Any]) -> None:
    """Raises InputError if the data's folder or the checkpoint is missing."""
    data, checkpoint = values["data"], values["checkpoint"]
    names = options()["data"]
    if data["_target_"] == DATA and data.get("dataset") not in names:
        raise InputError(f"data.dataset={data.get('dataset')}: must be one of {', '.join(names)}")
    if data.get("root", "") is None and data["_target_"] == DATA and data["dataset"] != "digits":
        raise InputError(f"data.root is missing: it must be the folder of the {data['dataset']} data set")
    if checkpoint is not None and not Path(checkpoint).is_file():
        raise InputError(f"checkpoint={checkpoint}: no such file; a run has RUN/checkpoints/last.ckpt")


def check_rule(key: str, value: Any, rule: Rule) -> None:
    """Raises InputError if the value breaks the rule."""
    expected, holds = rule
    if not holds(value):
        raise InputError(f"{key}={show(value)}: must be {expected}")


def check_value(key: str, value: Any) -> None:
    """Raises InputError if the value breaks the rule that some option in conf/ has for the key."""
    if key in rules():
        check_rule(key, value, rules()[key])


@cache
def rules() -> dict[str, Rule]:
    """Returns the rule of each key that an option in conf/ has, or that its class or function takes."""
    found = KEYS | RANGES
    for path in sorted(CONF.glob("*/*.yaml")):
        group, target = path.parent.name, re.search(r"^_target_: (\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        signature = signature_of(target[1]) if target else None
        for name, argument in signature.arguments.items() if signature else ():
            if name not in GIVEN.get(group, ()):
                found.setdefault(f"{group}.{name}", argument.rule)
    return found


def parameters(hidden_sizes: list[int]) -> int:
    """Returns the number of parameters of an MLP with 784 inputs and ten classes."""
    sizes = [784, *hidden_sizes, 10]
    return sum((size + 1) * next_size for size, next_size in pairwise(sizes))


def unknown_key(key: str) -> InputError:
    """Returns the error for a key that nothing reads, with what was meant."""
    group = key.partition(".")[0]
    if key in written():
        return InputError(f"what is chosen of {group} has no {key}; where an option has it write ++{key}=VALUE")
    if hint := meant(key, rules()):
        advice = f"did you mean {hint}{'=NAME' if hint in options() else '=FOLDER' if hint == 'resume' else ''}?"
    else:
        advice = "python train.py --cfg job shows them all"
    return InputError(f"unknown key {key}; {advice}")


@cache
def written() -> set[str]:
    """Returns the keys that some option in conf/ writes, such as ``optimizer.lr``."""
    files = [(path.parent.name, path.read_text(encoding="utf-8")) for path in CONF.glob("*/*.yaml")]
    return {f"{group}.{name}" for group, text in files for name in re.findall(r"^(\w+):", text, re.MULTILINE)}


def opened(word: str) -> str:
    """Returns a typed setting with the plus signs with which Hydra takes arguments that no option writes."""
    group, _, name = word.partition("=")[0].partition(".")
    further = f"{group}.{name}" not in written() and group in ("trainer", "optimizer", "scheduler", "loss")
    return f"++{word}" if name and (further or (group in SEVERAL and "." in name)) else word


def no_such_argument(key: str, target: str, names: Sequence[str]) -> InputError:
    """Returns the error for a key that the chosen class or function does not take, with those that it does."""
    group, _, name = key.rpartition(".")
    known = [f"{group}.{other}" for other in names]
    near = next((found for found in (meant(key, rules()), meant(key, known)) if found and found != key), None)
    advice = f"did you mean {near}?" if near else f"it has {', '.join(names) or 'none'}"
    return InputError(f"{key}: {target.rpartition('.')[2]} has no {name}; {advice}")


def show(value: Any) -> str:
    """Returns the value as one types it."""
    return "null" if value is None else str(value)


def compose(*overrides: str) -> DictConfig:
    """Returns the checked config that ``python train.py OVERRIDES`` would train.

    Raises:
        InputError: A setting is unknown, of the wrong type or out of range.
    """
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = hydra_compose("config", overrides=[opened(override) for override in overrides])
    check(config)
    return config
