"""A figure of what was read in a picture."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from mnist_mlp.pictures.digits import Digit

READ, REFUSED = "#1c66c9", "#b93a06"  # apart for the colour-blind too


def reading_figure(
    picture: np.ndarray, digits: list[Digit], labels: list[str], probabilities: np.ndarray, threshold: float = 0.0
) -> Figure:
    """Returns a figure of a picture with the box and label of each digit, beside the images that the network saw.

    Args:
        picture: Grey, uint8 (height, width).
        digits: The digits found in the picture.
        labels: What was read in each digit, with a "?" if it was refused.
        probabilities: The probability of each label, float (digits,) in [0, 1].
        threshold: The probability below which a digit is refused.
    """
    columns = max(4, math.ceil(math.sqrt(len(digits))))
    rows = max(3, math.ceil(len(digits) / columns))
    size = max(6, 0.8 * columns)  # inches; each half is a square
    figure = Figure(figsize=(2 * size, size), layout="constrained")
    left, right = figure.subfigures(1, 2)  # pyright: ignore
    axes = left.subplots()
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
    axes.set(title="picture", xticks=[], yticks=[])  # the spines frame it
    legend = [Patch(fill=False, edgecolor=READ, label="read")]
    legend += [Patch(fill=False, edgecolor=REFUSED, label=f"not readable (?): below {100 * threshold:.4g} %")]
    left.legend(handles=legend, loc="outside lower center", ncols=2, frameon=False)
    right.suptitle("what the network saw, and the probability of the label")
    cells = right.subplots(rows, columns).flat
    for cell in cells:
        cell.axis("off")
    for digit, label, probability, cell in zip(digits, labels, probabilities, right.axes):
        color = REFUSED if label.endswith("?") else READ
        x, y, x_end, y_end = digit.box
        axes.add_patch(Rectangle((x, y), x_end - x, y_end - y, fill=False, color=color, linewidth=1.5))
        axes.text(x, y, label, color=color, fontsize=13, va="bottom", fontweight="bold")
        cell.axis("on")
        cell.set(xticks=[], yticks=[])
        cell.spines[:].set(color=color, linewidth=1.5)
        cell.imshow(digit.image, cmap="gray", vmin=0, vmax=255)
        cell.set_title(f"{label}  {probability:.0%}", color=color, fontsize=10)
    return figure
