"""Probabilities that mean what they say: of the digits read with 90 % some 90 % are right (Guo et al. 2017)."""

import math

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional as F


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """What to divide logits, (n, classes), by so that their softmax is likeliest to give the labels, int64 (n,).

    Between 0.05 and 20, which is what a handful of images, all read rightly, would otherwise leave without bounds.
    """
    logits = logits.double()

    def loss(log_temperature: float) -> float:
        return F.cross_entropy(logits / torch.tensor(log_temperature).exp(), labels).item()

    least = minimize_scalar(loss, bounds=(-3, 3), method="bounded")
    return round(float(torch.tensor(least.x).exp()), 4)


def fit_threshold(probabilities: Tensor, share: float = 0.02) -> float:
    """The highest threshold of the largest probability that refuses no more than a ``share`` of the images, those below
    it. ``probabilities`` (n, classes).
    """
    highest = probabilities.amax(1).sort().values
    return math.floor(highest[int(share * len(highest))].item() * 1e6) / 1e6  # not up, which would refuse one more


def calibration_error(probabilities: Tensor, labels: Tensor, bins: int = 15) -> float:
    """How far confidence and accuracy are apart: the mean over images of the difference in each of ``bins`` bins of
    equal width (the expected calibration error). ``probabilities`` (n, classes), ``labels`` int64 (n,).
    """
    confidence, predicted = probabilities.max(1)
    right = (predicted == labels).to(confidence.dtype)
    bin_of = (confidence * bins).long().clamp(max=bins - 1)
    difference = torch.zeros(bins, dtype=confidence.dtype).index_add(0, bin_of, confidence - right)
    return difference.abs().sum().item() / len(labels)
