"""Learning-rate schedules over a whole run: each takes the optimizer and the run's number of optimizer steps."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR


def cosine(optimizer: Optimizer, steps: int) -> LRScheduler:
    """From the optimizer's rate to zero along half a cosine (Loshchilov and Hutter 2017, without restarts)."""
    return LambdaLR(optimizer, lambda step: (1 + math.cos(math.pi * step / steps)) / 2)


def one_cycle(optimizer: Optimizer, steps: int, pct_start: float = 0.3) -> LRScheduler:
    """Up to the optimizer's rate during the first ``pct_start`` of the steps, then down (Smith and Topin 2018)."""
    return OneCycleLR(optimizer, max_lr=optimizer.defaults["lr"], total_steps=steps, pct_start=pct_start)


def warmup_cosine(optimizer: Optimizer, steps: int, warmup: float = 0.2) -> LRScheduler:
    """Straight up to the optimizer's rate during the first ``warmup`` of the steps (Goyal et al. 2017), then as cosine.

    What ``one_cycle`` does to the rate, without what that does to the momentum.
    """

    def factor(step: int) -> float:
        rising = warmup * steps
        if step < rising:
            return (step + 1) / (rising + 1)
        return (1 + math.cos(math.pi * (step - rising) / (steps - rising))) / 2

    return LambdaLR(optimizer, factor)
