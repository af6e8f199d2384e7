import cv2
import numpy as np
import pytest
from support.sketches import assert_seven, one_seven

from mnist_mlp.pictures.finding.ruling import remove_ruling


def ruled(height: int = 200, width: int = 300) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    for top in range(20, height - 4, 40):
        mask[top : top + 2] = True
    return mask


def test_lines_go_and_strokes_across_them_stay_whole():
    stroke = np.zeros((200, 300), bool)
    stroke[50:150, 140:150] = True
    assert not remove_ruling(ruled()).any()
    assert (remove_ruling(ruled() | stroke) == stroke).all()


def test_a_single_line_is_a_digit():
    for line in (ruled(60), ruled(60).T.copy()):
        assert line.any()
        assert (remove_ruling(line) == line).all()


def test_a_small_picture_has_no_ruling():
    squared = np.zeros((64, 64), bool)
    squared[10::20] = squared[:, 10::20] = True
    assert (remove_ruling(squared[:63, :63]) == squared[:63, :63]).all()
    assert not remove_ruling(squared).any()


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("tilt", [0.0, 0.04])
@pytest.mark.parametrize("several", [True, False])
def test_ruled_paper(squared, tilt, several):
    picture = one_seven(thickness=8)
    for place in range(-200, 500, 38):
        cv2.line(picture, (0, place), (299, round(place + 299 * tilt)), 40, 2, cv2.LINE_AA)
        if squared:
            cv2.line(picture, (place, 0), (round(place - 199 * tilt), 199), 40, 2, cv2.LINE_AA)
    assert_seven(picture, several)


def test_lines_behind_a_thick_digit_that_hides_half_of_them_go():
    mask = np.zeros((300, 300), np.uint8)
    cv2.ellipse(mask, (150, 150), (50, 50), 0, 0, 360, 1, 70)
    digit = mask > 0
    cv2.line(mask, (0, 190), (299, 190), 1, 2)
    cv2.line(mask, (110, 0), (110, 299), 1, 2)
    assert np.count_nonzero(remove_ruling(mask > 0) & ~digit) < 0.02 * np.count_nonzero(digit)
