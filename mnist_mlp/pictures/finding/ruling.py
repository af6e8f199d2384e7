"""Printed lines removed from ink: ruled and squared paper."""

from typing import Any

import cv2
import numpy as np

from mnist_mlp.pictures.geometry import distance_to_edge, edges_reached, shrink_to

RULING_SIDE = 400  # px, longer side at which lines are looked for: enough to show them, and fast
MIN_COVERED = 0.75  # of a line that ink covers
MIN_RULED_SIDE = 64  # px: a smaller picture shows a digit and no paper


def remove_ruling(mask: np.ndarray, ends: bool = True) -> np.ndarray:
    """Returns the ink without printed lines that run through the picture, with the strokes across them whole.

    A single line that is all the ink is kept: it is taken for a 1.

    Args:
        mask: Where there is ink, bool (height, width).
        ends: Whether what is left at the edges of the picture is removed, too.
    """
    if max(mask.shape) < MIN_RULED_SIDE or sum(edges_reached(mask)) < 2:
        return mask
    rest = remove_level_lines(mask.T)[0].T
    rest, count = remove_level_lines(np.ascontiguousarray(rest))
    ink = np.count_nonzero(mask)
    removed = ink - np.count_nonzero(rest)
    if removed == 0 or (count <= 1 and removed > 0.9 * ink):
        return mask
    return remove_line_ends(rest) if ends else rest


def remove_line_ends(mask: np.ndarray) -> np.ndarray:
    """Removes components at the picture's edge, unless one is most of the ink: ends of lines that cut a corner."""
    labels: Any
    stats: Any
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    at_edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    kept = np.ones(len(stats), bool)
    kept[at_edge] = stats[at_edge, cv2.CC_STAT_AREA] > mask.sum() / 2
    kept[0] = False
    return kept[labels]


def remove_level_lines(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Removes thin, nearly level lines between two edges; returns the rest of the ink, bool, and the lines' number."""
    small = shrink_to(mask.astype(np.uint8) * 255, RULING_SIDE)
    small = cv2.threshold(small, 50, 1, cv2.THRESH_BINARY)[1]
    if not crossing(small, 0.3, 0).any():
        return mask, 0
    lines = level_lines(cv2.dilate(small, np.ones((3, 1), np.uint8)))
    region = cv2.resize(cv2.dilate(lines, np.ones((3, 1), np.uint8)), mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
    region = (region > 0) & mask
    if not region.any():
        return mask, 0
    tall = round(6 * distance_to_edge(region.astype(np.uint8))[region].mean()) + 2  # 1.5 times a line's thickness
    column = np.ones((tall, 1), np.uint8)
    strokes = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, column) > 0
    removed = region & ~strokes
    rest = mask & ~removed
    bridged = cv2.morphologyEx(rest.astype(np.uint8), cv2.MORPH_CLOSE, column) > 0
    return rest | (bridged & removed), cv2.connectedComponents(lines)[0] - 1


def crossing(mask: np.ndarray, min_width: float, slack: int) -> np.ndarray:
    """Returns the components of a mask, uint8, that run from edge to edge, or over 85 % of its width: bool.

    From edge to edge means within `slack` pixels of two edges and over a fraction `min_width` of the mask's width.
    """
    rows, columns = mask.shape
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    left, top, width, height, _ = stats.T
    edges = [left <= slack, top <= slack, left + width >= columns - slack, top + height >= rows - slack]
    through = (width > 0.85 * columns) | ((np.sum(edges, 0) >= 2) & (width > min_width * columns))
    through[0] = False
    return through[labels]


def level_lines(mask: np.ndarray) -> np.ndarray:
    """Returns the thin lines of a mask, uint8, that run from edge to edge within 10 degrees of the horizontal: uint8.

    The mask is sheared by each slope, then opened and closed by level segments (Serra 1982), which bridges what
    strokes hide.
    """
    height, width = mask.shape
    thin = mask & cv2.bitwise_not(
        cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((max(3, height // 30) + 3, 1), np.uint8))
    )
    run, gap = max(5, width // 20), 3 * width // 5  # px
    margin = round(0.09 * width) + 1  # px, for what the shear moves up or down
    lines = np.zeros_like(mask)
    for slope in np.arange(-0.18, 0.19, 0.02):
        shear = np.array([[1, 0, gap], [slope, 1, margin - slope * width / 2]])
        line = cv2.warpAffine(thin, shear, (width + 2 * gap, height + 2 * margin), flags=cv2.INTER_NEAREST)
        line = closed_and_opened(closed_and_opened(line, run // 2, run), gap, max(run, width // 7))
        if line.any():
            ink = cv2.warpAffine(mask, shear, (line.shape[1], line.shape[0]), flags=cv2.INTER_NEAREST)
            line = covered(line, cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, run // 2), np.uint8)))
        if line.any():
            line = cv2.warpAffine(line, shear, (width, height), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
            lines |= crossing(line, 0.15, 3).astype(np.uint8)
    return lines & mask


def closed_and_opened(mask: np.ndarray, gap: int, length: int) -> np.ndarray:
    """Bridges level gaps in a mask, uint8, of less than `gap` pixels, then drops what is shorter than `length`."""
    for operation, extent in ((cv2.MORPH_CLOSE, gap), (cv2.MORPH_OPEN, length)):
        mask = cv2.morphologyEx(mask, operation, np.ones((1, extent), np.uint8))
    return mask


def covered(lines: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Returns the lines, uint8, of which ink covers MIN_COVERED: strokes in a row are no line."""
    labels: Any
    count, labels = cv2.connectedComponents(lines)
    near = cv2.dilate(ink, np.ones((3, 1), np.uint8)).ravel()
    shares = np.bincount(labels.ravel(), near, count) / np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    shares[0] = 0
    return (shares >= MIN_COVERED)[labels].astype(np.uint8)
