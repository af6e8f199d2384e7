"""Digits in hands that MNIST lacks."""

import torch
from torch import Tensor

from mnist_mlp.strokes.forms import DIGITS
from mnist_mlp.strokes.hand import penned, written


def digits(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draws digits in MNIST's form: images uint8 (count, 784), white on black, and labels int64 (count,)."""
    random = torch.Generator().manual_seed(seed)
    points, joined, labels = digit_lines(count, random)
    return penned(points, joined, random), labels


def digit_lines(count: int, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Writes digits, all as often, in all forms: their points, where these are joined, and the labels."""
    forms = [form for label in DIGITS.values() for form in label]
    sizes = torch.tensor([len(label) for label in DIGITS.values()])
    labels = torch.randint(10, (count,), generator=random)
    number = (torch.rand(count, generator=random) * sizes[labels]).long()
    return *written(forms, (sizes.cumsum(0) - sizes)[labels] + number, random), labels
