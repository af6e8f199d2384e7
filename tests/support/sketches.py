"""Pages, uint8 (height, width), with digits drawn in a few lines, and what a 7 looks like in MNIST's form."""

import cv2
import numpy as np

from mnist_mlp.pictures.digits import digits_in


def sheet(height: int = 200, width: int = 300) -> np.ndarray:
    return np.full((height, width), 255, np.uint8)


def seven(picture: np.ndarray, left: int, top: int, height: int, thickness: int = 6, ink: int = 0) -> None:
    """Draws a 7, about 0.6 times as wide as it is high."""
    right = left + round(0.6 * height)
    points = np.array([(left, top), (right, top), ((left + right) // 2, top + height)])
    cv2.polylines(picture, [points], False, ink, thickness, cv2.LINE_AA)


def ring(picture: np.ndarray, left: int, top: int, height: int, thickness: int = 6, ink: int = 0) -> None:
    """Draws a 0, about 0.6 times as wide as it is high."""
    middle, radii = (left + round(0.3 * height), top + height // 2), (round(0.3 * height), height // 2)
    cv2.ellipse(picture, middle, radii, 0, 0, 360, ink, thickness, cv2.LINE_AA)


def one_seven(**options: int) -> np.ndarray:
    picture = sheet()
    seven(picture, 100, 50, 90, **options)
    return picture


def similarity(image: np.ndarray, other: np.ndarray) -> float:
    """Returns the highest correlation of two images if one of them may move by a pixel."""
    moved = [np.roll(image, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return max(float(np.corrcoef(image.ravel(), other.ravel())[0, 1]) for image in moved)


SEVEN = digits_in(one_seven())[0].image


def assert_seven(picture: np.ndarray, several: bool = True, min_similarity: float = 0.9) -> None:
    digits = digits_in(picture, several)
    assert len(digits) == 1, f"{len(digits)} digits"
    assert (found := similarity(digits[0].image, SEVEN)) > min_similarity, f"similarity to a 7: {found:.2f}"
