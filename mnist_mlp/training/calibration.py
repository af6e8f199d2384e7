"""Calibrated probabilities, and the threshold below which a reading is refused."""

import math

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Returns the temperature T that minimises the cross-entropy of softmax(logits / T).

    T is bounded to [0.05, 20]: on a few images that are all classified correctly the optimum would be T -> 0.
    Guo et al. 2017, arXiv:1706.04599.

    Args:
        logits: float (n, classes).
        labels: int64 (n,).
    """
    logits = logits.double()

    def loss(log_temperature: float) -> float:
        return F.cross_entropy(logits / torch.tensor(log_temperature).exp(), labels).item()

    optimum = minimize_scalar(loss, bounds=(-3, 3), method="bounded")
    return round(float(torch.tensor(optimum.x).exp()), 4)


class CalibratedLoss(Metric):
    """The mean cross-entropy of logits divided by the temperature that makes it least for these images.

    It tells recipes apart that an accuracy cannot, as every image counts, not only those near a mistake, and recipes
    with and without label smoothing can be compared.

    Args:
        num_classes: Number of labels.
    """

    logits: list[Tensor]
    labels: list[Tensor]

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.add_state("logits", [], dist_reduce_fx="cat")
        self.add_state("labels", [], dist_reduce_fx="cat")

    def update(self, logits: Tensor, labels: Tensor) -> None:
        """Adds images by their logits, float (n, classes), and labels, int64 (n,)."""
        self.logits.append(logits)
        self.labels.append(labels)

    def compute(self) -> Tensor:
        logits, labels = dim_zero_cat(self.logits).float(), dim_zero_cat(self.labels)
        return F.cross_entropy(logits / fit_temperature(logits, labels), labels)


def fit_threshold(probabilities: Tensor, fraction: float = 0.02) -> float:
    """Returns the largest t such that at most ``fraction`` of the images have a top probability below t.

    Args:
        probabilities: float (n, classes).
        fraction: Of the images that may be rejected, in [0, 1).
    """
    highest = probabilities.amax(1).sort().values
    return math.floor(highest[int(fraction * len(highest))].item() * 1e6) / 1e6  # not up: that would reject one more


def best_threshold(digits: Tensor, others: Tensor, frequency: float) -> float:
    """Returns the threshold of the top probability that separates digits from other images with the fewest mistakes.

    A mistake is a digit below the threshold, or another image that is not below it.

    Args:
        digits: Probabilities, float (n, classes).
        others: Probabilities of images of no class, float (m, classes).
        frequency: How many others there are for each digit where the threshold will be used.
    """
    levels = torch.linspace(0, 1, 1001)
    below = [torch.searchsorted(p.amax(1).sort().values, levels) / len(p) for p in (digits, others)]
    return round(levels[(below[0] - frequency * below[1]).argmin()].item(), 3)
