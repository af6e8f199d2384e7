"""Learning-rate schedules: torch's, and some over a whole run that take its number of optimizer steps, ``steps``."""

import math
from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Annotated, Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR


class Schedule:
    """How the learning rate changes.

    Args:
        factory: Makes the scheduler of an ``optimizer``, and of the run's number of ``steps`` if it has such an
            argument. Factories in a list ``schedulers`` among its arguments are called in the same way.
        interval: ``epoch`` or ``step``: what it is stepped after. Default: step for a factory that takes ``steps``,
            otherwise epoch, as people use torch's.
        monitor: The logged value that ReduceLROnPlateau looks at.
    """

    def __init__(self, factory: Callable, interval: str | None = None, monitor: str = "val_accuracy") -> None:
        self.factory, self.monitor = factory, monitor
        self.interval = interval or ("step" if "steps" in signature(factory).parameters else "epoch")

    def make(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        """Returns the scheduler of an optimizer, for a run of so many optimizer steps."""
        return _made(self.factory, optimizer, steps)


def _made(factory: Any, optimizer: Optimizer, steps: int) -> LRScheduler:
    parts = factory.keywords.get("schedulers", []) if isinstance(factory, partial) else []
    arguments: dict[str, Any] = {"schedulers": [_made(part, optimizer, steps) for part in parts]} if parts else {}
    if "steps" in signature(factory).parameters:
        arguments["steps"] = steps
    return factory(optimizer=optimizer, **arguments)


def cosine(optimizer: Optimizer, steps: int) -> LRScheduler:
    """Lowers the rate to zero along half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts)."""
    return LambdaLR(optimizer, lambda step: (1 + math.cos(math.pi * step / steps)) / 2)


def one_cycle(optimizer: Optimizer, steps: int, pct_start: Annotated[float, "(0, 1)"] = 0.3) -> LRScheduler:
    """Raises the rate for the fraction ``pct_start`` of the run, then lowers it (Smith and Topin, arXiv:1708.07120)."""
    return OneCycleLR(optimizer, max_lr=optimizer.defaults["lr"], total_steps=steps, pct_start=pct_start)


def warmup_cosine(optimizer: Optimizer, steps: int, warmup: Annotated[float, "[0, 1)"] = 0.2) -> LRScheduler:
    """Raises the rate linearly during the first ``warmup`` of the steps, then lowers it to zero along half a cosine.

    Unlike ``one_cycle`` it leaves the momentum alone. Goyal et al. 2017, arXiv:1706.02677.
    """

    def factor(step: int) -> float:
        rising = warmup * steps
        if step < rising:
            return (step + 1) / (rising + 1)
        return (1 + math.cos(math.pi * (step - rising) / (steps - rising))) / 2

    return LambdaLR(optimizer, factor)
