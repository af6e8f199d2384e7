"""The table around a sheet of paper: dark, solid, and at the picture's edge."""

from typing import Any

import cv2
import numpy as np

from mnist_mlp.pictures.geometry import edges_reached, shrink_to

TABLE_SIDE = 128  # px, longer side at which the table is looked for: solid there means wider than any stroke
MIN_SIDE = 200  # px: a smaller picture is cut out of a sheet
STROKE = 9  # px at that size, the widest that a stroke is
DARK = 0.6  # of the light of the paper around, at most what a narrow piece of table reflects
RECTANGLE = 0.82  # of the smallest rectangle around a sheet, at least what the sheet fills; an ellipse fills 0.79
STEP = 0.7  # of the light of the paper beside it, at most what a table reflects at its edge


def table_in(picture: np.ndarray) -> np.ndarray | None:
    """Returns where the picture shows no paper but what lies around it, bool (height, width), None for nowhere.

    Args:
        picture: Grey, uint8 (height, width), ink dark on light.
    """
    if max(picture.shape) < MIN_SIDE:
        return None
    small = cv2.medianBlur(shrink_to(picture, TABLE_SIDE), 3)
    dark = cv2.threshold(small, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1]
    extent = TABLE_SIDE // 3 | 1
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((extent, extent), np.uint8))
    dark = cv2.bitwise_or(dark, (small < DARK * paper).astype(np.uint8))
    edge = STROKE  # beyond the picture all is table, so that it is solid there too
    dark = cv2.copyMakeBorder(dark, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    solid = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((STROKE, STROKE), np.uint8))[edge:-edge, edge:-edge]
    _, labels = cv2.connectedComponents(solid)
    at_edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    table = (np.isin(labels, at_edge) & (solid > 0)).astype(np.uint8)
    if not table.any() or table.all():
        return None
    square = np.ones((STROKE, STROKE), np.uint8)
    outside = (cv2.dilate(table, square) > table) & (solid == 0)
    inside = table > cv2.erode(table, square, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    if not outside.any() or np.median(small[inside]) > STEP * np.median(small[outside]):
        return None  # light that fades
    table = cv2.dilate(table, np.ones((5, 5), np.uint8))
    return cv2.resize(table, picture.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0


def leaves_a_sheet(table: np.ndarray) -> bool:
    """Tells whether a table, bool (height, width), surrounds a rectangle.

    A light digit is no rectangle, or it is a 1, in which there is no ink.
    """
    light = (shrink_to(np.uint8(255) * ~table, TABLE_SIDE) > 127).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(light)
    if len(stats) < 2:
        return False
    sheet = labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])
    if sum(edges_reached(sheet)) > 1:
        return False  # perhaps what is dark is a shadow on a part of it
    points: Any = cv2.findNonZero(sheet.astype(np.uint8))
    width, height = cv2.minAreaRect(points)[1]
    return min(width, height) > 2 * STROKE and len(points) > RECTANGLE * (width + 1) * (height + 1)
