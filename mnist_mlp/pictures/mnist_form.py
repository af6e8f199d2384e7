"""A digit's ink in the form that MNIST's images have."""

import cv2
import numpy as np

from mnist_mlp.pictures.geometry import bounds, distance_to_edge, enlarge_to, shrink_to

SIDE, DIGIT_SIDE = 28, 20  # px of MNIST's images, and of the longer side of the digit in them
FINE_SIDE = 160  # px: smaller ink is enlarged first, so that a stroke's width can be set to within a fifteenth
ENOUGH_SIDE = 320  # px: larger ink is reduced first, which is faster and changes no pixel of the image by much
MIN_STROKE, MAX_STROKE = 1.6, 3.9  # px, widths between which the strokes of 90 % of MNIST's training images are
USUAL_STROKE = 2.5  # px, their median
EDGE = 1.5  # px over which a stroke fades into the paper


def mnist_image(ink: np.ndarray) -> np.ndarray | None:
    """Returns one digit as MNIST has it, uint8 (28, 28), white on black, or None if no ink is left of it.

    The digit is fitted into 20x20 pixels with its proportions kept, grey by averaging, and moved by whole pixels until
    its centre of mass is in the middle: LeCun et al. 1998, doi:10.1109/5.726791.

    Args:
        ink: How much ink each pixel has, float32 (height, width) in [0, 1].
    """
    strokes = with_usual_strokes(enlarge_to(shrink_to(ink, ENOUGH_SIDE), FINE_SIDE))
    return centred(fitted(strokes)) if strokes.any() else None


def is_framed(picture: np.ndarray) -> bool:
    """Tells whether a grey picture, uint8, has MNIST's form: white on black, 20 pixels long, centred by mass.

    What ``mnist_image`` returns has it.
    """
    if picture.shape != (SIDE, SIDE) or picture.max() < 200:
        return False
    left, top, right, bottom = bounds(picture > 0)
    if max(right - left, bottom - top) not in (DIGIT_SIDE - 1, DIGIT_SIDE):  # centring cuts a row off some
        return False
    x, y = centre_of_mass(picture)
    return is_centred(x, left, right) and is_centred(y, top, bottom)


def is_centred(centre: float, first: int, end: int) -> bool:
    """Tells whether the centre of mass of what lies from ``first`` to ``end`` is in the middle, as far as it can be."""
    offset = centre - SIDE / 2
    return abs(offset) < 0.6 or (offset > 0 and first == 0) or (offset < 0 and end == SIDE)


def centre_of_mass(image: np.ndarray) -> tuple[float, float]:
    """Returns x and y in pixels; 0 is the middle of the first pixel."""
    # not by cv2.moments, which takes an image two pixels wide for the points of a contour
    rows, columns = image.sum(1, dtype=np.float64), image.sum(0, dtype=np.float64)
    return columns @ np.arange(len(columns)) / columns.sum(), rows @ np.arange(len(rows)) / rows.sum()


def with_usual_strokes(ink: np.ndarray) -> np.ndarray:
    """Widens or thins strokes that would be rare in MNIST once the digit is fitted into 20 pixels.

    In a stroke the mean distance to the edge is a quarter of its width. The distances inside and outside also give
    the ink after its edge has been moved. The result has a margin for that, float32 in [0, 1].
    """
    mask = (ink > 0.5).astype(np.uint8)
    if not mask.any():
        return ink
    inside = distance_to_edge(mask)
    width = 4 * inside[mask > 0].mean()
    left, top, right, bottom = bounds(mask)
    extent = max(right - left, bottom - top)
    fitted_width = width * DIGIT_SIDE / extent
    # wide strokes are thinned no more than necessary: the thin parts of the digit lose as much
    target = (USUAL_STROKE if fitted_width < MIN_STROKE else min(fitted_width, MAX_STROKE)) / DIGIT_SIDE
    # moving the edge also makes the digit longer or shorter
    outwards = (target * extent - width) / (2 - 2 * target)
    softness = EDGE * extent / DIGIT_SIDE
    margin = max(0, int(np.ceil(outwards))) + 1
    mask, inside = np.pad(mask, margin), np.pad(inside, margin)
    return np.clip((inside - distance_to_edge(1 - mask) + outwards) / softness + 0.5, 0, 1)


def fitted(strokes: np.ndarray) -> np.ndarray:
    """Crops ink, float32 in [0, 1], and reduces it to a longer side of 20 pixels."""
    left, top, right, bottom = bounds(strokes > 0.5) if (strokes > 0.5).any() else bounds(strokes > 0)
    digit = strokes[top:bottom, left:right]
    scale = DIGIT_SIDE / max(digit.shape)
    height, width = (max(1, round(extent * scale)) for extent in digit.shape)
    return cv2.resize(digit, (width, height), interpolation=cv2.INTER_AREA)


def centred(digit: np.ndarray) -> np.ndarray:
    """Places a digit, float32 in [0, 1], in uint8 (28, 28) with its centre of mass in the middle, by whole pixels."""
    height, width = digit.shape
    x, y = centre_of_mass(digit)
    left = int(np.clip(round(SIDE / 2 - x), 0, SIDE - width))
    top = int(np.clip(round(SIDE / 2 - y), 0, SIDE - height))
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + height, left : left + width] = np.round(digit * 255)
    return image
