"""How a skeleton varies from hand to hand, from time to time and from pen to pen."""

import math

import torch
from torch import Tensor

from mnist_mlp.strokes.pen import framed, ink, steps
from mnist_mlp.strokes.skeleton import POINTS, Skeleton, skeleton


def written(forms: list[str], chosen: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Writes some of the forms, each time a little differently.

    Args:
        forms: In the notation of ``forms.py``.
        chosen: Which of them to write, int64 (n,).
        random: What decides on every point.

    Returns:
        Points along the strokes, float (n, POINTS, 2), and whether the pen goes on to the next, bool (n, POINTS - 1).
    """
    skeletons = [skeleton(form) for form in forms]
    points = torch.empty(len(chosen), POINTS, 2)
    for number, shape in enumerate(skeletons):
        places = (chosen == number).nonzero()[:, 0]
        points[places] = varied(shape, len(places), random)
    return slanted(points, random), torch.stack([shape.joined for shape in skeletons])[chosen]


def varied(shape: Skeleton, count: int, random: torch.Generator) -> Tensor:
    """Moves the points and strokes of a skeleton, and cuts its corners: float (count, POINTS, 2) around 0."""
    moved = torch.randn(count, len(shape.given), 2, generator=random)
    unsteady = 0.15 + 0.35 * torch.rand(count, 1, 1, generator=random)
    lifted = torch.randn(count, int(shape.strokes.max()) + 1, 2, generator=random) * 0.25
    given = shape.given + moved * unsteady + lifted[:, shape.strokes]
    hurry = torch.rand(count, 1, 1, generator=random)
    return (1 - hurry) * (shape.sharp @ given) + hurry * (shape.round @ given) - 4.5


def slanted(points: Tensor, random: torch.Generator) -> Tensor:
    """Gives each drawing, float (n, points, 2), its own proportions, slant and rotation."""
    uneven, size, turn = torch.randn(3, len(points), 1, 2, generator=random)
    points = points + uneven * 0.02 * (20 - points**2)  # one half larger than the other
    x, y = (points * torch.exp(size * torch.tensor([0.25, 0.05]))).unbind(2)
    x = x - (0.1 + 0.2 * turn[..., 0]) * y
    angle = math.radians(5) * turn[..., 1]
    return torch.stack([x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()], 2)


def penned(points: Tensor, joined: Tensor, random: torch.Generator) -> Tensor:
    """Draws lines with all kinds of pens, each line framed as MNIST's digits are: uint8 (n, 784)."""
    count, length = points.shape[:2]
    width, softness, tremor, uneven, broad, angle = torch.rand(6, count, 1, generator=random)
    width, softness = 1.2 + 3 * width[:, 0] ** 1.5, 0.5 + 0.4 * softness[:, 0]
    points = framed(points, steps(points, joined), width)
    points = points + waves(count, length, 2, random) * (0.25 * tremor**2)[..., None]
    pressed = 1 + 0.8 * uneven**3 * waves(count, length, 1, random)[..., 0]
    x, y = points.diff(dim=1, append=points[:, -1:]).unbind(2)
    nib = torch.exp(broad**2 * torch.cos(2 * (torch.atan2(y, x) - math.pi * angle)))
    return ink(points, steps(points, joined) * pressed.clamp(min=0) * nib, width, softness)


def waves(count: int, length: int, channels: int, random: torch.Generator) -> Tensor:
    """Draws smooth noise of variance 1 along lines: float (count, length, channels)."""
    centres = torch.linspace(0, length, 24)
    bumps = torch.exp(-(((torch.arange(length)[:, None] - centres) / (length / 24)) ** 2) / 2)
    return bumps / bumps.norm(dim=1, keepdim=True) @ torch.randn(count, 24, channels, generator=random)
