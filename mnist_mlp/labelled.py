"""Labelled images that a run can be judged by, in the form that it was trained on."""

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from omegaconf import OmegaConf
from tqdm import tqdm

from mnist_mlp.components.targets import OWN, check_targets, imported
from mnist_mlp.data import datasets
from mnist_mlp.data.splits import train_and_test
from mnist_mlp.errors import InputError, explain, one_line
from mnist_mlp.pictures.files import read_picture
from mnist_mlp.pictures.in_folders.contents import in_words, missed_pictures
from mnist_mlp.pictures.in_folders.labels import digits_by_part, left_out_of, near, no_labels, none_labelled, tree_of
from mnist_mlp.pictures.mnist_form import SIDE
from mnist_mlp.reader import Reader


class LabelledImages(NamedTuple):
    """Labelled images, and what they are.

    Attributes:
        what: Such as "test images of mnist".
        images: uint8 (n, 28, 28), white on black.
        labels: int64 (n,).
        names: The file of each image, or which one of its data set it is.
    """

    what: str
    images: np.ndarray
    labels: np.ndarray
    names: list[str]


def test_images(reader: Reader, name: str | None = None, root: Path | None = None) -> LabelledImages:
    """Returns the test images of a data set: its own, or those that a training leaves out.

    Args:
        reader: The run.
        name: The data set; None: the run's own.
        root: The folder of its files; None: as in training, or where train.py looks.

    Raises:
        InputError: They are not there, or their classes are not the run's.
    """
    config: Any = OmegaConf.create(reader.folder.config)
    has_fallen_back = reader.metrics is not None and reader.metrics.data == "digits"
    try:
        saved: Any = OmegaConf.to_container(config["data"], resolve=True)  # knows $MNIST_ROOT
        own = "digits" if has_fallen_back else saved["dataset"]
        name = name or own
        is_like_own = name == own or own != "folder"
        place = root or (saved["root"] if is_like_own else None) or os.environ.get("MNIST_ROOT", "data")
        data = read(str(name), Path(os.path.expanduser(place)), saved)
    except (InputError, OSError) as error:
        raise InputError(f"no test images of {name}: {explain(error)}; --root FOLDER says where they are") from error
    except Exception as error:  # the file may hold anything
        raise InputError(f"{reader.folder.config_yaml}: damaged: {one_line(error)}") from error
    if data.classes != reader.classes:
        raise InputError(
            f"{name}: its classes are {', '.join(data.classes)}, but the run's {', '.join(reader.classes)}"
        )
    fold = saved.get("fold") if name == own else None
    _, (images, labels) = train_and_test(data, name == "folder", fold)
    names = [f"image {place:,}" for place in range(len(labels))]
    return LabelledImages(f"test images of {name}", images.view(-1, SIDE, SIDE).numpy(), labels.numpy(), names)


def read(name: str, root: Path, saved: dict[str, Any]) -> datasets.Dataset:
    """Returns a data set, downloaded if need be; one of the run's own class as that class reads it.

    Args:
        name: The data set.
        root: The folder of its files.
        saved: The run's settings of its data. Only a class in ``mnist_mlp.own`` is made of them, nothing else.
    """
    if name != saved["dataset"] or not re.fullmatch(OWN, str(saved.get("_target_"))):
        datasets.download(name, root)
        return datasets.read(name, root, saved.get("as_digits", True))  # missing in older runs
    check_targets("data", saved)
    arguments = {key: value for key, value in saved.items() if key != "_target_"} | {"root": root}
    made = imported(saved["_target_"])(**arguments)
    made.prepare_data()
    return made.read()


def images_in_folder(folder: Path, reader: Reader) -> LabelledImages:
    """Returns the pictures in a folder for each label: of its part ``test`` if there is one, otherwise all.

    What is in folders ``no_digit`` and ``unsorted`` is left out.

    Raises:
        InputError: There are none, one cannot be read or is empty, or a label is none of the run's.
    """
    if not folder.exists():
        raise InputError(f"{folder}: the folder does not exist")
    tree = tree_of(folder)
    parts = digits_by_part(tree)
    part = parts.get("test", parts["train"])
    if unknown := [label for label in part if label not in reader.classes]:
        known = ", ".join(reader.classes) + near(unknown[0], reader.classes)
        raise InputError(f"{folder}: the run has no label {unknown[0]!r}, only {known}")
    files = [(path, reader.classes.index(label)) for label, paths in part.items() for path in paths]
    if not files:
        raise InputError(f"{folder}: {none_labelled(tree)}")
    images = []
    for path, _ in tqdm(files, desc="reading images", delay=1, leave=False, disable=None):
        digits = reader.digits_in(read_picture(path), several=False)
        if not digits:
            raise InputError(f"{path}: nothing to read")
        images.append(digits[0].image)
    what = f"{'test ' if 'test' in parts else ''}pictures in {folder}"
    if left_out := missed_pictures(left_out_of(tree, parts)) + no_labels(tree):
        what += f"; left out: {in_words(left_out)}"
    return LabelledImages(
        what, np.stack(images), np.array([label for _, label in files]), [str(path) for path, _ in files]
    )
