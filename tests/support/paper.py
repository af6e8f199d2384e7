"""Ink on paper, in some light, before a camera."""

import cv2
import numpy as np
from numpy.random import Generator


def placed(ink: np.ndarray, height: int, width: int, rng: Generator, margin: int = 4) -> np.ndarray:
    """Puts ink anywhere on a sheet, float32 (height, width), at least `margin` pixels from its edges."""
    sheet = np.zeros((height, width), np.float32)
    top = rng.integers(margin, max(margin, height - ink.shape[0] - margin) + 1)
    left = rng.integers(margin, max(margin, width - ink.shape[1] - margin) + 1)
    sheet[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return sheet


def drawn(ink: np.ndarray, dark: float, light: float | np.ndarray) -> np.ndarray:
    """Returns a picture, uint8, of ink with grey level `dark` on paper with grey level `light`."""
    return np.clip(np.round(light + (dark - light) * ink), 0, 255).astype(np.uint8)


def lit(ink: np.ndarray, rng: Generator) -> np.ndarray:
    """Returns a picture, uint8, of ink on paper in uneven light with a shadow."""
    side = ink.shape
    paper = rng.integers(190, 256) * gradient(*side, rng) * shadow(*side, rng) * texture(*side, rng)
    return drawn(ink * rng.uniform(0.55, 0.85), 0, paper)


# Factors of the paper's light: float32 (height, width), around 1


def texture(height: int, width: int, rng: Generator, strength: float = 1.0) -> np.ndarray:
    """Returns paper with fibres."""
    fibres = sum(smooth_noise(height, width, grain, rng) for grain in (1, 3, 12))
    return 1 + strength * rng.uniform(0.01, 0.025) * fibres


def gradient(height: int, width: int, rng: Generator) -> np.ndarray:
    """Returns light that falls off from one side, to between a third and three quarters, and a softly lit spot."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1:1:32j, -1:1:32j].astype(np.float32)
    across = (x * np.cos(angle) + y * np.sin(angle)) / 2.8 + 0.5
    spot = np.exp(-((x - rng.uniform(-1, 1)) ** 2 + (y - rng.uniform(-1, 1)) ** 2))
    light = 1 - rng.uniform(0.25, 0.6) * across + rng.uniform(-0.1, 0.1) * spot
    return cv2.resize(light, (width, height), interpolation=cv2.INTER_CUBIC)


def shadow(height: int, width: int, rng: Generator) -> np.ndarray:
    """Returns the shadow of a hand or a phone: a half plane with a more or less soft edge."""
    angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(-0.6, 0.6)
    y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)
    distance = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)) - np.float32(reach)
    softness, depth = rng.uniform(0.01, 0.2), rng.uniform(0.15, 0.45)
    return 1 - np.float32(depth) / (1 + np.exp(np.clip(distance / np.float32(-softness), -50, 50)))


def smooth_noise(height: int, width: int, grain: float, rng: Generator) -> np.ndarray:
    """Returns noise with mean 0 and standard deviation 1 that varies over about `grain` pixels."""
    small = rng.standard_normal((int(height / grain) + 4, int(width / grain) + 4), np.float32)
    noise = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return (noise - noise.mean()) / noise.std()


def ruling(height: int, width: int, spacing: float, rng: Generator) -> np.ndarray:
    """Returns printed lines, ruled or squared, as ink: float32 (height, width)."""
    lines = np.zeros((height, width), np.float32)
    thickness = max(1, round(spacing / rng.uniform(20, 40)))
    for axis, extent in enumerate((height, width)[: rng.integers(1, 3)]):
        for place in np.arange(rng.uniform(0.2, 1) * spacing, extent - thickness, spacing).astype(int):
            lines[(slice(place, place + thickness), slice(None))[:: 1 - 2 * axis]] = 1
    return lines


def tilted(sheet: np.ndarray, rng: Generator, strength: float = 1.0) -> np.ndarray:
    """Returns a mildly oblique view: corners moved by up to 7 % of the sides, turned by up to 7 degrees."""
    height, width = sheet.shape[:2]
    corners = np.float32([(0, 0), (width, 0), (width, height), (0, height)])
    moved = corners + rng.uniform(-0.07, 0.07, (4, 2)) * (width, height) * strength
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-7, 7) * strength, 1)
    moved = moved @ turn[:, :2].T + turn[:, 2]
    warp = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return cv2.warpPerspective(sheet, warp, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def camera(picture: np.ndarray, rng: Generator) -> np.ndarray:
    """Takes a picture, uint8, a little out of focus, with a sensor's noise, as JPEG."""
    blurred = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.3)).astype(np.float32)
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(2, 7))
    noisy = np.clip(blurred + noise, 0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 75))])[1], -1)
