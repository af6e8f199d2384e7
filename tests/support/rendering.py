"""Pictures as people have them, made from MNIST's digits: the questions that tests/benchmarks/reading.py asks.

Everything derives from the images given and a seed. Nothing here knows how pictures are read.
"""

import io
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.random import Generator
from PIL import Image

from support.paper import camera, drawn, gradient, lit, placed, ruling, smooth_noise, texture, tilted
from support.pens import any_pen, letter, natural, pen, thick, thin

UNLIKE_DIGITS = "AEFHKMNPRVWXYhkmnrwx#@&%+="  # many people's O, I, l, S, Z, B, G, b, g and q are digits too
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSansMono")


class Page(NamedTuple):
    """A picture, uint8 (height, width), and the lines of digits on it."""

    picture: np.ndarray
    lines: list[str]


# The kinds of pictures: from a digit, uint8 (28, 28), to a picture, uint8 (height, width) or (height, width, 4)


def thin_strokes(image: np.ndarray, rng: Generator) -> np.ndarray:
    height = int(rng.integers(300, 700))
    return drawn(placed(thin(image, height, rng), 800, 1050, rng), rng.integers(0, 80), rng.integers(225, 256))


def thick_strokes(image: np.ndarray, rng: Generator) -> np.ndarray:
    height = int(rng.integers(150, 500))
    side = round(height * rng.uniform(1.4, 2))
    return drawn(placed(thick(image, height, rng), side, side, rng), rng.integers(0, 80), rng.integers(225, 256))


def inverted(image: np.ndarray, rng: Generator) -> np.ndarray:
    height = int(rng.integers(100, 500))
    side = round(height * rng.uniform(1.3, 2.5))
    board = rng.integers(0, 90) * texture(side, side, rng, 2)
    return drawn(placed(any_pen(image, height, rng), side, side, rng), rng.integers(190, 256), board)


def off_centre_and_small(image: np.ndarray, rng: Generator) -> np.ndarray:
    side = int(rng.integers(280, 1000))
    height = max(24, round(side * rng.uniform(0.06, 0.15)))
    return drawn(placed(any_pen(image, height, rng), side, side, rng), rng.integers(0, 80), rng.integers(225, 256))


def gradient_and_texture(image: np.ndarray, rng: Generator) -> np.ndarray:
    height = int(rng.integers(100, 400))
    side = round(height * rng.uniform(1.3, 2.5))
    paper = rng.integers(200, 256) * gradient(side, side, rng) * texture(side, side, rng)
    return drawn(placed(any_pen(image, height, rng), side, side, rng) * rng.uniform(0.5, 0.85), 0, paper)


def perspective_and_jpeg(image: np.ndarray, rng: Generator) -> np.ndarray:
    height = int(rng.integers(100, 400))
    side = round(height * rng.uniform(1.5, 2.5))
    ink = tilted(placed(any_pen(image, height, rng), side, side, rng, side // 8), rng)
    return camera(lit(ink, rng), rng)


def ruled_paper(image: np.ndarray, rng: Generator) -> np.ndarray:
    height = int(rng.integers(100, 400))
    rows, columns = (round(height * rng.uniform(1.5, 3)) for _ in range(2))
    lines = ruling(rows, columns, height * rng.uniform(0.25, 1.2), rng) * rng.uniform(0.15, 0.5)
    ink = placed(any_pen(image, height, rng), rows, columns, rng)
    return drawn(np.maximum(ink, lines), rng.integers(0, 80), rng.integers(225, 256))


def alpha(image: np.ndarray, rng: Generator) -> np.ndarray:
    """Strokes of one colour on a transparent sheet of at least 32 pixels."""
    side = int(rng.choice([32, 64, 300]))
    height = round(side * rng.uniform(0.6, 0.85))
    ink = pen(image, height, height * rng.uniform(0.06, 0.14))
    side = max(side, max(ink.shape) + 2)  # a digit may be wider than it is high
    picture = np.zeros((side, side, 4), np.uint8)
    picture[..., :3] = rng.choice([0, 255]) if rng.random() < 0.7 else rng.integers(0, 256, 3)
    picture[..., 3] = placed(ink, side, side, rng, 1) * 255
    return picture


def phone_photo(image: np.ndarray, rng: Generator) -> np.ndarray:
    """Everything at once: squared or ruled or plain paper, seen obliquely, in a shadow, by a small camera."""
    height = int(rng.integers(120, 350))
    rows, columns = (round(height * rng.uniform(1.8, 3)) for _ in range(2))
    lines = ruling(rows, columns, height * rng.uniform(0.25, 1.2), rng) * rng.uniform(0.1, 0.4) * rng.integers(2)
    ink = placed(any_pen(image, height, rng), rows, columns, rng, min(rows, columns) // 8)
    return camera(lit(tilted(np.maximum(ink, lines), rng), rng), rng)


KINDS: dict[str, Callable[[np.ndarray, Generator], np.ndarray]] = {
    "thin": thin_strokes,
    "thick": thick_strokes,
    "inverted": inverted,
    "off-centre and small": off_centre_and_small,
    "gradient and texture": gradient_and_texture,
    "perspective and JPEG": perspective_and_jpeg,
    "ruled paper": ruled_paper,
    "alpha": alpha,
    "phone photo": phone_photo,
}


def picture(kind: str, image: np.ndarray, seed: int) -> np.ndarray:
    """Returns a digit, uint8 (28, 28), as one of KINDS: uint8 (height, width), or (height, width, 4) with alpha."""
    return KINDS[kind](image, np.random.default_rng([seed, *kind.encode()]))


def page(images: np.ndarray, labels: np.ndarray, seed: int, redrawn: bool = False) -> Page:
    """Returns 4 to 12 separate digits in one to three lines, on even or uneven paper.

    Args:
        images: What the digits are taken from, uint8 (n, 28, 28).
        labels: Their labels, (n,).
        seed: What decides on everything else.
        redrawn: Whether a pen redraws the digits along their centre lines. That changes some into other digits: a 9
            with a filled loop becomes a 7.
    """
    rng = np.random.default_rng([seed, 4])
    count, size = int(rng.integers(4, 13)), int(rng.integers(40, 110))
    rows = np.array_split(rng.integers(len(images), size=count), rng.integers(1, 1 + min(3, count // 2)))
    width = max(1.5, size * rng.uniform(0.03, 0.12))
    sheet = np.zeros((round(size * 2 * (len(rows) + 1)), round(size * 1.5 * (max(map(len, rows)) + 2))), np.float32)
    for number, row in enumerate(rows):
        left, middle = size * rng.uniform(0.6, 1.5), size * 2 * (number + 1)
        for index in row:
            height = round(size * rng.uniform(0.85, 1.15))
            ink = pen(images[index], height, width) if redrawn else natural(images[index], height, rng)
            top = round(middle - ink.shape[0] / 2 + size * rng.uniform(-0.12, 0.12))
            sheet[top : top + ink.shape[0], round(left) : round(left) + ink.shape[1]] = ink
            left += ink.shape[1] + size * rng.uniform(0.15, 0.5)
    plain = rng.random() < 0.5
    shown = drawn(sheet, rng.integers(0, 80), rng.integers(225, 256)) if plain else camera(lit(sheet, rng), rng)
    return Page(shown, ["".join(str(labels[index]) for index in row) for row in rows])


def no_digit(seed: int) -> np.ndarray:
    """Returns by turns an empty page, noise, and twice a letter unlike any digit: uint8 (height, width)."""
    rng = np.random.default_rng([seed, 5])
    side = int(rng.integers(100, 400))
    kind = seed % 4
    if kind == 0:
        paper = np.full((side, side), rng.choice([0.0, 20.0, 230.0, 255.0]))
        return drawn(np.zeros_like(paper), 0, paper) if rng.random() < 0.4 else camera(lit(paper * 0, rng), rng)
    if kind == 1:
        return noise(side, rng)
    ink = letter(rng.choice(list(UNLIKE_DIGITS)), round(side * 0.6), str(rng.choice(FONTS)))
    return drawn(placed(ink, side, side, rng), rng.integers(0, 80), rng.integers(225, 256))


def noise(side: int, rng: Generator) -> np.ndarray:
    """Returns noisy pixels, blots, or scribbled lines: uint8 (side, side)."""
    kind = rng.integers(3)
    if kind == 0:
        return rng.integers(0, 256, (side, side), dtype=np.uint8)
    if kind == 1:
        return drawn(smooth_noise(side, side, side / rng.uniform(3, 12), rng) > rng.uniform(0.3, 1), 0, 255)
    canvas = np.zeros((side, side), np.uint8)
    points = rng.integers(0.2 * side, 0.8 * side, (rng.integers(6, 15), 1, 2), dtype=np.int32)
    cv2.polylines(canvas, [points], False, 255, int(rng.integers(2, side // 15)), cv2.LINE_AA)
    return drawn(canvas.astype(np.float32) / 255, 0, 255)


def png(picture: np.ndarray) -> io.BytesIO:
    """Returns the picture as a PNG file, which is what a reader is given."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=0)
    file.seek(0)
    return file
