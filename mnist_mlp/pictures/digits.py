"""The digits in a picture, as MNIST would show them."""

from itertools import accumulate, pairwise
from math import ceil
from typing import NamedTuple

import numpy as np

from mnist_mlp.pictures.geometry import bounds, enlarge_to, shrink_to
from mnist_mlp.pictures.ink import ink_in
from mnist_mlp.pictures.mnist_form import is_framed, mnist_image
from mnist_mlp.pictures.ruling import remove_ruling
from mnist_mlp.pictures.segments import components_of, isolated_ink, separate_digits, union

MAX_WORK_SIDE = 1600  # px: larger pictures are reduced first, no digit needs more to be found
MIN_WORK_SIDE = 96  # px: smaller pictures are enlarged first, or a stroke would be all edge


class Digit(NamedTuple):
    """A digit found in a picture: its box in the picture's pixels, and its image as MNIST would show it."""

    box: tuple[int, int, int, int]  # left, top, right, bottom; right and bottom are exclusive
    image: np.ndarray  # uint8 (28, 28), white on black
    line: int = 0  # counted from 0 at the top


def digits_in(picture: np.ndarray, several: bool = True) -> list[Digit]:
    """Returns the digits in a picture in reading order, an empty list if there are none.

    An image that is framed as MNIST's are is returned unchanged.

    Args:
        picture: Grey, uint8 (height, width). Ink may be dark on light or light on dark.
        several: Whether the picture may hold several digits. If False, all its ink is one digit.
    """
    if is_framed(picture):
        return [Digit(bounds(picture > 0), picture.copy())]
    work = enlarge_to(shrink_to(picture, MAX_WORK_SIDE), MIN_WORK_SIDE)
    ink = ink_in(work)
    if ink is None:
        return []
    labels, components = components_of(remove_ruling(ink > 0.5))
    if several:
        components = separate_digits(components, labels)
    elif components:
        components = [union(*components)]
    images = map(mnist_image, isolated_ink(components, ink, labels))
    boxes = [scaled(component.box, work.shape, picture.shape) for component in components]
    found = zip(boxes, images, line_numbers(boxes))
    return [Digit(box, image, line) for box, image, line in found if image is not None]


def line_numbers(boxes: list[tuple[int, int, int, int]]) -> list[int]:
    """Returns the line of each box, counted from 0, of boxes in reading order."""
    breaks = [box[0] < before[0] or box[1] > before[3] for before, box in pairwise(boxes)]
    return [0, *accumulate(map(int, breaks))][: len(boxes)]


def scaled(box: tuple[int, int, int, int], old: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Scales a box from a picture of (height, width) `old` to one of `new`, rounded outwards."""
    (left, top, right, bottom), (height, width) = box, new
    x, y = width / old[1], height / old[0]
    return int(left * x), int(top * y), min(width, ceil(right * x)), min(height, ceil(bottom * y))
