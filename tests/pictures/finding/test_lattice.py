"""A network that knows only MNIST's form of a 7 and of a 0 decides on pieces of ink."""

import cv2
import numpy as np
import pytest
from support.sketches import SEVEN, ring, seven, sheet, similarity

from mnist_mlp.pictures.digits import Digit, digits_in


def drawn_alone(draw) -> np.ndarray:
    picture = sheet()
    draw(picture, 100, 50, 90)
    return digits_in(picture)[0].image


KNOWN = [drawn_alone(ring), SEVEN]


def probabilities(images: np.ndarray) -> np.ndarray:
    """As plain as an image is like one of those that are known; others are no digit."""
    alike = np.array([[similarity(image, known) for known in KNOWN] for image in images])
    return np.clip(3 * alike - 1.9, 0.1, 0.99)


def read(picture: np.ndarray) -> str:
    return "".join("07"[probabilities(digit.image[None])[0].argmax()] for digit in found(picture))


def found(picture: np.ndarray) -> list[Digit]:
    return digits_in(picture, probabilities=probabilities)


def test_digits_of_different_sizes():
    picture = sheet(300, 500)
    seven(picture, 40, 50, 200, thickness=10)
    ring(picture, 220, 60, 66)
    seven(picture, 320, 180, 66)
    assert read(picture) == "707"


@pytest.mark.parametrize("overlap", [0, 3, 6])
def test_touching_digits_are_cut(overlap):
    picture = sheet()
    ring(picture, 60, 50, 90)
    ring(picture, 116 - overlap, 50, 90)
    assert read(picture) == "00"


def test_a_digit_in_pieces_is_one():
    picture = sheet()
    seven(picture, 100, 50, 90)
    picture[70:76] = picture[:, 124:128] = picture[110:114] = 255
    assert read(picture) == "7"


def test_a_frame_is_no_digit():
    picture = sheet(200, 400)
    cv2.rectangle(picture, (60, 20), (330, 170), 0, 3)
    cv2.line(picture, (195, 20), (195, 170), 0, 3)
    seven(picture, 100, 50, 90)
    ring(picture, 235, 50, 90)
    assert read(picture) == "70"


def test_an_underline_is_no_digit():
    picture = sheet(200, 400)
    cv2.line(picture, (60, 150), (330, 152), 0, 4)
    seven(picture, 100, 50, 90)
    ring(picture, 235, 50, 90)
    assert read(picture) == "70"


def test_scribbles_beside_digits_are_dropped():
    picture = sheet(200, 400)
    seven(picture, 60, 50, 90)
    cv2.polylines(picture, [np.array([(200, 40), (260, 150), (330, 40), (200, 110), (350, 120)])], False, 0, 5)
    assert read(picture) == "7"


def test_what_nobody_can_read_is_one_digit():
    picture = sheet()
    cv2.polylines(picture, [np.array([(100, 40), (160, 150), (230, 40), (100, 110), (250, 120)])], False, 0, 5)
    assert len(found(picture)) == 1
