"""Connected ink made into digits: broken ones joined, touching ones cut, all in reading order."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from mnist_mlp.pictures.geometry import bounds

MIN_DIGIT = 8  # px, longer side after resizing: anything smaller is a speck
MAX_COMPONENTS = 500  # the largest are kept: only noise has more
MAX_ASPECT = 1.2  # width of a digit over its height: a wider one is several that touch
PADDING = 2  # px of paper around the ink of a digit, for the grey edges of its strokes


class Component(NamedTuple):
    """Connected ink, or several pieces of it that form a digit: the labels of the pieces, and their box in pixels."""

    labels: tuple[int, ...]
    left: int
    top: int
    right: int  # exclusive, as is bottom
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self[1:]


def components_of(mask: np.ndarray) -> tuple[np.ndarray, list[Component]]:
    """Labels connected ink.

    Args:
        mask: Where there is ink, bool (height, width).

    Returns:
        The label of each pixel, int32 (height, width), and the components without specks, the largest first.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    extents = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1, initial=0)
    speck = max(MIN_DIGIT - 1, 0.1 * weighted_median(extents, stats[1:, cv2.CC_STAT_AREA]))
    large = [int(label) for label in 1 + np.argsort(-extents) if extents[label - 1] > speck][:MAX_COMPONENTS]
    return labels, [
        Component((label,), left, top, left + width, top + height)
        for label, (left, top, width, height, _) in zip(large, stats[large].tolist())
    ]


def separate_digits(components: list[Component], labels: np.ndarray) -> list[Component]:
    """Returns one component for each digit, in reading order.

    Args:
        components: Connected ink.
        labels: The label of each pixel, int32 (height, width).
    """
    digits = join(components)
    height = usual_height(digits)
    return reading_order([part for digit in digits for part in cut(digit, labels, height)])


def isolated_ink(components: list[Component], ink: np.ndarray, labels: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the ink of each component alone, float32, with PADDING pixels around its box.

    Args:
        components: Connected ink.
        ink: How much ink each pixel has, float32 (height, width) in [0, 1].
        labels: The label of each pixel, int32 (height, width).
    """
    ink = np.pad(ink, PADDING)
    for component in components:
        left, top, right, bottom = component.box
        own = np.pad(np.isin(labels[top:bottom, left:right], component.labels).astype(np.uint8), PADDING)
        own = cv2.dilate(own, np.ones((3, 3), np.uint8))  # with the grey edges of the strokes
        yield ink[top : bottom + 2 * PADDING, left : right + 2 * PADDING] * own


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """Returns the weighted median, 0 of no values."""
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, cumulative[-1] / 2)]) if len(values) else 0.0


def usual_height(components: list[Component]) -> float:
    """Returns the median height in pixels, weighted by the heights: small parts count little."""
    heights = np.array([component.height for component in components])
    return weighted_median(heights, heights)


def union(*components: Component) -> Component:
    """Returns the components as one."""
    labels, lefts, tops, rights, bottoms = zip(*components)
    return Component(tuple(dict.fromkeys(sum(labels, ()))), min(lefts), min(tops), max(rights), max(bottoms))


def join(components: list[Component]) -> list[Component]:
    """Joins the parts of broken digits, such as the bar of a 5, and drops what is too small for a digit."""
    height = usual_height(components)
    digits: list[Component] = []
    for component in sorted(components, key=lambda component: -component.height):
        gaps = [(gap_to(digit, component, height), place) for place, digit in enumerate(digits)]
        gap, place = min(gaps, default=(np.inf, 0))
        if gap < np.inf:
            digits[place] = union(digits[place], component)
        else:
            digits.append(component)
    return [digit for digit in digits if digit.height > 0.4 * height]


def gap_to(digit: Component, component: Component, height: float) -> float:
    """Returns the gap in pixels between `digit` and a component not taller if they belong to one digit, else infinity.

    height: the page's usual digit height, px.
    """
    across = max(component.left, digit.left) - min(component.right, digit.right)
    down = max(component.top, digit.top) - min(component.bottom, digit.bottom)
    slack = 0.1 * height  # strokes slant
    stacked = slack - across > 0.5 * (min(component.width, digit.width) + slack)
    if component.height > 0.6 * digit.height:  # two halves of a digit, both shorter than a digit
        belongs = stacked and component.height < 0.8 * height and down < 0.15 * height
        belongs = belongs and union(component, digit).height < 1.4 * height
    elif stacked or component.height < 0.3 * digit.height:
        belongs = max(across, down) < (0.3 if stacked else 0.2) * height
    else:
        belongs = max(across, down) < 0.1 * digit.height
    return max(across, down) if belongs else np.inf


def cut(component: Component, labels: np.ndarray, height: float) -> list[Component]:
    """Cuts digits that touch where a single thin stroke joins them; returns a lone digit uncut.

    height: the page's usual digit height, px.
    """
    if component.width < MAX_ASPECT * max(component.height, height):
        return [component]
    left, top, right, bottom = component.box
    ink = np.isin(labels[top:bottom, left:right], component.labels).astype(np.uint8)
    thickness = ink.sum(0, dtype=np.int64)
    strokes = (np.diff(ink.astype(np.int8), axis=0, prepend=0) == 1).sum(0)
    columns = np.arange(component.width)
    inner = (columns > 0.25 * component.width) & (columns < 0.75 * component.width)
    thin = np.flatnonzero(inner & (strokes == 1) & (thickness < 0.5 * component.height))
    if not thin.size:
        return [component]
    column = min(thin, key=lambda column: (thickness[column], abs(column - component.width / 2)))
    boxes = [bounds(ink * side) for side in (columns < column, columns >= column)]
    halves = [Component(component.labels, left + x, top + y, left + x2, top + y2) for x, y, x2, y2 in boxes]
    if min(half.height for half in halves) < 0.6 * component.height:  # an arm of one digit
        return [component]
    return [digit for half in halves for digit in cut(half, labels, height)]


def reading_order(digits: list[Component]) -> list[Component]:
    """Sorts digits into lines from the top, and each line from the left."""
    lines: list[list[Component]] = []
    for digit in sorted(digits, key=lambda digit: digit.left):
        for line in lines:
            last = line[-1]
            overlap = min(digit.bottom, last.bottom) - max(digit.top, last.top)
            if overlap > 0.5 * min(digit.height, last.height):
                line.append(digit)
                break
        else:
            lines.append([digit])
    lines.sort(key=lambda line: np.mean([digit.top + digit.bottom for digit in line]))
    return [digit for line in lines for digit in line]
