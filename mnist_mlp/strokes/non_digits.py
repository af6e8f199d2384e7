"""Drawings that are no digit, on which a network learns to be unsure.

Outlier exposure: Hendrycks et al. 2019, arXiv:1812.04606.
"""

from pathlib import Path

import numpy as np
import torch
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont
from scipy.interpolate import CubicSpline
from torch import Tensor

from mnist_mlp.pictures.mnist_form import SIDE, mnist_image
from mnist_mlp.strokes.digits import digit_lines
from mnist_mlp.strokes.forms import NON_DIGITS
from mnist_mlp.strokes.hand import penned, written

FONTS = ("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-BoldItalic", "STIXGeneral")
FONTS += ("STIXGeneralBolIta", "STIXGeneralItalic", "cmr10", "cmss10", "cmtt10", "cmti10")
LETTERS = "ACEFHJKLMNPRTUVWXYacdefhijkmnprtuvwxy"  # not those that many people's digits look like
FONT_SIZE = 160  # px


def non_digits(count: int, seed: int) -> Tensor:
    """Draws what is no digit in MNIST's form: uint8 (count, 784), white on black.

    A third are letters and signs by hand, the others printed letters, scribbles, two digits, parts of digits and blots.
    """
    random = torch.Generator().manual_seed(seed)
    sizes = [count * percent // 100 for percent in (35, 25, 15, 10, 10)]
    images = [draw(size, random) for draw, size in zip((signs, printed, scribbles, pairs, parts), sizes)]
    return torch.cat([*images, blots(count - sum(sizes), random)])


def signs(count: int, random: torch.Generator) -> Tensor:
    """Draws letters and other signs."""
    return penned(
        *written(list(NON_DIGITS), torch.randint(len(NON_DIGITS), (count,), generator=random), random), random
    )


def printed(count: int, random: torch.Generator) -> Tensor:
    """Draws letters of matplotlib's fonts, of which it has no more than len(FONTS) * len(LETTERS)."""
    if not count:
        return torch.empty(0, SIDE * SIDE, dtype=torch.uint8)
    shown = torch.randint(len(FONTS) * len(LETTERS), (count,), generator=random)
    kinds, places = shown.unique(return_inverse=True)
    return torch.stack([letter(FONTS[kind // len(LETTERS)], LETTERS[kind % len(LETTERS)]) for kind in kinds])[places]


def letter(font: str, text: str) -> Tensor:
    """Returns a letter in MNIST's form, uint8 (784,)."""
    canvas = Image.new("L", (3 * FONT_SIZE, 3 * FONT_SIZE))
    typeface = ImageFont.truetype(Path(get_data_path(), f"fonts/ttf/{font}.ttf"), FONT_SIZE)
    ImageDraw.Draw(canvas).text((FONT_SIZE, FONT_SIZE), text, 255, typeface)
    image = mnist_image(np.asarray(canvas.crop(canvas.getbbox()), np.float32) / 255)
    return torch.from_numpy(image).flatten()


def scribbles(count: int, random: torch.Generator) -> Tensor:
    """Draws smooth lines through 5 to 14 random points."""
    images = []
    for turns, size in zip(range(5, 15), torch.arange(count).tensor_split(10)):
        curve = CubicSpline(range(turns), np.eye(turns))(np.linspace(0, turns - 1, 256))
        points = torch.from_numpy(curve).float() @ torch.rand(len(size), turns, 2, generator=random)
        images.append(penned(points, torch.ones(len(size), 255), random))
    return torch.cat(images)


def pairs(count: int, random: torch.Generator) -> Tensor:
    """Draws two digits side by side or one above the other, and digits with a long line."""
    (left, left_joined, _), (right, right_joined, _) = (digit_lines(count, random) for _ in range(2))
    lines = torch.rand(count, generator=random) < 0.4
    ends = torch.randn(2, count, 1, 1, generator=random)
    line = torch.linspace(-1, 1, right.shape[1])[:, None] * torch.tensor([1.0, 0.0]) * (8 + 2 * ends[0]) + ends[1]
    right = torch.where(lines[:, None, None], line, right)
    right_joined = right_joined | lines[:, None]
    below = torch.rand(count, generator=random) < torch.where(lines, 0.9, 0.2)
    gap = (6 + 3 * torch.rand(count, 1, 1, generator=random)) * (
        torch.randint(2, (count, 1, 1), generator=random) * 2 - 1
    )
    right = right + gap * torch.where(below[:, None, None], torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]))
    between = torch.zeros(count, 1, dtype=torch.bool)
    return penned(torch.cat([left, right], 1), torch.cat([left_joined, between, right_joined], 1), random)


def parts(count: int, random: torch.Generator) -> Tensor:
    """Draws what a straight cut leaves of digits: 30 to 60 % of their lines."""
    points, joined, labels = digit_lines(3 * count, random)
    wholes = (~torch.isin(labels, torch.tensor([1, 4, 7]))).nonzero()[:count, 0]  # a part of these may be a 1
    points, joined = points[wholes], joined[wholes]
    direction = torch.randn(len(wholes), 2, 1, generator=random)
    rank = (points @ direction)[..., 0].argsort(1).argsort(1) / points.shape[1]
    kept = rank > 0.4 + 0.3 * torch.rand(len(wholes), 1, generator=random)
    return penned(points, joined & kept[:, 1:] & kept[:, :-1], random)


def blots(count: int, random: torch.Generator) -> Tensor:
    """Draws smooth noise, cut off at some level, in a disc."""
    fineness = 1.5 + 3 * torch.rand(count, 1, 1, generator=random)
    place = torch.arange(SIDE) + 0.5 - SIDE / 2
    bumps = torch.exp(-(((place[:, None] - torch.linspace(-14, 14, 12)) / fineness) ** 2) / 2)
    noise = bumps @ torch.randn(count, 12, 12, generator=random) @ bumps.mT
    noise = noise / noise.std((1, 2), keepdim=True) - torch.rand(count, 1, 1, generator=random)
    disc = (6 + 6 * torch.rand(count, 1, 1, generator=random) - (place**2 + place[:, None] ** 2).sqrt()).clamp(0, 1)
    return ((noise * 4).clamp(0, 1) * disc * 255).round().byte().flatten(1)
