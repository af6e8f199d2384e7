"""Labelled images, and how they are divided."""

from collections import Counter
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_mlp.data.batches import shuffled
from mnist_mlp.data.randomness import seed_for
from mnist_mlp.errors import InputError
from mnist_mlp.pictures.mnist_form import SIDE

DIGITS = [str(digit) for digit in range(10)]  # the labels of data sets of digits
TEST_FRACTION = 0.2  # of a data set without test images of its own
FOLDS = 5  # into which such a data set can be divided, to test each of its images once


class Split(NamedTuple):
    """Images, uint8 (n, 28, 28), and their labels, int64 (n,)."""

    images: Tensor
    labels: Tensor


class Dataset(NamedTuple):
    """Training images, test and validation images if the data set has its own, and the name of each label.

    ``left_out`` counts, by kind, what lies among the images and is not read.
    """

    train: Split
    test: Split | None
    classes: list[str]
    val: Split | None = None
    left_out: Counter[str] | None = None


def train_and_test(data: Dataset, by_label: bool, fold: int | None = None) -> tuple[Split, Split]:
    """Returns the images to train on and to test. A data set without test images gives up a fifth of the others.

    Args:
        data: The images.
        by_label: Whether that is a fifth of each label's.
        fold: Which of the ``FOLDS`` fifths, from 0; None: one taken at random.

    Raises:
        InputError: There are too few images, or there is a fold although there are test images.
    """
    if data.test is not None and fold is not None:
        raise InputError(f"data.fold={fold}: this data set has test images of its own; use data.fold=null")
    if data.test is not None:
        return data.train, data.test
    seed = seed_for("test split")
    if fold is None:
        return split(data.train, TEST_FRACTION, seed, by_label)
    order = shuffled(len(data.train.labels), seed)
    order = order[data.train.labels[order].argsort(stable=True)]
    return apart(data.train, order, order[fold::FOLDS])


def split(part: Split, fraction: float, seed: int, by_label: bool = False) -> tuple[Split, Split]:
    """Divides labelled images at random into 1 - ``fraction`` and ``fraction`` of them.

    Args:
        part: The images.
        fraction: In (0, 1).
        seed: Of the random order.
        by_label: Whether each label is divided by itself. Both parts get images of each label that has three or more.

    Raises:
        InputError: One of the two would be empty.
    """
    order = shuffled(len(part.labels), seed)
    chosen = chosen_by_label(order, part.labels, fraction) if by_label else order[: round(len(order) * fraction)]
    return apart(part, order, chosen)


def apart(part: Split, order: Tensor, chosen: Tensor) -> tuple[Split, Split]:
    """Returns the images that are not ``chosen``, and those that are, both in the order given.

    Raises:
        InputError: One of the two would be empty.
    """
    is_chosen = torch.isin(order, chosen)
    if is_chosen.all() or not is_chosen.any():
        left, taken = int((~is_chosen).sum()), int(is_chosen.sum())
        raise InputError(
            f"{len(order)} images cannot be split into {left} and {taken}: both must have some (see data.val_fraction)"
        )
    first, second = order[~is_chosen], order[is_chosen]
    return Split(part.images[first], part.labels[first]), Split(part.images[second], part.labels[second])


def chosen_by_label(order: Tensor, labels: Tensor, fraction: float) -> Tensor:
    """Returns the indices of about ``fraction`` of each label's images, the first in ``order``, but never of all.

    Labels of one or two images are counted together: that fraction of them is taken, at most one image of a label.
    """
    groups = order[labels[order].argsort(stable=True)].split(labels.bincount().tolist())
    large = [group for group in groups if len(group) > 2]
    chosen = [group[: min(max(1, round(len(group) * fraction)), len(group) - 1)] for group in large]
    pairs = [group[:1] for group in groups if len(group) == 2]
    few = len(order) - sum(map(len, large))
    firsts = order[torch.isin(order, torch.cat([order[:0], *pairs]))]
    return torch.cat([*chosen, firsts[: max(round(few * fraction), not large)]])


def flat(part: Split) -> Split:
    """Returns the images as uint8 (n, 784)."""
    return Split(part.images.flatten(1), part.labels)


def resize(images: Tensor, side: int = SIDE) -> Tensor:
    """Returns images, uint8 (n, height, width), as uint8 (n, side, side)."""
    if images.shape[1:] == (side, side):
        return images
    return F.interpolate(images[:, None], (side, side), mode="bilinear", antialias=True)[:, 0]


def on_white(images: Tensor) -> Tensor:
    """Returns whether each image, uint8 (n, 28, 28), is dark on light, as far as its border tells: bool (n,)."""
    border = torch.ones(SIDE, SIDE, dtype=torch.bool)
    border[1:-1, 1:-1] = False
    return images[:, border].median(1).values > 127
