import cv2
import numpy as np
import pytest
from sklearn.datasets import load_digits
from support.sketches import SEVEN, one_seven, sheet

from mnist_mlp.pictures.digits import digits_in
from mnist_mlp.pictures.mnist_form import MAX_STROKE, MIN_STROKE, is_framed, mnist_image


def test_an_image_framed_as_mnists_is_returned_unchanged():
    assert (digits_in(SEVEN, several=False)[0].image == SEVEN).all()
    assert (digits_in(SEVEN)[0].image == SEVEN).all()
    assert not (digits_in(np.roll(SEVEN, 2, 1), several=False)[0].image == np.roll(SEVEN, 2, 1)).all()


@pytest.mark.parametrize("side", ["left", "top", "right", "bottom"])
def test_ink_that_is_heavy_at_one_side_is_framed_too(side):
    ink = np.zeros((200, 200), np.float32)
    ink[:, :4] = ink[98:102] = 1  # a long line, and one that leads to it
    ink[:, :30] = 1
    turned = np.rot90(ink, ["left", "bottom", "right", "top"].index(side))
    image = mnist_image(turned)
    assert is_framed(image) and not is_framed(np.roll(image, (1, 1), (0, 1)))


@pytest.mark.parametrize("thickness", [1, 3, 8, 16, 24])
def test_strokes_get_the_width_of_mnists(thickness):
    image = digits_in(one_seven(thickness=thickness))[0].image
    large = cv2.resize(image, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    mask = (large > 127).astype(np.uint8)
    width = 4 * cv2.distanceTransform(mask, cv2.DIST_L2, 5)[mask > 0].mean() / 8
    assert MIN_STROKE - 0.25 < width < MAX_STROKE + 0.5


def test_a_thin_part_of_a_thick_digit_stays():
    """The stem of this 9, drawn with a brush, is a quarter as wide as the strokes of its head."""
    picture = sheet()
    cv2.ellipse(picture, (150, 80), (30, 30), 0, 0, 360, 0, 36, cv2.LINE_AA)
    cv2.line(picture, (182, 80), (182, 190), 0, 8, cv2.LINE_AA)
    image = digits_in(picture)[0].image
    assert np.ptp(np.flatnonzero((image > 100).any(0))) < 0.8 * np.ptp(np.flatnonzero((image > 100).any(1)))


def test_size_centre_of_mass_and_grey_levels():
    for image in load_digits().images[:30]:
        digit = digits_in((image * 15.9).astype(np.uint8), several=False)[0].image
        rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        x, y = digit.sum(0) @ np.arange(28) / digit.sum(), digit.sum(1) @ np.arange(28) / digit.sum()
        assert abs(x - 14) < 0.6
        assert abs(y - 14) < 0.6
        assert digit.max() == 255
        assert ((digit > 0) & (digit < 255)).mean() > 0.03  # grey edges


@pytest.mark.parametrize("width", range(1, 60, 6))
def test_a_stroke_drawn_with_a_ruler(width):
    """It is two or three pixels wide in MNIST's form, and cv2.moments takes two for the points of a contour."""
    paper = np.full((300, 200), 255, np.uint8)
    paper[50:250, 90 : 90 + width] = 0
    (digit,) = digits_in(paper)
    rows, columns = np.nonzero(digit.image > 100)
    assert rows.min() + 27 - rows.max() == 8
    assert abs(columns.mean() - 13.5) <= 1


def test_without_ink_there_is_no_image():
    assert mnist_image(np.zeros((50, 40), np.float32)) is None
