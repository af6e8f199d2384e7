"""Says what a trained run reaches on labelled images, and what it reads wrongly.

IMAGES is a folder of pictures, FOLDER/<label>/*.png, or data=NAME for the test
images of mnist, fashion_mnist, kmnist or digits. Without it the run's own test
images are used. Pictures are read as the run was trained.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.adaptation.scores import interval as wilson_interval
from mnist_mlp.errors import InputError, one_line_errors
from mnist_mlp.labelled import images_in_folder, test_images
from mnist_mlp.reader import Reader
from mnist_mlp.runs.atomic import save_figure

NAMES = ("mnist", "fashion_mnist", "kmnist", "digits")
MAX_MISTAKES, SHOWN = 100, 10  # in JSON, in the text
WIDTH = 80  # characters


class Evaluation(NamedTuple):
    """What a run reaches on labelled images.

    Attributes:
        run: Its folder.
        what: What the images are.
        classes: The name of each label.
        threshold: The probability below which an image is not readable.
        labels: int64 (n,).
        probabilities: float32 (n, classes).
        names: The name of each image.
    """

    run: str
    what: str
    classes: list[str]
    threshold: float
    labels: np.ndarray
    probabilities: np.ndarray
    names: list[str]

    @property
    def predicted(self) -> np.ndarray:
        """The most probable label of each image, int64 (n,)."""
        return self.probabilities.argmax(1)

    @property
    def confusion(self) -> np.ndarray:
        """How often each label, a row, was read as each label, a column: int64 (classes, classes)."""
        count = len(self.classes)
        return np.bincount(self.labels * count + self.predicted, minlength=count**2).reshape(count, count)

    @property
    def mistakes(self) -> list[dict[str, Any]]:
        """The images that were read wrongly, ready for JSON: those of which the network was surest come first."""
        highest = self.probabilities.max(1)
        wrong = np.flatnonzero(self.predicted != self.labels)
        return [
            {
                "image": self.names[place],
                "label": self.classes[self.labels[place]],
                "read": self.classes[self.predicted[place]],
                "probability": round(float(highest[place]), 6),
            }
            for place in wrong[np.argsort(-highest[wrong], kind="stable")]
        ]

    def summary(self) -> dict[str, Any]:
        """Returns what ``--json`` prints: fractions from 0 to 1, the matrix, and the worst mistakes."""
        right, readable = self.predicted == self.labels, self.probabilities.max(1) >= self.threshold
        return {
            "run": self.run,
            "images": self.what,
            "count": len(self.labels),
            "accuracy": float(right.mean()),
            "interval": interval(right),
            "threshold": self.threshold,
            "refused": float(1 - readable.mean()),
            "accuracy_of_the_readable": float(right[readable].mean()) if readable.any() else None,
            "classes": self.classes,
            "confusion": self.confusion.tolist(),
            "mistakes": self.mistakes[:MAX_MISTAKES],
        }


def interval(right: np.ndarray) -> list[float]:
    """Returns the 95 % interval of the accuracy.

    Args:
        right: Whether each image was read rightly, bool (n,).
    """
    return list(wilson_interval(int(right.sum()), len(right)))


def evaluate(run: Path, images: str | None = None, root: Path | None = None) -> tuple[Evaluation, np.ndarray]:
    """Returns what a run reaches on labelled images, and the images, uint8 (n, 28, 28).

    Args:
        run: A run folder, or a checkpoint in one.
        images: A folder of labelled pictures, or data=NAME; None: the run's own test images.
        root: The folder of a data set's files; None: as in training.

    Raises:
        InputError: There are no such images, or their labels are not the run's.
    """
    reader = Reader(run)
    name = images.removeprefix("data=") if images else None
    if images and name == images:
        found = images_in_folder(Path(images), reader)
    elif images and name not in NAMES:
        raise InputError(f"{images}: no such data set; there are {', '.join(NAMES)}, and folders without data=")
    else:
        found = test_images(reader, name, root)
    probabilities = reader.probabilities(found.images)
    reached = str(run), found.what, reader.classes, reader.threshold, found.labels, probabilities, found.names
    return Evaluation(*reached), found.images


def text(evaluation: Evaluation) -> str:
    """Returns what the command prints, in lines of at most 80 characters but for long paths."""
    found = evaluation.summary()
    low, high = found["interval"]
    lines = [
        f"run:      {evaluation.run}",
        f"images:   {found['count']:,} {found['images']}",
        f"accuracy: {found['accuracy']:.2%}, 95 % interval {100 * low:.2f} to {100 * high:.2f} %",
        f"refused:  {found['refused']:.2%}, below the threshold of {100 * evaluation.threshold:.4g} %",
    ]
    if found["accuracy_of_the_readable"] is not None:
        lines[-1] += f"; of the others {found['accuracy_of_the_readable']:.2%} right"
    lines += ["", *matrix(evaluation)]
    mistakes = evaluation.mistakes
    if mistakes:
        shown = min(len(mistakes), SHOWN)
        lines += [
            "",
            f"{len(mistakes):,} mistakes; the {shown} of which it was surest:" if shown > 1 else "1 mistake:",
        ]
        lines += [
            f"  {mistake['label']} read as {mistake['read']}, {mistake['probability']:.1%}: {mistake['image']}"
            for mistake in mistakes[:SHOWN]
        ]
    return "\n".join(lines)


def matrix(evaluation: Evaluation) -> list[str]:
    """Returns the confusion matrix as lines or, where it is too wide, the most frequent confusions."""
    classes, counts = evaluation.classes, evaluation.confusion
    cell = 1 + max(len(f"{counts.max()}"), *(min(len(name), 5) for name in classes))
    first = 1 + max(len("true"), *map(len, classes))
    if first + cell * len(classes) <= WIDTH:
        header = f"{'true':<{first}}" + "".join(f"{name[:5]:>{cell}}" for name in classes)
        rows = (
            f"{name:<{first}}" + "".join(f"{count or '.':>{cell}}" for count in row)
            for name, row in zip(classes, counts.tolist())
        )
        return ["how often each true label was read as each label:", header, *rows]
    off = counts - np.diag(np.diag(counts))
    order = np.argsort(-off, axis=None, kind="stable")[: min(SHOWN, np.count_nonzero(off))]
    pairs = zip(*np.unravel_index(order, off.shape))
    return ["the most frequent confusions:"] + [
        f"  {classes[true]} read as {classes[read]}: {off[true, read]:,}" for true, read in pairs
    ]


def show(evaluation: Evaluation, images: np.ndarray, folder: Path) -> None:
    """Writes pictures of the confusion matrix and of the worst mistakes."""
    import torch

    from mnist_mlp.training.plots import confusion_matrix, misread  # matplotlib, which takes a second

    pixels, labels = torch.from_numpy(images).flatten(1), torch.from_numpy(evaluation.labels)
    counts, probabilities = torch.from_numpy(evaluation.confusion), torch.from_numpy(evaluation.probabilities)
    save_figure(folder / "confusion.png", confusion_matrix(counts, evaluation.classes), dpi=100)
    save_figure(folder / "mistakes.png", misread(pixels, labels, probabilities, evaluation.classes), dpi=100)
    print(f"pictures: {folder}/confusion.png, mistakes.png", file=sys.stderr)


def main() -> None:
    """Parses the command line and prints what the run reaches."""
    parser = argparse.ArgumentParser(
        prog="python -m mnist_mlp.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder, or a checkpoint in one")
    parser.add_argument("images", nargs="?", metavar="IMAGES", help="data=NAME, or a folder of labelled pictures")
    parser.add_argument("--root", type=Path, metavar="FOLDER", help="where the data set lies; default: as in training")
    parser.add_argument("--json", action="store_true", help="an object with the matrix and the 100 worst mistakes")
    parser.add_argument("--show", type=Path, metavar="FOLDER", help="write there pictures of the matrix and mistakes")
    arguments = parser.parse_args()
    with one_line_errors():
        evaluation, images = evaluate(arguments.run, arguments.images, arguments.root)
        print(json.dumps(evaluation.summary()) if arguments.json else text(evaluation))
        if arguments.show:
            show(evaluation, images, arguments.show)


if __name__ == "__main__":
    main()
