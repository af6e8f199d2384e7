"""Pictures of a run, as matplotlib figures."""

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from torch import Tensor

from mnist_mlp.pictures.mnist_form import SIDE

# Why validation can be better than training
CURVES = {
    "train": "training: mean over the epoch, with any dropout and distortions",
    "val": "validation: after it, without",
}


def augmentation(images: Tensor, copies: list[Tensor]) -> Figure:
    """Training images in the first row and, below each, what training sees of it; all float (n, 784)."""
    rows = [part.view(-1, SIDE, SIDE) for part in (images, *copies)]
    sheet = torch.cat([torch.cat(list(row), 1) for row in rows]).cpu()
    figure = Figure(figsize=(9, 9 * len(sheet) / sheet.shape[1] + 0.4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
    axes.axhline(SIDE - 0.5, color="tab:blue")
    axes.axis("off")
    axes.set_title("training images, and below them what an epoch each makes of them")
    return figure


def curves(history: list[dict], best: int, title: str) -> Figure:
    """Accuracy and loss per epoch, training and validation in one chart each.

    Args:
        history: The rows of metrics.csv.
        best: The epoch that is kept, counted from 1.
        title: What the run is.
    """
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss")):
        for part, label in CURVES.items():
            measured = [(row["epoch"], row[f"{part}_{name}"]) for row in history if row[f"{part}_{name}"] is not None]
            axes.plot(*zip(*measured or [((), ())]), label=label, marker="." * (len(measured) < 10))
        axes.axvline(best, color="gray", linestyle=":", label=f"best epoch: {best}")
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    figure.axes[0].yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(title)
    return figure


def confusion_matrix(counts: Tensor, classes: list[str]) -> Figure:
    """How often each true label, a row, was read as each label, a column; ``counts`` int64 (classes, classes)."""
    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.subplots()
    mistakes = counts.clone().fill_diagonal_(0)
    image = axes.imshow(mistakes, cmap="Reds", vmax=max(1, int(mistakes.max())))
    figure.colorbar(image, label="images misread so", shrink=0.8, ticks=MaxNLocator(integer=True))
    for true, row in enumerate(counts.tolist()):
        for predicted, count in enumerate(row):
            if count:
                color = "gray" if true == predicted else "white" if count > mistakes.max() / 2 else "black"
                axes.text(predicted, true, count, ha="center", va="center", color=color, fontsize=9)
    axes.set(xlabel="predicted", ylabel="true", title=f"{mistakes.sum():,} of {counts.sum():,} test images misread")
    axes.set_xticks(range(len(classes)), classes, rotation=90 if max(map(len, classes)) > 2 else 0)
    axes.set_yticks(range(len(classes)), classes)
    return figure


def misread(images: Tensor, labels: Tensor, probabilities: Tensor, classes: list[str], most: int = 100) -> Figure:
    """The misclassified images with true and predicted label, at most ``most``: those the network was surest of.

    ``images`` uint8 (n, 784), ``labels`` int64 (n,), ``probabilities`` float (n, classes).
    """
    confidence, predicted = probabilities.max(1)
    wrong = torch.nonzero(predicted != labels).flatten()
    shown = wrong[confidence[wrong].argsort(descending=True)][:most]
    columns, cell = 10, SIDE + 14  # the cell's upper part holds the labels
    sheet = torch.zeros(max(1, -(-len(shown) // columns)) * cell, columns * cell)
    figure = Figure(figsize=(11, 11 * len(sheet) / sheet.shape[1] + 0.5), layout="constrained")
    axes = figure.subplots()
    axes.axis("off")
    axes.set_title(f"{len(wrong):,} of {len(labels):,} test images misread; the {len(shown)} surest (true → predicted)")
    for place, index in enumerate(shown.tolist()):
        top, left = place // columns * cell, place % columns * cell
        sheet[top + 12 : top + 12 + SIDE, left + 7 : left + 7 + SIDE] = images[index].reshape(SIDE, SIDE)
        text = f"{classes[labels[index]]} → {classes[predicted[index]]}"
        axes.text(left + cell / 2, top + 10, text, ha="center", fontsize=9)
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=255)
    return figure
