"""Ink told from paper, in uneven light, dark on light or light on dark."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np

from mnist_mlp.pictures.finding.cells import boxed
from mnist_mlp.pictures.finding.ruling import remove_ruling
from mnist_mlp.pictures.finding.sheet import leaves_a_sheet, table_in
from mnist_mlp.pictures.geometry import shrink_to

PAPER_SIDE = 128  # px, longer side at which the paper and its light are estimated: both vary slowly
WIDE = 0.45  # of the height, what the widest stroke has: no digit is taller than the picture, and no blot half as tall
NARROW = 0.15  # of the height, what strokes have where the light changes within the width of a hand
CONTRAST = 0.1  # Sauvola's k: fraction of the mean around it by which ink is darker, at least
WINDOW = 0.125  # of the longer side, over which the mean is taken
FAINT = 0.65  # of the threshold for ink, what the fainter parts of a stroke absorb at least
PALE = 0.75  # of the light that strokes absorb, at most what printed lines absorb that are paler
LIKELY = 0.1  # fraction of the light that what is likely to be ink absorbs
CERTAIN = 0.99  # of all contrast is dark on light or light on dark: then what looks like paper is paper
SMALL = 96  # px, longer side: in so small a picture even then the paper between broken strokes may show the digit
MIN_ABSORPTION = 0.05  # fraction of the paper's light that ink absorbs at least


def absorption(picture: np.ndarray, black: float, widest: float = WIDE) -> np.ndarray:
    """Returns the fraction of the paper's light that each pixel absorbs: about 0 for paper, up to 1 for ink, float32.

    The paper in its light is what a morphological closing leaves, which fills everything narrower than the widest
    stroke. Serra 1982, Image Analysis and Mathematical Morphology.

    Args:
        picture: Grey, uint8 (height, width), ink dark on light.
        black: Added to each grey level: what a camera shows of the blackest ink.
        widest: The widest stroke, as a fraction of the picture's height.
    """
    small = cv2.GaussianBlur(shrink_to(picture, PAPER_SIDE), (3, 3), 0).astype(np.float32)
    extent = round(widest * small.shape[0]) | 1
    y, x = (min(extent // 2, side - 1) for side in small.shape)
    beyond = np.pad(small, [(y, y), (x, x)], "reflect", reflect_type="odd")  # continues the slope of the light
    closed = cv2.morphologyEx(beyond, cv2.MORPH_CLOSE, np.ones((extent, extent), np.uint8))
    closed = closed[y : y + small.shape[0], x : x + small.shape[1]]
    paper = np.clip(cv2.GaussianBlur(closed, (5, 5), 0), 0, 255)
    paper = cv2.resize(paper, picture.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return 1 - (picture + np.float32(black)) / (paper + np.float32(black))


def polarity(picture: np.ndarray) -> float:
    """Returns by how much the pixels that differ most from their surroundings are lighter: from -1, all darker, to 1.

    picture: Grey, uint8 (height, width).

    The surroundings are medians over half the picture, since ink covers less than half of any half. The fifth power
    gives little weight to shadows, which are large but not black.
    """
    step = 1 + max(picture.shape) // 500
    sample = np.ascontiguousarray(picture[::step, ::step])  # averaging would fade hairlines
    small = shrink_to(sample, PAPER_SIDE // 2)
    reach = round(0.3 * np.prod(small.shape) ** 0.5)
    beyond = cv2.copyMakeBorder(small, reach, reach, reach, reach, cv2.BORDER_REFLECT)  # or a dark rim would count much
    surroundings = cv2.medianBlur(beyond, 2 * reach + 1)[reach : reach + small.shape[0], reach : reach + small.shape[1]]
    surroundings = cv2.resize(surroundings, sample.shape[::-1], interpolation=cv2.INTER_LINEAR)
    difference = cv2.subtract(sample, surroundings, dtype=cv2.CV_32F) * np.float32(1 / 255)
    square = difference * difference
    weights = square * square
    return float(np.vdot(weights, difference) / max(np.vdot(weights, np.abs(difference)), 1e-9))


def ink_thresholds(absorbed: np.ndarray) -> tuple[float, float] | None:
    """Returns the absorption of ink and of its faintest strokes at least, None if there is only paper.

    The first is Otsu's threshold (1979, doi:10.1109/TSMC.1979.4310076) of the pixels near ink; the second is lower, but
    stands out from the noise of the paper.
    """
    smooth = cv2.GaussianBlur(absorbed, (3, 3), 0)  # leaves a third of a camera's noise
    sample = smooth[:: 1 + absorbed.shape[0] // 200, :: 1 + absorbed.shape[1] // 200]
    low, lower = np.percentile(sample, [30, 15])  # of paper, even if ink covers up to two thirds of the picture
    noise = (low - lower) / 0.512  # standard deviation of a normal distribution with these percentiles
    visible = max(MIN_ABSORPTION, low + 5.5 * noise)
    near = cv2.dilate((smooth > visible).astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    if not near.any():
        return None
    values = np.clip(np.round(absorbed[near] * 255), 0, 255).astype(np.uint8)
    level = cv2.threshold(values, 0, 255, cv2.THRESH_OTSU)[0]
    ink, paper = values[values > level], values[values <= level]
    if level < 255 * LIKELY and ink.size and paper.size:  # of all levels between two distant classes it is the lowest
        level = (ink.mean() + paper.mean()) / 2
    threshold = max(visible, level / 255)
    return threshold, max(visible, FAINT * threshold)


def is_sharp(absorbed: np.ndarray, threshold: float) -> bool:
    """Tells whether absorption rises steeply at the threshold, as ink does and shadows do not; True for hairlines."""
    reach = max(5, absorbed.shape[0] // 120, absorbed.shape[1] // 120) | 1
    smooth = cv2.GaussianBlur(absorbed, (reach, reach), 0)
    mask = (smooth > threshold).astype(np.uint8)
    if np.count_nonzero(mask) < 0.1 * np.count_nonzero(absorbed > threshold):
        return True  # the blur leaves too little of hairlines to judge
    edge = cv2.dilate(mask, np.ones((3, 3), np.uint8)) != mask
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    rise = (cv2.dilate(smooth, square) - cv2.erode(smooth, square))[edge]
    return rise.size == 0 or bool(np.median(rise) > 1.15 * threshold)


class Ink(NamedTuple):
    """One way to see the ink of a picture: how much of it each pixel has, and whether that is likely to be ink.

    Above 0.5 is ink, below is paper; the grey edges of strokes are in between. float32 (height, width) in [0, 1].
    """

    amount: np.ndarray
    is_likely: bool


def drawn_ink(picture: np.ndarray) -> Ink:
    """Returns the ink of a drawing, dark on white, uint8 (height, width)."""
    return Ink(np.float32(1 / 255) * (255 - picture), is_likely=True)


def inks_in(picture: np.ndarray) -> Iterator[Ink]:
    """Yields ways to see the ink of a picture, grey, uint8 (height, width), the most plausible first.

    What is not likely is ink only if digits are read in it: soft edges are those of shadows.
    """
    lightness = polarity(picture)
    dark, light = (picture, 8), (255 - picture, 64)  # with black as absorption takes it
    table = table_in(picture)
    on_sheet = table is not None and leaves_a_sheet(table)  # then it is the sheet that may differ most
    usual, exchanged = (light, dark) if lightness > 0 and not on_sheet else (dark, light)
    yield from dark_inks_in(*usual, is_usual=True, on_sheet=on_sheet)
    if on_sheet or abs(lightness) < CERTAIN or max(picture.shape) <= SMALL:  # perhaps what looks like paper is ink
        yield from dark_inks_in(*exchanged, is_usual=False)


def dark_inks_in(picture: np.ndarray, black: float, is_usual: bool, on_sheet: bool = False) -> Iterator[Ink]:
    """Does what ``inks_in`` says for ink that is dark on light. What is not usual is not likely."""
    absorbed, table = absorption(picture, black), table_in(picture)
    if on_sheet and table is not None:
        absorbed, table = absorbed * ~table, None
    plain = np.zeros(picture.shape, bool)
    for ink in strokes(absorbed, is_usual):
        plain |= ink.is_likely & (ink.amount == 1)
        yield from without_ruling(ink, absorbed)
    if table is not None:  # or a shadow: then what is written in it is read as plainly as the rest
        yield from strokes(absorption(picture, black, NARROW), is_usual=False)
        for ink in strokes(absorbed * ~table, is_usual):
            yield from without_ruling(ink, absorbed)
    local = sauvola(picture) * (absorbed > MIN_ABSORPTION)  # paper beside ink has a halo, lighter than the mean
    local[plain] = 1  # and the middle of a wide stroke is as dark as the mean
    for paper in [1] if table is None else [~table, 1]:
        yield from without_ruling(Ink(local * paper, is_likely=False), absorbed)


def strokes(absorbed: np.ndarray, is_usual: bool) -> Iterator[Ink]:
    """Yields what absorbs more light than paper as ink, or nothing if there is only paper."""
    thresholds = ink_thresholds(absorbed)
    if thresholds is not None:
        likely = is_usual and thresholds[0] > LIKELY and is_sharp(absorbed, thresholds[0])
        yield Ink(whole_strokes(absorbed, *thresholds), likely)


def without_ruling(ink: Ink, absorbed: np.ndarray) -> Iterator[Ink]:
    """Yields the ink in boxes, if there are any, then ink without printed lines, if there are any, then all ink."""
    mask = ink.amount > 0.5
    boxes = boxed(mask)
    if boxes is not None:
        yield ink._replace(amount=ink.amount * boxes)
    rest = remove_ruling(mask)
    lines = mask & ~rest
    if lines.any():
        if ink.is_likely:
            rest |= strokes_along(lines, rest, absorbed)
        yield ink._replace(amount=ink.amount * rest)
    yield ink


def strokes_along(lines: np.ndarray, strokes: np.ndarray, absorbed: np.ndarray) -> np.ndarray:
    """Returns what is as dark as strokes in printed lines that are paler, bool: a digit's foot may lie along a line."""
    line, stroke = np.median(absorbed[lines]), np.median(absorbed[strokes]) if strokes.any() else 0
    return lines & (absorbed > (line + stroke) / 2) & (line < PALE * stroke)


def whole_strokes(absorbed: np.ndarray, threshold: float, faint: float) -> np.ndarray:
    """Returns ink with the fainter parts of its strokes: hysteresis (Canny 1986, doi:10.1109/TPAMI.1986.4767851)."""
    labels: Any
    _, labels = cv2.connectedComponents((absorbed > faint).astype(np.uint8))
    dark = np.zeros(labels.max() + 1, bool)
    dark[labels[absorbed > threshold]] = True
    dark[0] = True  # the edges of strokes
    return np.clip(absorbed / (2 * faint), 0, 1) * dark[labels]


def sauvola(picture: np.ndarray) -> np.ndarray:
    """Returns the ink of a picture, dark on light, by its contrast to the mean around it.

    Sauvola and Pietikainen 2000, doi:10.1016/S0031-3203(99)00055-2.
    """
    window = max(15, round(WINDOW * max(picture.shape))) | 1
    grey = cv2.GaussianBlur(picture, (3, 3), 0).astype(np.float32)
    mean = cv2.boxFilter(grey, -1, (window, window), borderType=cv2.BORDER_REFLECT)
    square = cv2.sqrBoxFilter(grey, -1, (window, window), borderType=cv2.BORDER_REFLECT)
    deviation = np.sqrt(np.maximum(square - mean * mean, 0))
    needed = np.maximum(CONTRAST * mean * (1 - deviation / 128), 1)
    return np.clip((mean - grey) / (2 * needed), 0, 1)
