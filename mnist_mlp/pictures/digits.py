"""The digits in a picture, as MNIST would show them."""

from math import ceil
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from mnist_mlp.pictures.finding.ink import drawn_ink, inks_in
from mnist_mlp.pictures.finding.lattice import NOTHING, Probabilities, Segmentation, segment
from mnist_mlp.pictures.finding.order import lines_of
from mnist_mlp.pictures.finding.pieces import Pieces, pieces_of
from mnist_mlp.pictures.finding.ruling import remove_ruling
from mnist_mlp.pictures.geometry import bounds, check_grey, enlarge_to, shrink_to
from mnist_mlp.pictures.mnist_form import is_framed

MAX_WORK_SIDE = 1600  # px: larger pictures are reduced first, no digit needs more to be found
MIN_WORK_SIDE = 96  # px: smaller pictures are enlarged first, or a stroke would be all edge
MAX_SEEN = 1000  # pieces seen in all ways to see a picture, after which no other is tried
READ = 0.6  # nats, score from which on digits are read where there may be no ink
MARGIN = 0.25  # nats by which what may be no ink must be read more plainly than what was seen before
PLAIN = 1.1  # nats, score from which on no other way to see the picture is tried; 1.2 is perfect
SMALL_HEIGHTS = 150, 100  # px, heights at which larger digits are looked at again: the paper's noise is averaged out
LARGER = 1.3  # times such a height, what digits are at least that are
PERFECT = 1.19  # nats, score from which on they are not: it could not become much plainer


class Digit(NamedTuple):
    """A digit found in a picture: its box in the picture's pixels, and its image as MNIST would show it."""

    box: tuple[int, int, int, int]  # left, top, right, bottom; right and bottom are exclusive
    image: np.ndarray  # uint8 (28, 28), white on black
    line: int = 0  # of writing, counted from the top


def digits_in(
    picture: np.ndarray,
    several: bool = True,
    probabilities: Probabilities | None = None,
    is_drawing: bool = False,
) -> list[Digit]:
    """Returns the digits in a picture in reading order, an empty list if there are none.

    An image that is framed as MNIST's are is returned unchanged.

    Args:
        picture: Grey, uint8 (height, width). Ink may be dark on light or light on dark.
        several: Whether the picture may hold several digits. If False, all its ink is one digit.
        probabilities: What a network makes of images, such as ``Reader.probabilities``. It decides what is a digit,
            where digits touch and which pieces form one. Without it only sizes and distances do.
        is_drawing: Whether it is a drawing, dark on white. Then all that is dark is ink.

    Raises:
        ValueError: The picture has another form.
    """
    check_grey(picture)
    if is_framed(picture):
        return [Digit(bounds(picture > 0), picture.copy())]
    work = enlarge_to(shrink_to(picture, MAX_WORK_SIDE), MIN_WORK_SIDE)
    best, shape = plainest(work, several, probabilities, is_drawing), work.shape
    usual = best.usual
    for height in SMALL_HEIGHTS if probabilities is not None and not is_drawing else ():
        if usual > LARGER * height and best.score < PERFECT:  # a faint line holds together in a smaller picture
            smaller = shrink_to(work, round(max(work.shape) * height / usual))
            again = plainest(smaller, several, probabilities)
            if again.score > best.score:
                best, shape = again, smaller.shape
    lines = lines_of([digit.box for digit in best.digits])
    return [
        Digit(scaled(best.digits[place].box, shape, picture.shape), best.digits[place].image, line)
        for line, places in enumerate(lines)
        for place in places
    ]


def plainest(
    work: np.ndarray, several: bool, probabilities: Probabilities | None, is_drawing: bool = False
) -> Segmentation:
    """Returns the digits of the way to see a picture in which they are read most plainly; see ``digits_in``."""
    best, seen = NOTHING, 0
    for ink in [drawn_ink(work)] if is_drawing else inks_in(work):
        if not ink.is_likely and probabilities is None:
            continue
        found = pieces_of(ink.amount > 0.5)
        segmentation = segment(ink.amount, found, probabilities, not several)
        if several and probabilities is not None and segmentation.score < PLAIN:
            others = unframed(ink.amount, found, segmentation, probabilities)
            segmentation = max(segmentation, others, key=attrgetter("score"))
        if segmentation.score > (best.score if ink.is_likely else max(best.score + MARGIN, READ)):
            best = segmentation
        seen += len(found.pieces)
        if (probabilities is None and best.digits) or best.score > PLAIN or seen > MAX_SEEN:
            break
    return best


def unframed(ink: np.ndarray, found: Pieces, before: Segmentation, probabilities: Probabilities) -> Segmentation:
    """Returns the digits after straight lines that run through what was left out before are removed."""
    whole_ink = found.places >= 0
    rest = whole_ink.copy()
    for whole in {found.pieces[place].whole for place in before.left_out}:
        own = [place for place, piece in enumerate(found.pieces) if piece.whole == whole]
        left, top, right, bottom = found.hull(own)
        window = slice(top, bottom), slice(left, right)
        mine = np.isin(found.places[window], own)
        if max(mine.shape) >= before.usual:
            rest[window] &= remove_ruling(mine, ends=False) | ~mine
    if (rest == whole_ink).all():
        return NOTHING
    return segment(ink * rest, pieces_of((ink > 0.5) & rest), probabilities)


def scaled(box: tuple[int, int, int, int], old: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Scales a box from a picture of (height, width) `old` to one of `new`, rounded outwards."""
    (left, top, right, bottom), (height, width) = box, new
    x, y = width / old[1], height / old[0]
    return int(left * x), int(top * y), min(width, ceil(right * x)), min(height, ceil(bottom * y))
