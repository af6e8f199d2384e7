"""One's own digits beside a data set: a few, which join every batch."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_mlp.data.folder import read_split
from mnist_mlp.data.randomness import seed_for
from mnist_mlp.data.splits import Split, flat, split
from mnist_mlp.errors import InputError
from mnist_mlp.pictures.digits import Probabilities
from mnist_mlp.pictures.in_folders.contents import in_words, missed_pictures
from mnist_mlp.pictures.in_folders.labels import (
    NO_DIGIT,
    UNSORTED,
    labels_by_part,
    left_out_of,
    near,
    none_labelled,
    tree_of,
)

MANY = 100  # own digits from which on a fifth is kept apart; a fifth of fewer would tell nothing
APART = 0.2
NO_DIGIT_REPEATS = 10  # of one's own among the drawings of no digit


class Extra(NamedTuple):
    """Own digits to learn from, those kept apart, perhaps none, and uint8 (n, 784) pictures of no digit.

    ``left_out`` counts, by kind, pictures that are none of these.
    """

    learned: Split
    apart: Split
    no_digits: Tensor
    left_out: Counter[str]

    def description(self, folder: str, outliers: bool) -> str:
        """Returns how many there are, in a line."""
        learned, apart, others = len(self.learned.labels), len(self.apart.labels), len(self.no_digits)
        kept = f"{apart:,} kept apart" if apart else f"none kept apart: fewer than {MANY} are too few"
        text = f"own digits in {folder}: {learned:,} to learn from, {kept}"
        if others:
            text += f"; {others:,} pictures of no digit{'' if outliers else ', left out: data.outliers is 0'}"
        return f"{text}; left out: {in_words(self.left_out)}" if self.left_out else text


def read_extra(root: Path, classes: list[str], probabilities: Probabilities | None = None) -> Extra:
    """Reads own digits from label folders. A folder ``test``, if there is one, is what is kept apart.

    Args:
        root: The folder.
        classes: The names of the classes of the data set beside which they are learned.
        probabilities: What a network makes of images. With it the digits are found as it would read them.

    Raises:
        InputError: There is no such folder, it has another layout or other labels, or a picture is damaged or empty.
    """
    tree = tree_of(root, "data.extra")
    parts = {name: dict(part) for name, part in labels_by_part(tree).items()}
    no_digits = {name: part.pop(NO_DIGIT, []) for name, part in parts.items()}
    for part in parts.values():
        if unknown := sorted(part.keys() - set(classes)):
            alone = "; to train on these labels alone: data=folder data.root=FOLDER init=RUN"
            raise InputError(
                f"data.extra={root}: the label folder {unknown[0]} is none of the classes"
                f" {', '.join(classes[:12])}{near(unknown[0], classes) or alone}"
            )
    read = partial(read_split, as_digits=True, probabilities=probabilities)
    others = read({NO_DIGIT: no_digits["train"] + no_digits.get("val", [])}, [NO_DIGIT])
    splits = {name: read(part, classes, empty=False) for name, part in parts.items()}
    learned = Split(*(torch.cat(both) for both in zip(*(splits[name] for name in ("train", "val") if name in splits))))
    if not len(learned.labels):
        raise InputError(f"data.extra={root}: {none_labelled(tree)}")
    apart = splits.get("test") or Split(learned.images[:0], learned.labels[:0])
    if "test" not in splits and len(learned.labels) >= MANY:
        learned, apart = split(learned, APART, seed_for("own digits kept apart"), by_label=True)
    left_out = left_out_of(tree, parts)
    shown = missed_pictures(left_out) + Counter({UNSORTED: left_out[UNSORTED]})
    return Extra(flat(learned), flat(apart), others.images.flatten(1), shown)
