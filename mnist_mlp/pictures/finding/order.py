"""The order in which digits are read."""

from collections.abc import Sequence

import numpy as np

MAX_SLOPE = 1.0  # of a line of writing: a steeper one is a column


def lines_of(boxes: Sequence[tuple[int, int, int, int]]) -> list[list[int]]:
    """Returns the places of boxes (left, top, right, bottom) as lines from the top, each read from the left.

    The lines may rise or fall, all alike.
    """
    if len(boxes) < 2:
        return [[place] for place in range(len(boxes))]
    box = np.array(boxes, float)
    height = box[:, 3] - box[:, 1]
    x, y = (box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2
    middle = y - slope_of(x, y, np.maximum(height, box[:, 2] - box[:, 0])) * x
    top, bottom = middle - height / 2, middle + height / 2
    lines: list[list[int]] = []
    for digit in np.argsort(x):
        fits = []
        for line in lines:
            last = line[-1]
            overlap = min(bottom[digit], bottom[last]) - max(top[digit], top[last])
            if overlap > 0.4 * min(height[digit], height[last]):
                fits.append((x[digit] - x[last], line))
        if fits:
            min(fits, key=lambda fit: fit[0])[1].append(int(digit))
        else:
            lines.append([int(digit)])
    return sorted(lines, key=lambda line: np.mean(middle[line]))


def slope_of(x: np.ndarray, y: np.ndarray, size: np.ndarray) -> float:
    """Returns how much lines fall to the right: the median of the slopes from each digit to its right neighbour."""
    slopes = []
    for i in range(len(x)):
        dx, dy = x - x[i], y - y[i]
        right = (dx > 0.2 * size[i]) & (np.abs(dy) < MAX_SLOPE * dx)
        if right.any():
            distance = np.where(right, np.hypot(dx, 2 * dy), np.inf)
            j = int(distance.argmin())
            if distance[j] < 6 * max(size[i], size[j]):
                slopes.append(dy[j] / dx[j])
    return float(np.median(slopes)) if slopes else 0.0
