"""Boxes around digits: fields of forms, cells of tables and grids, frames."""

from typing import Any, NamedTuple

import cv2
import numpy as np

from mnist_mlp.pictures.geometry import bounds, edges_reached

GAP = 0.003  # of the picture's longer side: gaps in the lines of a box that are closed
MIN_RECTANGLE = 0.83  # of the smallest rectangle around it, the part that a box fills: a circle fills 0.79
MIN_OVAL = 0.72  # the same of a circle around digits
MIN_CIRCLED = 0.4  # of a circle's shorter side: the extent of connected ink in it
MIN_HELD, MIN_DIGIT = 0.25, 16  # of a box's shorter side, and px: the extent of the ink in it
RIM = 0.06  # of a box's shorter side: ink no further from its edge is a part of its lines
CORE = 0.2  # of a box's shorter side: connected to its lines and further from its edge, ink is a digit
BAND, MAX_COVERED = 0.2, 0.75  # of a box's shorter side; of a band that wide around it, the part its lines cover
THROUGH = 0.8  # of a box's width: connected to its lines and wider, ink is a part of the form


class Box(NamedTuple):
    """A closed box with ink in it."""

    outline: np.ndarray  # convex, int32 (n, 1, 2)
    window: tuple[slice, slice]
    ink: np.ndarray  # in the window, bool
    frame: int  # label of the ink around it
    touched: bool  # whether the ink in it is connected to the ink around it


def boxed(mask: np.ndarray) -> np.ndarray | None:
    """Returns the ink in the innermost boxes without their lines, bool, None if there is no box with ink in it.

    Several boxes are a form or a table, and the ink around them is its text. The ink around a single one is kept. Where
    most are empty, and the ink in the others touches them, it was written across squared paper.

    Args:
        mask: Where there is ink, bool (height, width).
    """
    square = np.ones((round(GAP * max(mask.shape)) | 1,) * 2, np.uint8)
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, square)
    contours, tree = cv2.findContours(closed, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    is_hole = [parent >= 0 for parent in tree[0, :, 3]] if contours else []
    outlines = [o for contour, hole in zip(contours, is_hole) if hole and (o := outline_of(contour)) is not None]
    if not outlines:
        return None
    labels: Any = cv2.connectedComponents(closed, connectivity=8)[1]
    boxes = [box for outline in outlines if (box := box_in(outline, labels))]
    inner = [box for box in boxes if not any(surrounds(box, other) for other in boxes)]
    if not inner:
        return None
    mostly_touched = 2 * sum(box.touched for box in inner) > len(inner)
    if mostly_touched and (len(outlines) > 2 * len(inner) or runs_through(np.isin(labels, [b.frame for b in inner]))):
        return None
    if len(inner) == 1:
        rest = mask & ~np.isin(labels, [box.frame for box in boxes])
    else:
        rest = mask & within({box.frame for box in inner}, labels)
    for box in inner:
        rest[box.window] |= mask[box.window] & box.ink
    return rest


def runs_through(mask: np.ndarray) -> bool:
    """Tells whether a mask, bool (height, width), reaches two opposite edges of the picture."""
    left, top, right, bottom = edges_reached(mask)
    return (left and right) or (top and bottom)


def within(frames: set[int], labels: np.ndarray) -> np.ndarray:
    """Returns what lies in the rectangles around some connected ink, without that ink itself, bool (height, width)."""
    region = np.zeros(labels.shape, np.uint8)
    for frame in frames:
        points: Any = cv2.findNonZero((labels == frame).astype(np.uint8))
        cv2.fillConvexPoly(region, np.round(cv2.boxPoints(cv2.minAreaRect(points))).astype(np.int32), 1)
    return (region > 0) & ~np.isin(labels, list(frames))


def outline_of(hole: np.ndarray) -> np.ndarray | None:
    """Returns the convex outline of a hole in ink if it is about a rectangle or an oval, None otherwise."""
    if min(cv2.boundingRect(hole)[2:]) < MIN_DIGIT:
        return None
    outline = cv2.convexHull(hole)
    return outline if fills(outline, MIN_OVAL) else None


def fills(outline: np.ndarray, part: float) -> bool:
    """Tells whether an outline has at least a part of the area of the smallest rectangle around it."""
    width, height = cv2.minAreaRect(outline)[1]
    return cv2.contourArea(outline) > part * width * height


def box_in(outline: np.ndarray, labels: np.ndarray) -> Box | None:
    """Returns the box with an outline, None if there is no ink in it.

    Args:
        outline: Of a hole in ink, its points on the ink around it.
        labels: Of connected ink, int32 (height, width), 0 for paper.
    """
    left, top, width, height = cv2.boundingRect(outline)
    window = slice(top, top + height), slice(left, left + width)
    inside = cv2.fillConvexPoly(np.zeros((height + 2, width + 2), np.uint8), outline - (left - 1, top - 1), 1)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1]
    x, y = outline[0, 0]
    frame, own, side = int(labels[y, x]), labels[window], min(width, height)
    if not has_thin_lines(outline, labels, frame):
        return None
    ink = (own > 0) & (own != frame) & (depth > 0)
    if not fills(outline, MIN_RECTANGLE) and largest(ink) < MIN_CIRCLED * side:  # specks in a digit's loop
        return None
    free = extent(ink)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(((own == frame) & (depth > RIM * side)).astype(np.uint8))
    deep = np.unique(parts[depth > CORE * side])
    ends = stats[:, cv2.CC_STAT_WIDTH] < THROUGH * width
    ink |= np.isin(parts, [part for part in deep if part and ends[part]])
    held = extent(ink)
    return Box(outline, window, ink, frame, free < held / 2) if held > max(MIN_HELD * side, MIN_DIGIT) else None


def has_thin_lines(outline: np.ndarray, labels: np.ndarray, frame: int) -> bool:
    """Tells whether the ink around a hole is thin for its size, as the lines of a box are and a digit's loop is not."""
    left, top, width, height = cv2.boundingRect(outline)
    reach = round(BAND * min(width, height))
    x, y = left - reach, top - reach
    inside = np.zeros((height + 2 * reach, width + 2 * reach), np.uint8)
    cv2.fillConvexPoly(inside, outline - (x, y), 1)
    band = cv2.dilate(inside, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) - inside
    own = labels[max(0, y) : top + height + reach, max(0, x) : left + width + reach] == frame
    seen = band[max(0, -y) :, max(0, -x) :][: own.shape[0], : own.shape[1]]
    return bool(np.count_nonzero(own & (seen > 0)) < MAX_COVERED * np.count_nonzero(band))


def surrounds(box: Box, other: Box) -> bool:
    """Tells whether a box has another in it."""
    x, y = other.outline.mean((0, 1)).tolist()
    inside = cv2.pointPolygonTest(box.outline, (x, y), False) > 0
    return inside and cv2.contourArea(box.outline) > cv2.contourArea(other.outline)


def largest(mask: np.ndarray) -> int:
    """Returns the longest side in pixels of the boxes around connected pixels that are set in a mask, 0 if none is."""
    stats = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)[2]
    return int(stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(initial=0))


def extent(mask: np.ndarray) -> int:
    """Returns the longer side in pixels of the box around the pixels that are set in a mask."""
    left, top, right, bottom = bounds(mask)
    return max(right - left, bottom - top)
