import cv2
import numpy as np
import pytest
from support.sketches import seven

from mnist_mlp.pictures.finding.lattice import segment
from mnist_mlp.pictures.finding.pieces import pieces_of


def as_plain_as_can_be(images: np.ndarray) -> np.ndarray:
    """A network that takes whatever it sees for a 1."""
    return np.tile(np.eye(10)[1], (len(images), 1))


def test_ink_that_was_cut_is_also_tried_whole_however_small_the_pieces_are():
    mask = np.zeros((600, 600), np.uint8)
    cv2.line(mask, (100, 540), (500, 60), 1, 4)
    cv2.ellipse(mask, (470, 90), (30, 30), 0, 0, 360, 1, 4)  # or it would be a straight stroke, which is not cut
    pieces = pieces_of(mask > 0)
    assert len(pieces.pieces) >= 3
    digits = segment(mask.astype(np.float32), pieces, as_plain_as_can_be).digits
    assert [digit.box for digit in digits] == [pieces.hull(list(range(len(pieces.pieces))))]


def test_a_wide_digit_alone_is_not_left_out():
    mask = np.zeros((200, 300), np.uint8)
    cv2.ellipse(mask, (150, 100), (90, 62), 0, 0, 360, 1, 8)
    assert segment(mask.astype(np.float32), pieces_of(mask > 0), as_plain_as_can_be).score > 1


def test_a_digit_in_two_pieces_is_one_where_together_they_are_as_plain_as_each():
    """The pieces' own height is then no measure of how high a digit is."""
    mask = np.zeros((500, 300), np.uint8)
    cv2.line(mask, (150, 40), (150, 220), 1, 8)
    cv2.line(mask, (150, 250), (150, 460), 1, 8)
    assert len(segment(mask.astype(np.float32), pieces_of(mask > 0), as_plain_as_can_be).digits) == 1


@pytest.mark.parametrize("thickness", [8, 16])
def test_a_pen_beside_digits_does_not_make_them_too_small(thickness):
    mask = np.zeros((360, 700), np.uint8)
    for left in (100, 200, 300):
        seven(mask, left, 140, 75, ink=1)
    cv2.line(mask, (520, 20), (620, 340), 1, thickness)
    digits = segment(mask.astype(np.float32), pieces_of(mask > 0), as_plain_as_can_be).digits
    assert sorted(digit.box[3] - digit.box[1] for digit in digits)[:3] == pytest.approx([80] * 3, abs=4)


def test_a_comma_between_digits_is_none_of_them():
    mask = np.zeros((200, 400), np.uint8)
    for left in (40, 120, 230):
        seven(mask, left, 60, 80, ink=1)
    cv2.line(mask, (206, 130), (196, 150), 1, 6)
    digits = segment(mask.astype(np.float32), pieces_of(mask > 0), as_plain_as_can_be).digits
    assert len(digits) == 3


@pytest.mark.parametrize(("part", "count"), [(0.99, 2), (0.8, 1)], ids=["digits that touch", "a letter"])
def test_connected_ink_is_several_digits_only_if_they_are_plain(part: float, count: int):
    """The halves of a U or an n resemble a 1, but not as plainly as a 1 does."""

    def network(images: np.ndarray) -> np.ndarray:
        wide = (images.max(1) > 0).sum(1) > 16  # columns with ink: all of it
        return np.tile(np.eye(10)[1], (len(images), 1)) * np.where(wide, 0.2, part)[:, None]

    mask = np.zeros((200, 300), np.uint8)
    for left in (80, 160):
        cv2.ellipse(mask, (left, 100), (20, 60), 0, 0, 360, 1, 6)
    cv2.line(mask, (80, 160), (160, 160), 1, 4)
    pieces = pieces_of(mask > 0)
    assert len(pieces.pieces) > 1
    digits = segment(mask.astype(np.float32), pieces, network).digits
    assert len(digits) == count
    assert (pieces.hull(list(range(len(pieces.pieces)))) == digits[0].box) == (count == 1)
