"""Averages of the weights that training goes through, as ``multi_avg_fn`` of torch.optim.swa_utils.AveragedModel."""

from collections.abc import Callable

from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


def ema(decay: float = 0.999) -> Callable:
    """An exponential moving average, of which a step keeps ``decay``, and less in the beginning.

    After n steps it keeps (1 + n) / (10 + n) at most, so that a short training's average does not stay at its first
    weights (num_updates of TensorFlow's ExponentialMovingAverage).
    """

    def update(average: list[Tensor], current: list[Tensor], steps: Tensor) -> None:
        kept = min(decay, (1 + steps.item()) / (10 + steps.item()))
        get_ema_multi_avg_fn(kept)(average, current, steps)

    return update
