"""Pictures as people have them, made from MNIST's digits: what the reading of pictures is judged on.

Everything derives from the images given and a seed. Nothing here knows how pictures are read: this module makes the
questions, ``tests/benchmarks/reading.py`` marks the answers.
"""

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from matplotlib import get_data_path
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

UNLIKE_DIGITS = "AEFHKMNPRVWXYhkmnrwx#@&%+="  # no O, I, l, S, Z, B, G, b, g, q, which are digits to many a hand
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSansMono")


class Page(NamedTuple):
    """A picture, uint8 (height, width), and the lines of digits on it."""

    picture: np.ndarray
    lines: list[str]


# Ink: what a pen leaves, float32 (height, width) in [0, 1], cut out at its edges.


def contour(image: np.ndarray, height: int) -> np.ndarray:
    """The outline of a digit, uint8 (28, 28), as a smooth field about ``height`` high for its 20 pixels; ink > 0.5."""
    side = round(28 * height / 20)
    field = cv2.GaussianBlur(
        cv2.resize(image.astype(np.float32) / 255, (224, 224), interpolation=cv2.INTER_CUBIC), (0, 0), 3
    )
    return cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC)


def natural(image: np.ndarray, height: int, rng: Generator) -> np.ndarray:
    """The digit with the strokes that it has."""
    return cut(edge((contour(image, height) - 0.4) * height / 3))  # a level that keeps thin joins


def thick(image: np.ndarray, height: int, rng: Generator) -> np.ndarray:
    """Strokes widened by up to a tenth of the height on each side, as far as no hole closes."""
    inside = np.pad(contour(image, height) > 0.5, height // 8)
    outside = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    for share in np.linspace(rng.uniform(0.06, 0.1), 0, 8):
        grown = outside <= share * height
        if holes(cv2.erode((~grown).astype(np.uint8), np.ones((height // 30 + 1,) * 2, np.uint8))) >= holes(~inside):
            break
    return cut(edge(share * height - outside + 0.5))


def holes(paper: np.ndarray) -> int:
    """Into how many parts the ink divides the paper."""
    return cv2.connectedComponents(paper.astype(np.uint8), connectivity=4)[0]


def pen(image: np.ndarray, height: int, width: float) -> np.ndarray:
    """The digit's centre lines drawn with a pen of ``width`` pixels; a filled loop, being part of its shape, stays."""
    ink = inked(image)
    lines = thinned(ink)
    ys, xs = np.nonzero(lines)
    near = (abs(ys[:, None] - ys) <= 1) & (abs(xs[:, None] - xs) <= 1)
    points = np.stack([xs, ys], 1).astype(np.float32)
    origin = points.min(0)
    for _ in range(2):  # the steps of the pixels become a line
        points = near @ points / near.sum(1, keepdims=True)

    def fixed(points: np.ndarray) -> np.ndarray:
        return np.round(((points - origin) * (height / 80) + width + height // 4) * 16).astype(np.int32)

    canvas = np.zeros(fixed(points).max(0)[::-1] // 16 + round(width + height // 4), np.uint8)
    points, thickness = fixed(points), max(1, round(width))
    for contour in cv2.findContours(blots(ink, lines), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
        cv2.fillPoly(canvas, [fixed(contour)], 255, cv2.LINE_AA, 4)
        cv2.polylines(canvas, [fixed(contour)], True, 255, thickness, cv2.LINE_AA, 4)
    for i, j in np.argwhere(np.triu(near)):
        cv2.line(canvas, points[i], points[j], 255, thickness, cv2.LINE_AA, 4)
    return cut(canvas.astype(np.float32) / 255)


def inked(image: np.ndarray) -> np.ndarray:
    """A digit of four times the size, uint8 (112, 112), 1 where there is ink, at a level that keeps thin joins."""
    large = cv2.resize(image, (112, 112), interpolation=cv2.INTER_CUBIC)
    return (cv2.GaussianBlur(large, (0, 0), 1) > 102).astype(np.uint8)


def blots(ink: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Where the ink is half as wide again as is usual along its centre ``lines``, less half a usual width: uint8."""
    inside = cv2.distanceTransform(ink, cv2.DIST_L2, 5)
    usual = np.median(inside[lines])
    beyond = cv2.distanceTransform((inside < 1.5 * usual).astype(np.uint8), cv2.DIST_L2, 5)
    return (beyond < usual / 2).astype(np.uint8)


def thinned(ink: np.ndarray) -> np.ndarray:
    """The centre lines of ink, uint8 (height, width), by Zhang and Suen (1984): bool."""
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
    return pen(image, height, max(1.0, height * rng.uniform(0.006, 0.02)))


def some_pen(image: np.ndarray, height: int, rng: Generator) -> np.ndarray:
    """Strokes from a ballpoint's to a brush's."""
    kind = rng.integers(4)
    if kind < 2:
        return pen(image, height, max(1.5, height * rng.uniform(0.025, 0.08)))
    return (natural, thick)[kind - 2](image, height, rng)


def edge(distance: np.ndarray) -> np.ndarray:
    """Ink that ends where the signed distance, in pixels, is 0, with an edge one pixel wide."""
    return np.clip(distance + 0.5, 0, 1).astype(np.float32)


def cut(ink: np.ndarray) -> np.ndarray:
    left, top, width, height = cv2.boundingRect((ink > 0.02).astype(np.uint8))
    return ink[top : top + height, left : left + width]


def placed(ink: np.ndarray, height: int, width: int, rng: Generator, margin: int = 4) -> np.ndarray:
    """The ink anywhere on a sheet of (height, width), float32, at least ``margin`` from its edges."""
    sheet = np.zeros((height, width), np.float32)
    top = rng.integers(margin, max(margin, height - ink.shape[0] - margin) + 1)
    left = rng.integers(margin, max(margin, width - ink.shape[1] - margin) + 1)
    sheet[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return sheet


def drawn(ink: np.ndarray, dark: float, light: float | np.ndarray) -> np.ndarray:
    """Ink of a grey ``dark`` on paper of a grey ``light``, uint8."""
    return np.clip(np.round(light + (dark - light) * ink), 0, 255).astype(np.uint8)


# Paper and light: float32 (height, width), around 1.


def smooth_noise(height: int, width: int, grain: float, rng: Generator) -> np.ndarray:
    """Noise of mean 0 and deviation 1, even over about ``grain`` pixels."""
    small = rng.standard_normal((int(height / grain) + 4, int(width / grain) + 4), np.float32)
    noise = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return (noise - noise.mean()) / noise.std()


def texture(height: int, width: int, rng: Generator, strength: float = 1.0) -> np.ndarray:
    fibres = sum(smooth_noise(height, width, grain, rng) for grain in (1, 3, 12))
    return 1 + strength * rng.uniform(0.01, 0.025) * fibres


def gradient(height: int, width: int, rng: Generator) -> np.ndarray:
    """Light that falls off from one side, to between a third and three quarters, and a softly lit spot."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1:1:32j, -1:1:32j].astype(np.float32)
    across = (x * np.cos(angle) + y * np.sin(angle)) / 2.8 + 0.5
    spot = np.exp(-((x - rng.uniform(-1, 1)) ** 2 + (y - rng.uniform(-1, 1)) ** 2))
    light = 1 - rng.uniform(0.25, 0.6) * across + rng.uniform(-0.1, 0.1) * spot
    return cv2.resize(light, (width, height), interpolation=cv2.INTER_CUBIC)


def shadow(height: int, width: int, rng: Generator) -> np.ndarray:
    """The shadow of a hand or a phone: a half plane with a more or less soft edge."""
    angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(-0.6, 0.6)
    y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)
    distance = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)) - np.float32(reach)
    softness, depth = rng.uniform(0.01, 0.2), rng.uniform(0.15, 0.45)
    return 1 - np.float32(depth) / (1 + np.exp(np.clip(distance / np.float32(-softness), -50, 50)))


def ruling(height: int, width: int, spacing: float, rng: Generator) -> np.ndarray:
    """Printed lines, ruled or squared, as ink."""
    lines = np.zeros((height, width), np.float32)
    thickness = max(1, round(spacing / rng.uniform(20, 40)))
    for axis, extent in enumerate((height, width)[: rng.integers(1, 3)]):
        for place in np.arange(rng.uniform(0.2, 1) * spacing, extent - thickness, spacing).astype(int):
            lines[(slice(place, place + thickness), slice(None))[:: 1 - 2 * axis]] = 1
    return lines


def tilted(sheet: np.ndarray, rng: Generator, strength: float = 1.0) -> np.ndarray:
    """Seen from a mildly oblique side: corners moved by up to 7 % of the sides, turned by up to 7 degrees."""
    height, width = sheet.shape[:2]
    corners = np.float32([(0, 0), (width, 0), (width, height), (0, height)])
    moved = corners + rng.uniform(-0.07, 0.07, (4, 2)) * (width, height) * strength
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-7, 7) * strength, 1)
    moved = moved @ turn[:, :2].T + turn[:, 2]
    warp = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return cv2.warpPerspective(sheet, warp, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def camera(picture: np.ndarray, rng: Generator) -> np.ndarray:
    """A little out of focus, noise of the sensor, JPEG."""
    blurred = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.3)).astype(np.float32)
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(2, 7))
    noisy = np.clip(blurred + noise, 0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 75))])[1], -1)


# The kinds of pictures: each from a digit, uint8 (28, 28), to a picture, uint8 (height, width) or (height, width, 4).


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
    return drawn(placed(some_pen(image, height, rng), side, side, rng), rng.integers(190, 256), board)


def off_centre_and_small(image: np.ndarray, rng: Generator) -> np.ndarray:
    side = int(rng.integers(280, 1000))
    height = max(24, round(side * rng.uniform(0.06, 0.15)))
    return drawn(placed(some_pen(image, height, rng), side, side, rng), rng.integers(0, 80), rng.integers(225, 256))


def gradient_and_texture(image: np.ndarray, rng: Generator) -> np.ndarray:
    height = int(rng.integers(100, 400))
    side = round(height * rng.uniform(1.3, 2.5))
    paper = rng.integers(200, 256) * gradient(side, side, rng) * texture(side, side, rng)
    return drawn(placed(some_pen(image, height, rng), side, side, rng) * rng.uniform(0.5, 0.85), 0, paper)


def perspective_and_jpeg(image: np.ndarray, rng: Generator) -> np.ndarray:
    height = int(rng.integers(100, 400))
    side = round(height * rng.uniform(1.5, 2.5))
    ink = tilted(placed(some_pen(image, height, rng), side, side, rng, side // 8), rng)
    return camera(lit(ink, rng), rng)


def lit(ink: np.ndarray, rng: Generator) -> np.ndarray:
    """Ink on paper in uneven light with a shadow, uint8."""
    side = ink.shape
    paper = rng.integers(190, 256) * gradient(*side, rng) * shadow(*side, rng) * texture(*side, rng)
    return drawn(ink * rng.uniform(0.55, 0.85), 0, paper)


def ruled_paper(image: np.ndarray, rng: Generator) -> np.ndarray:
    height = int(rng.integers(100, 400))
    rows, columns = (round(height * rng.uniform(1.5, 3)) for _ in range(2))
    lines = ruling(rows, columns, height * rng.uniform(0.25, 1.2), rng) * rng.uniform(0.15, 0.5)
    ink = placed(some_pen(image, height, rng), rows, columns, rng)
    return drawn(np.maximum(ink, lines), rng.integers(0, 80), rng.integers(225, 256))


def alpha(image: np.ndarray, rng: Generator) -> np.ndarray:
    """Strokes of any one colour on a transparent sheet of 32 pixels or more."""
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
    ink = placed(some_pen(image, height, rng), rows, columns, rng, min(rows, columns) // 8)
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
    """A digit, uint8 (28, 28), as one of KINDS: uint8 (height, width), or (height, width, 4) with alpha."""
    return KINDS[kind](image, np.random.default_rng([seed, *kind.encode()]))


def page(images: np.ndarray, labels: np.ndarray, seed: int, redrawn: bool = False) -> Page:
    """4 to 12 separate digits out of ``images``, uint8 (n, 28, 28), in one to three lines, on even or uneven paper.

    With the strokes that they have, or ``redrawn``, with a pen along their centre lines, which makes other digits of
    some: of a 9 whose loop is full, say, a 7.
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
    """By turns an empty page, noise, and two letters unlike any digit: uint8 (height, width)."""
    rng = np.random.default_rng([seed, 5])
    side = int(rng.integers(100, 400))
    what = seed % 4
    if what == 0:
        paper = np.full((side, side), rng.choice([0.0, 20.0, 230.0, 255.0]))
        return drawn(np.zeros_like(paper), 0, paper) if rng.random() < 0.4 else camera(lit(paper * 0, rng), rng)
    if what == 1:
        return noise(side, rng)
    ink = letter(rng.choice(list(UNLIKE_DIGITS)), round(side * 0.6), str(rng.choice(FONTS)))
    return drawn(placed(ink, side, side, rng), rng.integers(0, 80), rng.integers(225, 256))


def noise(side: int, rng: Generator) -> np.ndarray:
    """Of pixels, of blots, or of scribbled lines."""
    kind = rng.integers(3)
    if kind == 0:
        return rng.integers(0, 256, (side, side), dtype=np.uint8)
    if kind == 1:
        return drawn(smooth_noise(side, side, side / rng.uniform(3, 12), rng) > rng.uniform(0.3, 1), 0, 255)
    canvas = np.zeros((side, side), np.uint8)
    points = rng.integers(0.2 * side, 0.8 * side, (rng.integers(6, 15), 1, 2), dtype=np.int32)
    cv2.polylines(canvas, [points], False, 255, int(rng.integers(2, side // 15)), cv2.LINE_AA)
    return drawn(canvas.astype(np.float32) / 255, 0, 255)


def letter(text: str, size: int, font: str) -> np.ndarray:
    """A letter as ink, in one of matplotlib's fonts."""
    face = typeface(font, size)
    canvas = Image.new("L", (3 * size, 3 * size))
    ImageDraw.Draw(canvas).text((size, size), text, 255, face)
    return cut(np.asarray(canvas, np.float32) / 255)


@cache
def typeface(font: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(get_data_path(), f"fonts/ttf/{font}.ttf"), size)


def png(picture: np.ndarray) -> io.BytesIO:
    """The picture as a file, which is how a reader gets it."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=0)
    file.seek(0)
    return file
