import cv2
import numpy as np

from mnist_mlp.pictures.finding.lattice import segment
from mnist_mlp.pictures.finding.pieces import pieces_of


def as_plain_as_can_be(images: np.ndarray) -> np.ndarray:
    """A network that takes whatever it sees for a 1."""
    return np.tile(np.eye(10)[1], (len(images), 1))


def test_ink_that_was_cut_is_also_tried_whole_however_small_the_pieces_are():
    mask = np.zeros((600, 600), np.uint8)
    cv2.line(mask, (100, 540), (500, 60), 1, 4)
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
