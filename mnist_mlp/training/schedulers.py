"""Learning-rate schedules over a whole run. Each takes the optimizer and the run's number of optimizer steps."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR


def cosine(optimizer: Optimizer, steps: int) -> LRScheduler:
    """Lowers the rate to zero along half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts)."""
    return LambdaLR(optimizer, lambda step: (1 + math.cos(math.pi * step / steps)) / 2)


def one_cycle(optimizer: Optimizer, steps: int, pct_start: float = 0.3) -> LRScheduler:
    """Raises the rate for the fraction ``pct_start`` of the run, then lowers it (Smith and Topin, arXiv:1708.07120)."""
    return OneCycleLR(optimizer, max_lr=optimizer.defaults["lr"], total_steps=steps, pct_start=pct_start)


def warmup_cosine(optimizer: Optimizer, steps: int, warmup: float = 0.2) -> LRScheduler:
    """Raises the rate linearly during the first ``warmup`` of the steps, then lowers it to zero along half a cosine.

    Unlike ``one_cycle`` it leaves the momentum alone. Goyal et al. 2017, arXiv:1706.02677.
    """

    def factor(step: int) -> float:
        rising = warmup * steps
        if step < rising:
            return (step + 1) / (rising + 1)
        return (1 + math.cos(math.pi * (step - rising) / (steps - rising))) / 2

    return LambdaLR(optimizer, factor)
