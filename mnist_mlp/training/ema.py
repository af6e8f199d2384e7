"""Moving averages of the weights, as ``multi_avg_fn`` of ``torch.optim.swa_utils.AveragedModel``."""

from collections.abc import Callable
from typing import Annotated

from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


def ema(decay: Annotated[float, "(0, 1)"] = 0.999) -> Callable:
    """Returns the update of an exponential moving average.

    After n steps the decay is at most (1 + n) / (10 + n), so that a short training's average does not stay at its
    first weights (``num_updates`` of TensorFlow's ExponentialMovingAverage).

    Args:
        decay: Fraction of the average that a step keeps, in (0, 1).
    """

    def update(average: list[Tensor], current: list[Tensor], steps: Tensor) -> None:
        kept = min(decay, (1 + steps.item()) / (10 + steps.item()))
        get_ema_multi_avg_fn(kept)(average, current, steps)

    return update
