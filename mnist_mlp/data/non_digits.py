"""Drawings that are no digit, on which a network learns to be unsure (outlier exposure, Hendrycks et al. 2019)."""

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from mnist_mlp.pictures.preprocessing import mnist_image

SIDE = 112  # pixels of a drawing, before it is made as MNIST's images are
MARGIN = 16
CURVE_POINTS = 12


def drawings(count: int, seed: int) -> Tensor:
    """Strokes as in letters, scribbles and blots by turns, as MNIST would show them: uint8 (count, 784).

    Some are like a digit by chance.
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
    return strokes(int(rng.integers(2, 6)), rng)


def scribble(rng: Generator) -> np.ndarray:
    return strokes(int(rng.integers(6, 13)), rng)


def strokes(count: int, rng: Generator) -> np.ndarray:
    """Straight and bent strokes of one pen, most of which begin on another: float32 (SIDE, SIDE)."""
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    width = int(rng.integers(5, 15))
    drawn = rng.uniform(MARGIN, SIDE - MARGIN, (1, 2))
    for _ in range(count):
        begin = (drawn[-1], rng.choice(drawn), anywhere(rng))[rng.choice(3, p=(0.4, 0.4, 0.2))]
        end = anywhere(rng)
        bend = rng.normal(0, 25, 2) * rng.integers(2)
        drawn = np.concatenate([drawn, curve(begin, (begin + end) / 2 + bend, end)])
        points = np.round(drawn[-CURVE_POINTS:] * 16).astype(np.int32)
        cv2.polylines(canvas, [points], False, 255, width, cv2.LINE_AA, 4)
    return canvas / np.float32(255)


def anywhere(rng: Generator) -> np.ndarray:
    return rng.uniform(MARGIN, SIDE - MARGIN, 2)


def curve(begin: np.ndarray, bend: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Points of a quadratic Bezier curve, (CURVE_POINTS, 2)."""
    t = np.linspace(0, 1, CURVE_POINTS)[:, None]
    return (1 - t) ** 2 * begin + 2 * t * (1 - t) * bend + t**2 * end


def blots(rng: Generator) -> np.ndarray:
    """What of smooth noise is above a level, within a circle: float32 (SIDE, SIDE)."""
    noise = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), rng.uniform(3, 12))
    circle = cv2.circle(np.zeros((SIDE, SIDE), np.uint8), (SIDE // 2, SIDE // 2), int(rng.integers(30, 56)), 1, -1)
    return (noise > rng.uniform(0, 1.2) * noise.std()).astype(np.float32) * circle
