"""What each group of the config may construct. A config, or a stranger's run folder, cannot name anything else."""

import re
from importlib import import_module
from typing import Any

from mnist_mlp.components.signatures import definition
from mnist_mlp.errors import InputError

TARGETS = {
    "model": r"mnist_mlp\.model\.mlp\.MLP",
    "data": r"mnist_mlp\.data\.module\.DigitsDataModule",
    "trainer": r"lightning\.Trainer",
    "optimizer": r"torch\.optim\.[A-Z]\w+",
    "scheduler": r"mnist_mlp\.training\.schedulers\.[a-z]\w+|torch\.optim\.lr_scheduler\.[A-Z]\w+",
    "augment": r"mnist_mlp\.data\.distortions\.Distort",
    "average": r"mnist_mlp\.training\.ema\.\w+",
    "loss": r"torch\.nn\.[A-Z]\w+|mnist_mlp\.model\.losses\.[A-Z]\w+",
    "metrics": r"torchmetrics\.classification\.[A-Z]\w+|mnist_mlp\.training\.calibration\.CalibratedLoss",
    "callbacks": r"lightning\.pytorch\.callbacks\.[A-Z]\w+|mnist_mlp\.training\.callbacks\.grad_norms\.GradNorms",
    "logger": r"lightning\.pytorch\.loggers\.[A-Z]\w+",
}
OWN = r"mnist_mlp\.own\.[\w.]+"  # one's own, in any group


def check_target(key: str, target: Any) -> None:
    """Raises InputError unless the group that a key begins with may construct the target, or it is one's own."""
    group = key.partition(".")[0]
    own = re.fullmatch(OWN, str(target))
    if own and not definition(*target.rpartition(".")[::2]):
        raise InputError(f"{key}={target}: there is no such class or function in mnist_mlp/own")
    if not own and not re.fullmatch(TARGETS.get(group, ""), str(target)):
        raise InputError(
            f"{key}={target}: not something that {group} may be; what you write yourself belongs in mnist_mlp/own"
        )


def check_targets(key: str, value: Any) -> None:
    """Checks each ``_target_`` in a setting, at any depth and in lists too, as ``check_target`` does."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name == "_target_":
                check_target(f"{key}._target_", part)
            check_targets(f"{key}.{name}", part)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            check_targets(f"{key}[{place}]", part)


def imported(target: str) -> Any:
    """Returns the class or function with a dotted name."""
    module, _, name = target.rpartition(".")
    return getattr(import_module(module), name)
