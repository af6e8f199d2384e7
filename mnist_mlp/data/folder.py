"""One's own images: read from a folder for each label."""

from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from mnist_mlp.data.splits import Dataset, Split, resize
from mnist_mlp.errors import InputError
from mnist_mlp.pictures.digits import Probabilities, digits_in
from mnist_mlp.pictures.files import read_picture
from mnist_mlp.pictures.in_folders.labels import EXPECTED, Labels, digits_by_part, left_out_of, tree_of
from mnist_mlp.pictures.mnist_form import SIDE


def read_folder(root: Path, as_digits: bool = True) -> Dataset:
    """Reads the pictures of a folder in a layout that ``labels_by_part`` knows. Labels are sorted by name.

    What is in folders ``no_digit`` and ``unsorted`` is left out.

    Args:
        root: The folder.
        as_digits: Whether the images are brought to MNIST's form, or only resized.

    Raises:
        InputError: There is no such folder, it has another layout, or a picture is damaged.
    """
    tree = tree_of(root)
    parts = digits_by_part(tree)
    labels = list(parts["train"])
    if len(labels) < 2:
        found = f"only the label folder {labels[0]!r}" if labels else "no label folder"
        raise InputError(f"{root}: has {found}, but two or more are needed; {EXPECTED}")
    splits = {name: read_split(part, labels, as_digits) for name, part in parts.items()}
    classes = [label.encode(errors="backslashreplace").decode() for label in labels]  # so that any name can be shown
    return Dataset(splits["train"], splits.get("test"), classes, splits.get("val"), left_out_of(tree, parts))


def read_split(
    part: Labels,
    labels: list[str],
    as_digits: bool,
    probabilities: Probabilities | None = None,
    empty: bool = True,
) -> Split:
    """Reads the pictures of a part. A label is the place of its name in ``labels``; see ``read_image`` for the rest."""
    numbers = {label: number for number, label in enumerate(labels)}
    paths = [(path, numbers[label]) for label in part for path in part[label]]
    images = torch.empty(len(paths), SIDE, SIDE, dtype=torch.uint8)
    damaged: list[InputError] = []
    for image, (path, _) in zip(images, tqdm(paths, desc="reading images", delay=1, leave=False, disable=None)):
        try:
            image.copy_(read_image(path, as_digits, probabilities, empty))
        except InputError as error:
            damaged.append(error)
    if damaged:
        more = f"; {len(damaged) - 1:,} more are not either" if len(damaged) > 1 else ""
        raise InputError(f"{damaged[0]}{more}")
    return Split(images, torch.tensor([number for _, number in paths]))


def read_image(
    path: str, as_digits: bool = True, probabilities: Probabilities | None = None, empty: bool = True
) -> Tensor:
    """Returns an image file as the network sees it, uint8 (28, 28): what is drawn in it is taken as one digit.

    Args:
        path: The file.
        as_digits: Whether it is brought to MNIST's form. If not, or if nothing is drawn in it, it is only made grey and
            resized.
        probabilities: What a network makes of images; see ``digits_in``.
        empty: Whether nothing may be drawn in it.

    Raises:
        InputError: It is not an image, or too large for memory, or empty.
    """
    picture = read_picture(path)
    digits = digits_in(picture, False, probabilities) if as_digits else []
    if not digits and not empty:
        raise InputError(f"{path}: nothing to read")
    return torch.from_numpy(digits[0].image) if digits else resize(torch.from_numpy(picture.copy())[None])[0]
