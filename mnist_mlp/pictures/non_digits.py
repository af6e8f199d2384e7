"""Drawings that are no digit, on which a network learns to be unsure.

Outlier exposure: Hendrycks et al. 2019, arXiv:1812.04606.
"""

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from mnist_mlp.pictures.mnist_form import mnist_image

SIDE = 112  # px of a drawing before it is brought into MNIST's form
MARGIN = 16  # px at the edges in which no stroke begins or ends
CURVE_POINTS = 12  # points that a stroke is drawn through


def drawings(count: int, seed: int) -> Tensor:
    """Returns letter-like strokes, scribbles and blots in MNIST's form: uint8 (count, 784), white on black.

    Half are letter-like, a quarter scribbles, a quarter blots. A few resemble a digit by chance.

    Args:
        count: The number of drawings, at least 1.
        seed: Seed of the random numbers that decide on every pixel.
    """
    rng = np.random.default_rng(seed)
    images: list[np.ndarray] = []
    while len(images) < count:
        kind = (letter, letter, scribble, blots)[len(images) % 4]
        image = mnist_image(kind(rng))
        if image is not None:
            images.append(image.reshape(784))
    return torch.from_numpy(np.stack(images))


def letter(rng: Generator) -> np.ndarray:
    """Draws 2 to 5 strokes."""
    return strokes(int(rng.integers(2, 6)), rng)


def scribble(rng: Generator) -> np.ndarray:
    """Draws 6 to 12 strokes."""
    return strokes(int(rng.integers(6, 13)), rng)


def strokes(count: int, rng: Generator) -> np.ndarray:
    """Draws straight and bent strokes with one pen, most of which begin on another: float32 (SIDE, SIDE) in [0, 1]."""
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    width = int(rng.integers(5, 15))
    drawn = rng.uniform(MARGIN, SIDE - MARGIN, (1, 2))
    for _ in range(count):
        begin = (drawn[-1], rng.choice(drawn), random_point(rng))[rng.choice(3, p=(0.4, 0.4, 0.2))]
        end = random_point(rng)
        bend = rng.normal(0, 25, 2) * rng.integers(2)
        drawn = np.concatenate([drawn, bezier(begin, (begin + end) / 2 + bend, end)])
        points = np.round(drawn[-CURVE_POINTS:] * 16).astype(np.int32)
        cv2.polylines(canvas, [points], False, 255, width, cv2.LINE_AA, 4)
    return canvas / np.float32(255)


def random_point(rng: Generator) -> np.ndarray:
    """Returns x and y of a point within the margins, px."""
    return rng.uniform(MARGIN, SIDE - MARGIN, 2)


def bezier(begin: np.ndarray, control: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Returns points of a quadratic Bezier curve, (CURVE_POINTS, 2)."""
    t = np.linspace(0, 1, CURVE_POINTS)[:, None]
    return (1 - t) ** 2 * begin + 2 * t * (1 - t) * control + t**2 * end


def blots(rng: Generator) -> np.ndarray:
    """Thresholds smooth noise within a circle: float32 (SIDE, SIDE), 0 or 1."""
    noise = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), rng.uniform(3, 12))
    circle = cv2.circle(np.zeros((SIDE, SIDE), np.uint8), (SIDE // 2, SIDE // 2), int(rng.integers(30, 56)), 1, -1)
    return (noise > rng.uniform(0, 1.2) * noise.std()).astype(np.float32) * circle
