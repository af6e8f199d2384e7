"""How well a trained network reads pictures of MNIST's test digits, by what is done to a picture first.

    python tests/benchmarks/reading.py RUN [--images 1000] [--picture reading.png] [--part test]

RUN is the folder of a training run. Prints accuracy for each kind of picture of ``tests/support/rendering.py``, the
pages read without an error, and what each score of confidence refuses. ``--part val`` takes validation digits,
for tuning.
"""

import argparse
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
import numpy as np
import torch
from matplotlib.figure import Figure
from omegaconf import OmegaConf
from PIL import Image
from support import rendering
from torch import Tensor

from mnist_mlp.data.module import DigitsDataModule
from mnist_mlp.pictures.files import read_picture
from mnist_mlp.pictures.finding.ink import inks_in
from mnist_mlp.pictures.mnist_form import centred, fitted, mnist_image
from mnist_mlp.reader import Reader

BLANK = np.zeros((28, 28), np.uint8)
NO_DIGITS = 500
READERS: list[Reader] = []  # a worker's own


# What may be done to a picture: from grey, uint8 (height, width), to the image that the network sees, uint8 (28, 28).


def resized_and_inverted(picture: np.ndarray) -> np.ndarray:
    return 255 - np.asarray(Image.fromarray(picture).resize((28, 28)))


def otsu(picture: np.ndarray) -> np.ndarray:
    return 1 - cv2.threshold(picture, 0, 1, cv2.THRESH_OTSU)[1].astype(np.float32)


def cropped_and_centred(picture: np.ndarray) -> np.ndarray:
    ink = otsu(picture)
    return centred(fitted(ink)) if ink.any() else BLANK


def with_stroke_width(picture: np.ndarray) -> np.ndarray:
    return first(mnist_image(otsu(picture)))


def without_paper(picture: np.ndarray) -> np.ndarray:
    return first(*(mnist_image(ink.amount) for ink in islice(inks_in(picture), 1)))


def whole(picture: np.ndarray) -> np.ndarray:
    return first(*(digit.image for digit in READERS[0].digits_in(picture, several=False)))


def found(picture: np.ndarray) -> np.ndarray:
    digits = READERS[0].digits_in(picture)
    return digits[0].image if len(digits) == 1 else BLANK


def first(*images: np.ndarray | None) -> np.ndarray:
    return next((image for image in images if image is not None), BLANK)


STEPS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "resized and inverted": resized_and_inverted,
    "cropped, fitted, centred": cropped_and_centred,
    "+ stroke width": with_stroke_width,
    "+ paper and light": without_paper,
    "+ ruling and specks: all": whole,
    "all, found as one of several": found,
}


def start(run: Path) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    READERS.append(Reader(run))


def seen(kind: str, numbered: tuple[int, np.ndarray]) -> list[np.ndarray]:
    """A digit drawn as one kind of picture, after each of STEPS."""
    number, image = numbered
    picture = read_picture(rendering.png(rendering.picture(kind, image, number)))
    return [step(picture) for step in STEPS.values()]


def page(digits: tuple[np.ndarray, np.ndarray], redrawn: bool, number: int) -> tuple[str, list[np.ndarray]]:
    drawn = rendering.page(*digits, number, redrawn)
    return "".join(drawn.lines), [digit.image for digit in READERS[0].digits_in(drawn.picture)]


def is_read_as_mnist_has_it(digits: tuple[np.ndarray, np.ndarray], guesses: np.ndarray, number: int) -> bool:
    """Whether the network is right about each of a page's digits before they are drawn: more cannot be expected."""
    images, labels = digits
    return rendering.page(images, labels, number).lines == rendering.page(images, guesses, number).lines


def no_digit(number: int) -> np.ndarray:
    return whole(rendering.no_digit(number))


# How sure a network is

SCORES: dict[str, Callable[[Tensor], Tensor]] = {  # of calibrated logits; high is sure
    "largest probability": lambda logits: logits.softmax(1).amax(1),
    "entropy": lambda logits: (logits.softmax(1) * logits.log_softmax(1)).sum(1),
    "energy": lambda logits: logits.logsumexp(1),
}


# The report


def report(run: Path, root: Path, part: str, count: int, picture: Path | None) -> None:
    config = OmegaConf.load(run / ".hydra/config.yaml")
    reader = Reader(run)
    data = DigitsDataModule("mnist", root, val_fraction=config.data.val_fraction, seed=config.data.seed)
    data.setup()
    flat, labels = data.parts[part]
    digits = flat.view(-1, 28, 28)
    as_they_are = reader.logits(digits.numpy())
    print(f"MNIST's {part} images as they are: {(as_they_are.argmax(1) == labels).float().mean():.2%}\n")
    print(
        f"{'of ' + str(count) + ' pictures of each kind, right in %':46}",
        *(f"{step:>28}" for step in (*STEPS, "all: refused", "all: misread of the rest")),
    )
    accuracy, samples = {}, {}
    with ProcessPoolExecutor(os.cpu_count(), initializer=start, initargs=[run]) as workers:
        for kind in rendering.KINDS:
            images = list(workers.map(partial(seen, kind), enumerate(digits[:count].numpy()), chunksize=20))
            guesses = [reader.logits(np.stack(images)).argmax(1) for images in zip(*images)]
            accuracy[kind] = [(guess == labels[:count]).float().mean().item() for guess in guesses]
            samples[kind] = [(rendering.picture(kind, digits[i].numpy(), i), images[i][-2]) for i in range(6)]
            probabilities = reader.probabilities(np.stack([steps[-2] for steps in images]))
            read = probabilities.max(1) >= reader.threshold
            wrong = (probabilities.argmax(1) != labels[:count].numpy()) & read
            shares = [*accuracy[kind], 1 - read.mean(), wrong.sum() / read.sum()]
            print(f"{kind:46}", *(f"{share:28.1%}" for share in shares), flush=True)
        plain = partial(is_read_as_mnist_has_it, (digits.numpy(), labels.numpy()), as_they_are.argmax(1).numpy())
        possible = np.mean(list(workers.map(plain, range(count), chunksize=5)))
        print(f"\n{possible:.1%} of the pages have only digits that the network reads right as MNIST has them")
        for redrawn, how in ((False, "with the strokes they have"), (True, "redrawn with a pen")):
            one = partial(page, (digits.numpy(), labels.numpy()), redrawn)
            report_pages(how, list(workers.map(one, range(count), chunksize=5)), reader)
        no_digits = np.stack(list(workers.map(no_digit, range(NO_DIGITS), chunksize=10)))
    refusals(as_they_are, no_digits, reader.logits(no_digits))
    if picture:
        draw(accuracy, samples, picture)
        print(f"\n{picture}")


def report_pages(how: str, pages: list[tuple[str, list[np.ndarray]]], reader: Reader) -> None:
    read = [reader.logits(np.stack(images)).argmax(1).tolist() if images else [] for _, images in pages]
    right = np.mean([text == "".join(map(str, labels)) for labels, (text, _) in zip(read, pages)])
    cut = np.mean([len(text) == len(images) for text, images in pages])
    print(f"{right:.1%} of {len(pages)} pages of digits {how} read without an error ({cut:.1%} cut as they should be)")


def refusals(digits: Tensor, no_digits: np.ndarray, no_digits_logits: Tensor) -> None:
    """How many of the pictures without a digit each score refuses, where it refuses 2 % of the digits."""
    empty = torch.from_numpy(~no_digits.any((1, 2)))
    print("\nrefused by a threshold that refuses 2 % of MNIST's images:")
    groups = {"empty": 0, "noise": 1, "letters": (2, 3)}
    numbers = torch.arange(len(no_digits)) % 4
    for name, score in SCORES.items():
        threshold = torch.quantile(score(digits), 0.02)
        refused = empty | (score(no_digits_logits) < threshold)
        shares = {
            group: refused[torch.isin(numbers, torch.tensor(which))].float().mean() for group, which in groups.items()
        }
        each = ", ".join(f"{group} {share:.1%}" for group, share in shares.items())
        print(f"{name:26}{refused.float().mean():8.1%}   ({each}; threshold {threshold:.4f})")


def draw(accuracy: dict[str, list[float]], samples: dict[str, list], path: Path) -> None:
    """Some pictures of each kind with what the network sees of them, and the accuracy after each step."""
    figure = Figure((15, 1.1 * len(samples)), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[2, 1])
    axes = left.subplots(len(samples), 12)
    for row, (kind, pairs) in zip(axes, samples.items()):
        row[0].set_ylabel(kind, rotation=0, ha="right", va="center")
        for axis, image in zip(row, (image for pair in pairs for image in pair)):
            axis.imshow(shown(image), cmap="gray", vmin=0, vmax=255)
        for axis in row:
            axis.set(xticks=[], yticks=[])
    axis = right.subplots()
    places = np.arange(len(accuracy))
    steps = list(STEPS)[:-1]
    for number, step in enumerate(steps):
        shares = [100 * shares[number] for shares in accuracy.values()]
        axis.barh(places + (number - 2) * 0.16, shares, 0.15, label=step, color=f"C{number}")
    axis.set(yticks=places, yticklabels=list(accuracy), xlabel="read right (%)", xlim=(0, 100))
    axis.invert_yaxis()
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.05), ncol=2, frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=100, bbox_inches="tight")


def shown(picture: np.ndarray) -> np.ndarray:
    """A transparent picture on grey."""
    if picture.ndim == 2:
        return picture
    share = picture[..., 3] / 255
    return picture[..., :3].mean(2) * share + 150 * (1 - share)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a training run")
    parser.add_argument("--images", type=int, default=1000, help="of each kind, and pages")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--part", choices=("val", "test"), default="test")
    parser.add_argument("--root", type=Path, default=Path(os.environ.get("MNIST_ROOT", "data")))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    report(arguments.run, arguments.root, arguments.part, arguments.images, arguments.picture)
