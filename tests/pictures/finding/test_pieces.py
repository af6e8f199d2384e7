import cv2
import numpy as np
import pytest
from support.sketches import SEVEN, one_seven, ring, seven, sheet, similarity

from mnist_mlp.pictures.digits import digits_in
from mnist_mlp.pictures.finding.pieces import pieces_of


def test_specks_are_not_digits():
    picture = one_seven()
    for x, y in np.random.default_rng(0).integers(5, 195, (20, 2)):
        cv2.circle(picture, (int(x), int(y)), 1, 0, -1)
    assert len(digits_in(picture)) == 1


def test_reading_order_and_boxes_in_the_pictures_pixels():
    """The lower of two lines begins further left, and the digits of a line are not quite level."""
    places = [(120, 30), (230, 44), (340, 26), (40, 180), (150, 170), (260, 188)]
    picture = sheet(300, 450)
    for number in (4, 1, 5, 0, 3, 2):
        (ring if number % 2 else seven)(picture, *places[number], 80)
    digits = digits_in(picture)
    assert len(digits) == 6
    for digit, (left, top) in zip(digits, places):
        assert np.abs(np.subtract(digit.box, (left, top, left + 48, top + 80))).max() <= 5
    assert [similarity(digit.image, SEVEN) > 0.8 for digit in digits] == [True, False, True, False, True, False]


def test_touching_digits_are_cut():
    picture = sheet()
    ring(picture, 60, 50, 90)
    ring(picture, 118, 50, 90)
    assert len(digits_in(picture)) == 2
    assert len(digits_in(picture, several=False)) == 1


@pytest.mark.parametrize("height", [40, 90])
def test_a_wide_digit_is_not_cut(height):
    picture = sheet()
    cv2.ellipse(picture, (150, 100), (round(0.75 * height), height // 2), 0, 0, 360, 0, 5, cv2.LINE_AA)
    assert len(digits_in(picture)) == 1


def test_a_broken_digit_is_joined():
    picture = sheet()
    cv2.line(picture, (110, 50), (150, 50), 0, 6)  # the bar of a 5
    cv2.polylines(picture, [np.array([(104, 62), (104, 95), (145, 95), (145, 140), (104, 140)])], False, 0, 6)
    assert len(digits_in(picture)) == 1
    cv2.line(picture, (220, 50), (220, 92), 0, 6)  # a 1 in two strokes
    cv2.line(picture, (221, 98), (221, 140), 0, 6)
    assert len(digits_in(picture)) == 2


def test_the_bar_of_a_seven_is_joined_across_a_gap():
    picture = sheet()
    seven(picture, 30, 50, 90)  # shows how high digits are
    cv2.line(picture, (110, 50), (160, 50), 0, 6)
    cv2.line(picture, (152, 74), (120, 140), 0, 6)
    assert len(digits_in(picture)) == 2
    assert digits_in(picture)[1].box[1] < 55


@pytest.mark.parametrize(
    "corners", [[(90, 50), (130, 140), (170, 50)], [(80, 50), (110, 140), (140, 70), (170, 140), (200, 50)]]
)
def test_straight_strokes_that_touch_are_a_letter_and_no_row_of_1s(corners):
    picture = sheet()
    cv2.polylines(picture, [np.array(corners)], False, 0, 6, cv2.LINE_AA)
    assert len(pieces_of(picture < 128).pieces) == 1


@pytest.mark.parametrize("serif", [14, 36])
def test_so_are_straight_strokes_with_serifs(serif: int):
    picture = sheet()
    cv2.polylines(picture, [np.array([[100, 20], [150, 160], [200, 20]])], False, 0, 6, cv2.LINE_AA)
    for x in (100, 200):
        cv2.line(picture, (x - serif, 20), (x + serif, 20), 0, 6, cv2.LINE_AA)
    assert len(pieces_of(picture < 128).pieces) == 1
