"""Digits in three hands that MNIST lacks, drawn with none of the package's code: skeletons and pen are of this file."""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
from numpy.random import Generator

from mnist_mlp.pictures.digits import digits_in

Lines = list[np.ndarray]  # each float (points, 2), x and y; the digit is from 0 to 1 high


def curve(*controls: tuple[float, float]) -> np.ndarray:
    """Returns points of the Bezier curve with these control points, by de Casteljau's construction."""
    t = np.linspace(0, 1, 30)[:, None]
    points = [np.tile(control, (30, 1)) for control in np.array(controls, float)]
    while len(points) > 1:
        points = [(1 - t) * a + t * b for a, b in pairwise(points)]
    return points[0]


def european_1(rng: Generator) -> Lines:
    """Draws a 1 with an upstroke of a quarter to three quarters of its height, sometimes with a foot."""
    height = rng.uniform(0.25, 0.75)
    width = height * rng.uniform(0.55, 1.1)
    upstroke = curve((-width, height), (-0.4 * width, height * rng.uniform(0.45, 0.75)), (0, 0))
    foot = [curve((-0.3, 1), (0.3, 1 + rng.normal(0, 0.04)))]
    return [upstroke, curve((0, 0), (rng.normal(0, 0.03), 0.5), (rng.normal(0, 0.04), 1)), *foot[rng.integers(4) :]]


def barred_7(rng: Generator) -> Lines:
    """Draws a 7 with a bar at about half its height."""
    width, height = rng.uniform(0.45, 0.8), rng.uniform(0.4, 0.6)
    foot = width * rng.uniform(0.1, 0.6)
    middle, half = width + (foot - width) * height, rng.uniform(0.15, 0.35)
    left, right = (height + rng.normal(0, 0.04) for _ in range(2))
    return [
        curve((0, rng.normal(0, 0.05)), (width / 2, rng.normal(0, 0.06)), (width, 0)),
        curve((width, 0), (0.7 * width + 0.3 * foot + rng.normal(0, 0.06), 0.5), (foot, 1)),
        curve((middle - half, left), (middle + half * rng.uniform(0.7, 1.2), right)),
    ]


def open_4(rng: Generator) -> Lines:
    """Draws a 4 that is open at the top, with a corner at the left or a bow."""
    width, height, begin = rng.uniform(0.4, 0.75), rng.uniform(0.45, 0.65), rng.uniform(0, 0.3)
    stem, begin = width * rng.uniform(0.6, 0.95), begin * width
    end = (width * rng.uniform(1, 1.5), height + rng.normal(0, 0.05))
    if rng.random() < 0.4:
        left = [curve((begin, 0), (-0.15, 1.2 * height), (0.3 * width, 1.05 * height), end)]
    else:
        left = [curve((begin, 0), (0.4 * begin, 0.6 * height), (0, height)), curve((0, height), end)]
    top = (stem + rng.normal(0, 0.05), rng.uniform(-0.05, 0.35))
    return [*left, curve(top, (stem + rng.normal(0, 0.04), 1))]


HANDS: dict[str, Callable[[Generator], Lines]] = {"1": european_1, "7": barred_7, "4": open_4}


def picture(lines: Lines, rng: Generator) -> np.ndarray:
    """Draws lines with a slant and an unsteady pen on white paper: uint8 (660, 660)."""
    height, slant, angle = rng.uniform(150, 350), rng.normal(0.1, 0.15), rng.normal(0, np.radians(4))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = np.array([[np.exp(rng.normal(0, 0.15)), 0], [-slant, 1]]) @ turn.T
    canvas, pen = np.full((660, 660), 255, np.uint8), max(2, int(height * rng.uniform(0.03, 0.14)))
    for line in lines:
        unsteady = line @ shape + rng.normal(0, 0.0015, line.shape).cumsum(0)
        points = np.round((unsteady * height + 220) * 16).astype(np.int32)
        cv2.polylines(canvas, [points], False, int(rng.integers(60)), pen, cv2.LINE_AA, 4)
    return canvas


def images(label: str, count: int, seed: int = 0) -> np.ndarray:
    """Returns such digits as they are read from pictures: uint8 (count, 28, 28)."""
    rng = np.random.default_rng([seed, *label.encode()])
    return np.stack([digits_in(picture(HANDS[label](rng), rng), several=False)[0].image for _ in range(count)])
