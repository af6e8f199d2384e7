import cv2
import numpy as np
import pytest
from support.sketches import SEVEN, assert_seven, one_seven, ring, seven, sheet, similarity

from mnist_mlp.pictures.digits import digits_in
from mnist_mlp.pictures.finding.cells import boxed


def form(gap: int, thickness: int = 2) -> np.ndarray:
    """A word in front of three 7s in boxes, `gap` pixels between them."""
    picture = sheet(200, 520)
    cv2.putText(picture, "SOLD", (10, 120), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 0, 4, cv2.LINE_AA)
    for left in (180, 280, 380):
        seven(picture, left + 25, 60, 80)
        cv2.rectangle(picture, (left + gap // 2, 40), (left + 100 - gap // 2, 160), 60, thickness)
    return picture


def turned(picture: np.ndarray, degrees: float) -> np.ndarray:
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.8)
    return cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_AREA, borderValue=255)


@pytest.mark.parametrize("gap", [0, 14])
@pytest.mark.parametrize("degrees", [0, 5])
def test_what_is_in_boxes_is_read_and_the_word_beside_them_is_not(gap, degrees):
    digits = digits_in(turned(form(gap), degrees))
    assert len(digits) == 3
    assert all(similarity(digit.image, SEVEN) > 0.75 for digit in digits)


@pytest.mark.parametrize("inset", [0, 4, 20])
@pytest.mark.parametrize("several", [True, False])
def test_a_cell_cut_out_of_a_table(inset, several):
    picture = one_seven()
    cv2.rectangle(picture, (inset, inset), (299 - inset, 199 - inset), 50, 6)
    assert_seven(picture, several)


def test_a_digit_that_touches_its_box_is_kept_and_the_drawing_in_a_box_is_not():
    mask = np.zeros((200, 400), np.uint8)
    for left in (10, 130, 250):
        cv2.rectangle(mask, (left, 20), (left + 120, 180), 1, 3)
    seven(mask, 40, 50, 100, ink=1)
    seven(mask, 160, 80, 100, ink=1)
    cv2.polylines(mask, [np.array([(250, 20), (310, 100), (370, 20)])], False, 1, 3)
    found = boxed(mask > 0)
    assert found is not None
    assert found[50:150, 40:100].sum() == mask[50:150, 40:100].sum()
    assert found[80:168, 160:220].sum() == mask[80:168, 160:220].sum()
    assert not found[:, 245:].any()


def test_digits_that_all_touch_their_boxes_are_kept():
    frames, digits = np.zeros((2, 200, 400), np.uint8)
    for left in (10, 130, 250):
        cv2.rectangle(frames, (left, 20), (left + 120, 180), 1, 3)
        seven(digits, left + 30, 80, 100, ink=1)
    found = boxed((frames | digits) > 0)
    assert found is not None
    assert (found[75:168] == digits[75:168]).all()


def test_the_ink_around_a_single_box_is_kept():
    picture = sheet(200, 400)
    seven(picture, 60, 50, 90)
    seven(picture, 260, 50, 90)
    cv2.rectangle(picture, (230, 20), (350, 180), 60, 2)
    assert len(digits_in(picture)) == 2


def test_only_the_innermost_of_nested_boxes_count():
    picture = sheet(300, 600)
    picture[40:240, 40:560] = form(0)
    cv2.rectangle(picture, (10, 10), (590, 290), 0, 6)
    assert len(digits_in(picture)) == 3


def test_the_loop_of_a_digit_is_no_box():
    mask = np.zeros((200, 300), np.uint8)
    ring(mask, 60, 20, 150, ink=1)
    cv2.rectangle(mask, (180, 40), (260, 160), 1, 5)  # a 0 with corners
    mask[95:103, 216:224] = 1  # a speck in it
    assert boxed(mask > 0) is None


def test_the_loop_of_a_thick_pen_is_no_box():
    mask = np.zeros((200, 300), np.uint8)
    cv2.rectangle(mask, (100, 40), (180, 160), 1, 22)
    mask[85:115, 136:144] = 1  # where the pen was set down
    assert boxed(mask > 0) is None


@pytest.mark.parametrize("first, seven_at", [(20, (60, 50, 180)), (30, (100, 80, 120)), (40, (100, 80, 120))])
def test_a_digit_across_squared_paper_is_in_no_box(first, seven_at):
    picture = sheet(300, 300)
    for place in range(first, 300, 110):
        cv2.line(picture, (place, 0), (place, 299), 0, 2)
        cv2.line(picture, (0, place), (299, place), 0, 2)
    seven(picture, *seven_at)
    assert boxed(picture < 128) is None


@pytest.mark.parametrize("thickness", [2, 5])
@pytest.mark.parametrize("width", [70, 100])
def test_a_circle_around_a_digit_is_no_digit(thickness, width):
    picture = sheet(240, 400)
    seven(picture, 180, 80, 70)
    cv2.ellipse(picture, (200, 115), (width, 70), 0, 0, 360, 60, thickness, cv2.LINE_AA)
    assert_seven(picture)
