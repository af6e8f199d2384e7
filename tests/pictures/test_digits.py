import cv2
import numpy as np
import pytest
from support.sketches import SEVEN, one_seven, ring, seven, sheet, similarity

from mnist_mlp.pictures.digits import digits_in


@pytest.mark.parametrize("value", [0, 100, 255])
@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("shape", [(28, 28), (200, 300), (1, 1), (1, 5000), (3000, 2)])
def test_an_empty_page_has_no_digits(value, several, shape):
    assert digits_in(np.full(shape, value, np.uint8), several) == []


def test_boxes_of_a_large_picture():
    picture = cv2.resize(one_seven(), None, fx=20, fy=20, interpolation=cv2.INTER_NEAREST)
    box = digits_in(picture)[0].box
    assert np.abs(np.array(box) / 20 - digits_in(one_seven())[0].box).max() <= 1
    assert all(isinstance(value, int) for value in box)


def test_the_picture_is_left_as_it_is():
    picture = one_seven()
    digits_in(picture)
    digits_in(SEVEN)[0].image[:] = 0
    assert (picture == one_seven()).all()
    assert SEVEN.any()


def test_in_a_drawing_nothing_but_what_is_dark_is_ink(monkeypatch):
    picture = sheet()
    ring(picture, 100, 50, 100, thickness=8)

    def prefers_solid(images: np.ndarray) -> np.ndarray:
        return np.where(images.mean((1, 2)) > 60, 0.99, 0.2)[:, None]

    (ink,) = digits_in(picture)
    monkeypatch.setattr("mnist_mlp.pictures.digits.inks_in", None)  # the ways to see a photo are not even tried
    (digit,) = digits_in(picture, probabilities=prefers_solid, is_drawing=True)
    assert np.abs(np.subtract(digit.box, ink.box)).max() <= 1
    with pytest.raises(TypeError):
        digits_in(picture, probabilities=prefers_solid)


def test_paper_is_not_taken_for_ink_where_the_ink_is_read():
    picture = sheet()
    ring(picture, 100, 50, 100, thickness=8)

    def surer_of_what_is_solid(images: np.ndarray) -> np.ndarray:
        solid = images.mean((1, 2)) > 60
        return np.where(solid, 0.99, 0.8)[:, None]

    digits = digits_in(picture, probabilities=surer_of_what_is_solid)
    assert len(digits) == 1
    assert 90 < digits[0].box[0] < 100


def test_a_faint_line_that_noise_breaks_holds_together_in_a_smaller_picture():
    picture = np.full((1200, 900), 200.0)
    strokes = sheet(1200, 900)
    seven(strokes, 200, 150, 900, thickness=3)
    picture -= (255 - strokes) * (16 / 255)
    picture += np.random.default_rng(0).normal(0, 4, picture.shape)

    def knows_a_seven(images: np.ndarray) -> np.ndarray:
        return np.array([[0.99 if similarity(image, SEVEN) > 0.8 else 0.35] for image in images])

    digits = digits_in(picture.clip(0, 255).astype(np.uint8), probabilities=knows_a_seven)
    assert len(digits) == 1
    assert digits[0].box == pytest.approx((200, 150, 740, 1050), abs=20)


@pytest.mark.parametrize("picture", [np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9)), np.zeros((0, 9), np.uint8), "a"])
def test_another_form_is_refused(picture):
    with pytest.raises(ValueError, match=r"uint8 \(height, width\), as read_picture returns it, and is"):
        digits_in(picture)
