"""Lines drawn with a pen, in the form that MNIST's images have."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_mlp.pictures.mnist_form import DIGIT_SIDE, SIDE

AT_ONCE = 512  # drawings, so that what is computed fits into the processor's cache


def framed(points: Tensor, weights: Tensor, width: Tensor) -> Tensor:
    """Moves lines to where MNIST has digits: inside 20x20 pixels, the centre of their ink in the middle of 28x28.

    Args:
        points: float (n, points, 2), x and y.
        weights: How much ink is at each point, float (n, points).
        width: Of the lines, px, float (n,).
    """
    shown = (weights > 0)[..., None]
    extent = (points.where(shown, -torch.inf).amax(1) - points.where(shown, torch.inf).amin(1)).amax(1)
    scale = (DIGIT_SIDE - width) / extent
    centre = (points * weights[..., None]).sum(1) / weights.sum(1)[:, None]
    return (points - centre[:, None]) * scale[:, None, None] + SIDE / 2


def steps(points: Tensor, joined: Tensor) -> Tensor:
    """Returns the length of line that each point stands for, (n, points).

    Args:
        points: float (n, points, 2).
        joined: Whether the pen goes on from a point to the next, (n, points - 1).
    """
    lengths = points.diff(dim=1).norm(dim=2) * joined
    return (F.pad(lengths, (1, 0)) + F.pad(lengths, (0, 1))) / 2


def ink(points: Tensor, weights: Tensor, width: Tensor, softness: Tensor) -> Tensor:
    """Draws lines: uint8 (n, 784), white on black.

    The pen is a row of Gaussian dots, whose sum is cut off at full ink. Across a straight line the sum is a Gaussian
    again, so its height decides how wide the line is.

    Args:
        points: Along the lines, px, float (n, points, 2).
        weights: Length of line that each point stands for, px, times how hard the pen is pressed, float (n, points).
        width: Of lines at half their blackness, px, float (n,).
        softness: Standard deviation of the dots, px, float (n,).
    """
    height = 0.5 * torch.exp(width**2 / (8 * softness**2)) / (softness * (2 * torch.pi) ** 0.5)
    drawn = []
    for part in torch.arange(len(points)).split(AT_ONCE):
        distance = (torch.arange(SIDE) + 0.5 - points[part, ..., None]) / softness[part, None, None, None]
        across, down = torch.exp(-(distance**2) / 2).unbind(2)
        down = down * (weights[part] * height[part, None])[..., None]
        drawn.append((down.mT @ across).clamp_(max=1).mul_(255).round_().byte().flatten(1))
    return torch.cat(drawn)
