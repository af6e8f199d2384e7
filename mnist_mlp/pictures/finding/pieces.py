"""Connected ink, cut where digits may touch: the pieces of which digits are made."""

from typing import NamedTuple

import cv2
import numpy as np

from mnist_mlp.pictures.geometry import bounds, distance_to_edge

MIN_PIECE = 8  # px, longer side after resizing: anything smaller is a speck
MAX_PIECES = 500  # the largest are kept: only noise has more
CUT_ASPECT = 0.7  # width over height from which on a piece may be two digits that touch
MAX_CUTS = 8  # of one piece
STRAIGHT = 1.2  # length of a straight stroke, at most, in diagonals of its box
STRAIGHT_PART = 1.4  # the same of a part that a cut leaves, with the foot or serif that it may have


class Piece(NamedTuple):
    """Connected ink, or a part of it: its box in pixels, how long its strokes are, and which ink it was cut from."""

    left: int
    top: int
    right: int  # exclusive, as is bottom
    bottom: int
    length: float  # px, of its strokes
    whole: int  # label of the connected ink

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self[:4]


class Pieces(NamedTuple):
    """The pieces of a picture's ink, from the left."""

    pieces: list[Piece]
    places: np.ndarray  # the piece of each pixel, int32 (height, width), -1 for none
    boxes: np.ndarray  # of the pieces, int (pieces, 4)
    cropped: bool  # whether the ink reaches at least three edges of the picture
    gaps: np.ndarray  # px between the boxes of each two pieces, float (pieces, pieces); 0 where one was cut in two

    @property
    def lengths(self) -> np.ndarray:
        """Of each piece's strokes, px, float (pieces,)."""
        return np.array([piece.length for piece in self.pieces])

    def hull(self, own: list[int]) -> tuple[int, int, int, int]:
        """Returns the box around some of the pieces."""
        left, top = self.boxes[own, :2].min(0).tolist()
        right, bottom = self.boxes[own, 2:].max(0).tolist()
        return left, top, right, bottom


def pieces_of(mask: np.ndarray) -> Pieces:
    """Finds the pieces of ink in a mask, bool (height, width)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    extents = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1, initial=0)
    speck = max(MIN_PIECE - 1, 0.1 * weighted_median(extents, stats[1:, cv2.CC_STAT_AREA]))
    large = [int(label) for label in 1 + np.argsort(-extents) if extents[label - 1] > speck][:MAX_PIECES]
    heights = stats[large, cv2.CC_STAT_HEIGHT]
    usual = weighted_median(heights, heights)
    inside = distance_to_edge(mask.astype(np.uint8))
    numbers, pieces = np.full(labels.shape, -1, np.int32), list[Piece]()
    for label in large:
        left, top, width, height, _ = stats[label].tolist()
        window = slice(top, top + height), slice(left, left + width)
        own = labels[window] == label
        stroke = max(1.0, 4 * float(inside[window][own].mean()))
        columns = cuts(own, usual) if width > CUT_ASPECT * max(height, usual) else []
        if columns and all(
            is_straight(part.sum() / stroke, bounds(part), STRAIGHT_PART) for part in np.split(own, columns, axis=1)
        ):
            columns = []  # a V, an N or a W
        for start, end in zip([0, *columns], [*columns, width]):
            part = own[:, start:end]
            x, y, x2, y2 = bounds(part)
            if x2 > x:
                numbers[window][:, start:end][part] = len(pieces)
                box = left + start + x, top + y, left + start + x2, top + y2
                pieces.append(Piece(*box, float(part.sum()) / stroke, label))
    order = sorted(range(len(pieces)), key=lambda number: pieces[number].left)
    places = np.full(len(pieces) + 1, -1, np.int32)
    places[order] = np.arange(len(pieces))
    pieces = [pieces[number] for number in order]
    boxes = np.array([piece.box for piece in pieces], int).reshape(-1, 4)
    edges = [boxes[:, 0] <= 1, boxes[:, 1] <= 1, boxes[:, 2] >= mask.shape[1] - 1, boxes[:, 3] >= mask.shape[0] - 1]
    return Pieces(pieces, places[numbers], boxes, sum(edge.any() for edge in edges) >= 3, gaps_between(pieces, boxes))


def is_straight(length: float, box: tuple[int, int, int, int], limit: float = STRAIGHT) -> bool:
    """Tells whether strokes of a length in pixels, under `limit` diagonals of their box, are one straight stroke."""
    left, top, right, bottom = box
    return length < limit * float(np.hypot(right - left, bottom - top))


def gaps_between(pieces: list[Piece], boxes: np.ndarray) -> np.ndarray:
    """Returns the distance in pixels between the boxes of each two pieces, float; 0 where one was cut in two."""
    left, top, right, bottom = boxes.astype(float).T
    across = np.maximum(left[:, None], left) - np.minimum(right[:, None], right)
    down = np.maximum(top[:, None], top) - np.minimum(bottom[:, None], bottom)
    whole = np.array([piece.whole for piece in pieces])
    return np.where(whole[:, None] == whole, 0, np.maximum(np.maximum(across, down), 0))


def cuts(own: np.ndarray, usual: float) -> list[int]:
    """Returns the columns at which connected ink, bool (height, width), may be two digits: a thin stroke joins them.

    usual: the picture's usual height of a digit, px.
    """
    height, width = own.shape
    thickness = own.sum(0)
    strokes = (np.diff(own.astype(np.int8), axis=0, prepend=0) == 1).sum(0)
    margin = 0.15 * min(height, usual)
    columns = np.arange(width)
    possible = (columns > margin) & (columns < width - margin) & (strokes == 1) & (thickness < 0.4 * height)
    chosen: list[int] = []
    for column in sorted(np.flatnonzero(possible), key=lambda column: thickness[column]):
        if all(abs(column - other) > 0.3 * min(height, usual) for other in chosen):
            chosen.append(int(column))
    return sorted(chosen[:MAX_CUTS])


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """Returns the weighted median, 0 of no values."""
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, cumulative[-1] / 2)]) if len(values) else 0.0
