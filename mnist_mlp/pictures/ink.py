"""Ink told from paper, in uneven light, dark on light or light on dark."""

import cv2
import numpy as np

from mnist_mlp.pictures.geometry import shrink_to

PAPER_SIDE = 128  # px, longer side at which the paper and its light are estimated: both vary slowly
MIN_ABSORPTION = 0.1  # fraction of the paper's light that ink absorbs at least


def ink_in(picture: np.ndarray) -> np.ndarray | None:
    """Returns how much ink each pixel has, float32 (height, width) in [0, 1], or None if there is only paper.

    Above 0.5 is ink, below is paper; the grey edges of strokes are in between.

    Args:
        picture: Grey, uint8 (height, width).
    """
    absorbed = absorption(picture)
    threshold = ink_threshold(absorbed)
    return None if threshold is None else np.clip(absorbed / (2 * threshold), 0, 1)


def absorption(picture: np.ndarray) -> np.ndarray:
    """Returns the fraction of the paper's light that each pixel absorbs: about 0 for paper, up to 1 for ink, float32.

    The paper in its light is what a morphological closing leaves, which fills everything narrower than the widest
    stroke. Serra 1982, Image Analysis and Mathematical Morphology.
    """
    black = 8  # grey levels added to ink and paper, or dark paper would be all noise
    if is_light_on_dark(picture):
        picture, black = 255 - picture, 64  # chalk adds to the light of the board
    small = cv2.GaussianBlur(shrink_to(picture, PAPER_SIDE), (3, 3), 0).astype(np.float32)
    extent = round(0.45 * small.shape[0]) | 1  # no digit is taller than the picture, and no blot half as tall
    y, x = (min(extent // 2, side - 1) for side in small.shape)
    beyond = np.pad(small, [(y, y), (x, x)], "reflect", reflect_type="odd")  # continues the slope of the light
    closed = cv2.morphologyEx(beyond, cv2.MORPH_CLOSE, np.ones((extent, extent), np.uint8))
    closed = closed[y : y + small.shape[0], x : x + small.shape[1]]
    paper = np.clip(cv2.GaussianBlur(closed, (5, 5), 0), 0, 255)
    paper = cv2.resize(paper, picture.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return 1 - (picture + np.float32(black)) / (paper + np.float32(black))


def is_light_on_dark(picture: np.ndarray) -> bool:
    """Tells whether the pixels of a grey picture, uint8, that differ most from their surroundings are the lighter ones.

    The surroundings are medians over half the picture, since ink covers less than half of any half. The fifth power
    gives little weight to shadows, which are large but not black.
    """
    step = 1 + max(picture.shape) // 500
    sample = np.ascontiguousarray(picture[::step, ::step])  # averaging would fade hairlines
    small = shrink_to(sample, PAPER_SIDE // 2)
    surroundings = cv2.medianBlur(small, round(0.6 * np.prod(small.shape) ** 0.5) | 1)
    surroundings = cv2.resize(surroundings, sample.shape[::-1], interpolation=cv2.INTER_LINEAR)
    difference = cv2.subtract(sample, surroundings, dtype=cv2.CV_32F) * np.float32(1 / 255)
    square = difference * difference
    return bool(np.vdot(square * square, difference) > 0)


def ink_threshold(absorbed: np.ndarray) -> float | None:
    """Returns the absorption from which on a pixel is ink, None if there is only paper.

    Otsu's threshold (1979, doi:10.1109/TSMC.1979.4310076) of the pixels near ink.
    """
    smooth = cv2.GaussianBlur(absorbed, (3, 3), 0)  # leaves a third of a camera's noise
    sample = smooth[:: 1 + absorbed.shape[0] // 200, :: 1 + absorbed.shape[1] // 200]
    low, lower = np.percentile(sample, [30, 15])  # of paper, even if ink covers up to two thirds of the picture
    noise = (low - lower) / 0.512  # standard deviation of a normal distribution with these percentiles
    candidates = (smooth > max(MIN_ABSORPTION, low + 5.5 * noise)).astype(np.uint8)
    near = cv2.dilate(candidates, np.ones((5, 5), np.uint8)).astype(bool)
    if not near.any():
        return None
    values = np.clip(np.round(absorbed[near] * 255), 0, 255).astype(np.uint8)
    threshold = max(MIN_ABSORPTION, cv2.threshold(values, 0, 255, cv2.THRESH_OTSU)[0] / 255)
    return threshold if is_sharp(absorbed, threshold) else None


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
