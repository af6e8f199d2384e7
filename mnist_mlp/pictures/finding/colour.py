"""Colours made grey so that ink and paper differ most."""

import cv2
import numpy as np

SAMPLE_SIDE = 400  # px, longer side of the sample of pixels that decides
PAPER_SIDE = 64  # px, longer side at which the paper's colour is estimated
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow's mode L
AS_GOOD = 0.5  # fraction of the best contrast from which on the usual grey is kept


def contrasting_grey(picture: np.ndarray) -> np.ndarray:
    """Returns a colour picture, uint8 (height, width, 3), as grey, uint8 (height, width).

    The colours are projected on the line along which ink differs most from the paper around it, measured in the noise
    of the paper (Fisher's linear discriminant, 1936, doi:10.1111/j.1469-1809.1936.tb02137.x). Where the usual grey
    shows the ink about as well, it is taken.
    """
    step = 1 + max(picture.shape) // SAMPLE_SIDE
    sample = np.ascontiguousarray(picture[::step, ::step])  # averaging would fade hairlines
    if (sample == sample[..., :1]).all():
        return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    width, height = (max(1, round(extent * PAPER_SIDE / max(sample.shape))) for extent in sample.shape[1::-1])
    small = cv2.resize(sample, (width, height), interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(small, round(0.6 * np.prod(small.shape[:2]) ** 0.5) | 1)
    paper = cv2.resize(paper, sample.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    differences = (sample.astype(np.float32) - paper).reshape(-1, 3)
    strength = (differences**2).sum(1)
    ink = differences * strength[:, None]  # shadows, large but weak, count little
    noise = differences[strength <= np.median(strength)]
    between = ink.T @ ink
    within = noise.T @ noise / len(noise) + 4 * np.eye(3)  # 2 grey levels, of rounding and of JPEG
    values, vectors = np.linalg.eig(np.linalg.solve(within, between))
    direction = np.real(vectors[:, np.argmax(np.real(values))])

    def contrast(weights: np.ndarray) -> float:
        return float((weights @ between @ weights) / (weights @ within @ weights)) ** 0.25

    if contrast(LUMA) > AS_GOOD * contrast(direction):
        return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    weights = direction / np.abs(direction).sum() * (1 if direction.sum() >= 0 else -1)
    offset = -255 * np.minimum(weights, 0).sum()
    return np.clip(cv2.transform(picture, np.array([[*weights, offset]], np.float32)), 0, 255).astype(np.uint8)
