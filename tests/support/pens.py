"""What pens leave of a digit or letter: ink, float32 (height, width) in [0, 1], cropped to its edges."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from matplotlib import get_data_path
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont


def contour(image: np.ndarray, height: int) -> np.ndarray:
    """Returns a smooth field, above 0.5 where a digit, uint8 (28, 28), has ink; its 20 pixels become `height`."""
    side = round(28 * height / 20)
    field = cv2.GaussianBlur(
        cv2.resize(image.astype(np.float32) / 255, (224, 224), interpolation=cv2.INTER_CUBIC), (0, 0), 3
    )
    return cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC)


def natural(image: np.ndarray, height: int, rng: Generator) -> np.ndarray:
    """Returns the digit with its own strokes."""
    return cropped(antialiased((contour(image, height) - 0.4) * height / 3))  # a level that keeps thin joins


def thick(image: np.ndarray, height: int, rng: Generator) -> np.ndarray:
    """Widens the strokes by up to a tenth of the height on each side, as far as no hole closes."""
    inside = np.pad(contour(image, height) > 0.5, height // 8)
    outside = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    for fraction in np.linspace(rng.uniform(0.06, 0.1), 0, 8):
        grown = outside <= fraction * height
        if holes(cv2.erode((~grown).astype(np.uint8), np.ones((height // 30 + 1,) * 2, np.uint8))) >= holes(~inside):
            break
    return cropped(antialiased(fraction * height - outside + 0.5))


def holes(paper: np.ndarray) -> int:
    """Returns the number of parts into which the ink divides the paper."""
    return cv2.connectedComponents(paper.astype(np.uint8), connectivity=4)[0]


def pen(image: np.ndarray, height: int, width: float) -> np.ndarray:
    """Draws the digit's centre lines with a pen of `width` pixels; a filled loop stays, being part of the shape."""
    ink = inked(image)
    lines = thinned(ink)
    ys, xs = np.nonzero(lines)
    near = (abs(ys[:, None] - ys) <= 1) & (abs(xs[:, None] - xs) <= 1)
    points = np.stack([xs, ys], 1).astype(np.float32)
    origin = points.min(0)
    for _ in range(2):  # smooths the pixels' steps
        points = near @ points / near.sum(1, keepdims=True)

    def fixed(points: np.ndarray) -> np.ndarray:
        return np.round(((points - origin) * (height / 80) + width + height // 4) * 16).astype(np.int32)

    canvas = np.zeros(fixed(points).max(0)[::-1] // 16 + round(width + height // 4), np.uint8)
    points, thickness = fixed(points), max(1, round(width))
    for outline in cv2.findContours(blots(ink, lines), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
        cv2.fillPoly(canvas, [fixed(outline)], 255, cv2.LINE_AA, 4)
        cv2.polylines(canvas, [fixed(outline)], True, 255, thickness, cv2.LINE_AA, 4)
    for i, j in np.argwhere(np.triu(near)):
        cv2.line(canvas, points[i], points[j], 255, thickness, cv2.LINE_AA, 4)
    return cropped(canvas.astype(np.float32) / 255)


def inked(image: np.ndarray) -> np.ndarray:
    """Enlarges a digit to uint8 (112, 112), 1 where there is ink, at a level that keeps thin joins."""
    large = cv2.resize(image, (112, 112), interpolation=cv2.INTER_CUBIC)
    return (cv2.GaussianBlur(large, (0, 0), 1) > 102).astype(np.uint8)


def blots(ink: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Returns where ink is 1.5 times as wide as usual along its centre `lines`, less half a usual width: uint8."""
    inside = cv2.distanceTransform(ink, cv2.DIST_L2, 5)
    usual = np.median(inside[lines])
    beyond = cv2.distanceTransform((inside < 1.5 * usual).astype(np.uint8), cv2.DIST_L2, 5)
    return (beyond < usual / 2).astype(np.uint8)


def thinned(ink: np.ndarray) -> np.ndarray:
    """Returns the centre lines of ink, uint8 (height, width): bool. Zhang and Suen 1984, doi:10.1145/357994.358023."""
    ink = ink.copy()
    changed = True
    while changed:
        changed = False
        for first in (True, False):
            p = [
                np.roll(ink, shift, (0, 1))
                for shift in ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
            ]
            neighbours = sum(p)
            crossings = sum((a == 0) & (b == 1) for a, b in zip(p, [*p[1:], p[0]]))
            n, e, s, w = p[0], p[2], p[4], p[6]
            ends = (n & e & s) | (e & s & w) if first else (n & e & w) | (n & s & w)
            gone = (ink == 1) & (neighbours >= 2) & (neighbours <= 6) & (crossings == 1) & (ends == 0)
            ink[gone] = 0
            changed |= gone.any()
    return ink.astype(bool)


def thin(image: np.ndarray, height: int, rng: Generator) -> np.ndarray:
    """Draws the digit with hairlines."""
    return pen(image, height, max(1.0, height * rng.uniform(0.006, 0.02)))


def any_pen(image: np.ndarray, height: int, rng: Generator) -> np.ndarray:
    """Draws the digit with strokes from a ballpoint's to a brush's."""
    kind = rng.integers(4)
    if kind < 2:
        return pen(image, height, max(1.5, height * rng.uniform(0.025, 0.08)))
    return (natural, thick)[kind - 2](image, height, rng)


def letter(text: str, size: int, font: str) -> np.ndarray:
    """Returns a letter in one of matplotlib's fonts."""
    canvas = Image.new("L", (3 * size, 3 * size))
    ImageDraw.Draw(canvas).text((size, size), text, 255, typeface(font, size))
    return cropped(np.asarray(canvas, np.float32) / 255)


@cache
def typeface(font: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(get_data_path(), f"fonts/ttf/{font}.ttf"), size)


def antialiased(distance: np.ndarray) -> np.ndarray:
    """Returns ink where the signed distance, in pixels, is above 0, with an edge one pixel wide."""
    return np.clip(distance + 0.5, 0, 1).astype(np.float32)


def cropped(ink: np.ndarray) -> np.ndarray:
    left, top, width, height = cv2.boundingRect((ink > 0.02).astype(np.uint8))
    return ink[top : top + height, left : left + width]
