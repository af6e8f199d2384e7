"""Image data sets as tensors: files in, uint8 images of 28x28 pixels and integer labels out."""

import math
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

import torch
from filelock import FileLock
from torch import Tensor
from torch.nn import functional as F
from torchvision import datasets as tv
from torchvision.datasets.folder import IMG_EXTENSIONS
from tqdm import tqdm

from mnist_mlp.errors import InputError
from mnist_mlp.pictures.digits import digits_in
from mnist_mlp.pictures.files import read_picture
from mnist_mlp.pictures.mnist_form import SIDE

TORCHVISION = {"mnist": tv.MNIST, "fashion_mnist": tv.FashionMNIST, "kmnist": tv.KMNIST}


class Split(NamedTuple):
    """Images, uint8 (n, 28, 28), and their labels, int64 (n,)."""

    images: Tensor
    labels: Tensor


class Dataset(NamedTuple):
    """A training part, a test part where the data set comes with one, and the name of each label."""

    train: Split
    test: Split | None
    classes: list[str]


class NotAvailable(InputError):
    """None of a data set's files is there, and they could not be downloaded."""


def download(name: str, root: Path) -> None:
    """Fetches the files that are missing below ``root``; does nothing for data sets that are not downloaded.

    Raises NotAvailable where no file is there and none can be had, InputError where some are there.
    """
    if name not in TORCHVISION:
        return
    raw = raw_folder(name, root)
    paths = idx_paths(name, root)
    if all(path.exists() for path in paths):
        return
    none_there = not any(path.exists() or Path(f"{path}.gz").exists() for path in paths)
    made = [folder for folder in (raw, *raw.parents) if not folder.exists()]
    root.mkdir(parents=True, exist_ok=True)
    try:
        with one_at_a_time(root / ".download.lock"), network_timeout(seconds=20):
            TORCHVISION[name](root, download=True)  # does nothing where another process has just done it
    except (RuntimeError, URLError, HTTPException, TimeoutError, ConnectionError) as error:
        for folder in made:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        reason = str(error).splitlines()[-1]
        if none_there:
            names = ", ".join(path.name for path in paths)
            raise NotAvailable(f"{raw} is missing and the download failed ({reason}); put there {names}") from error
        still = next((path for path in paths if not path.exists()), raw)
        raise InputError(f"{still} is missing and the download failed ({reason}); put it there") from error


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Waits until no other process is in such a block of the same path, such as another job of a sweep."""
    with FileLock(path):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def read(name: str, root: Path | None, as_digits: bool = True) -> Dataset:
    """Reads and checks a data set: ``mnist``, ``fashion_mnist``, ``kmnist``, ``digits`` or ``folder``.

    A folder's images are brought to MNIST's form ``as_digits``, or only resized. Raises InputError naming the file that
    is missing or damaged.
    """
    if name == "digits":
        return read_digits()
    if name == "folder":
        return read_folder(root, as_digits)
    return read_torchvision(name, root)


def raw_folder(name: str, root: Path) -> Path:
    return root / TORCHVISION[name].__name__ / "raw"


def idx_paths(name: str, root: Path) -> list[Path]:
    """Training images, training labels, test images, test labels."""
    return [raw_folder(name, root) / file.removesuffix(".gz") for file, _ in TORCHVISION[name].resources]


def read_torchvision(name: str, root: Path) -> Dataset:
    paths = idx_paths(name, root)
    for images, labels in (paths[:2], paths[2:]):
        image_count, label_count = check_idx(images, dimensions=3), check_idx(labels, dimensions=1)
        if image_count != label_count:
            raise InputError(
                f"{images}: {image_count} images, but {labels.name} has {label_count} labels:"
                " one of the files belongs elsewhere; delete both to download them again"
            )
    parts = [TORCHVISION[name](root, train=train) for train in (True, False)]
    classes = parts[0].classes
    for part, path in zip(parts, (paths[1], paths[3])):
        if part.targets.max() >= len(classes):
            raise InputError(
                f"{path}: label {part.targets.max()} is outside 0 to {len(classes) - 1}; delete the file to download it"
            )
    train, test = (Split(resize(part.data), part.targets) for part in parts)
    return Dataset(train, test, [name.split(" - ")[0] for name in classes])  # torchvision has "0 - zero"


def check_idx(path: Path, dimensions: int) -> int:
    """How many records a file of bytes in IDX format holds, by its header; the format: yann.lecun.com/exdb/mnist.

    Raises InputError where the header does not describe the file, before anything is allocated by its word.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(4 + 4 * dimensions)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    shape = [int.from_bytes(header[i : i + 4], "big") for i in range(4, len(header), 4)]
    if header[:4] != bytes([0, 0, 8, dimensions]):
        kind = "images" if dimensions == 3 else "labels"
        raise InputError(f"{path}: not an IDX file of {kind}; delete it to download it again")
    promised = len(header) + math.prod(shape)
    if len(shape) < dimensions or size != promised or promised == len(header):
        raise InputError(
            f"{path}: damaged: {size:,} bytes, where its header promises {promised:,}; delete it to download it again"
        )
    return shape[0]


def read_digits() -> Dataset:
    """scikit-learn's 8x8 digits (Alpaydin and Kaynak 1998), framed as MNIST's are: 20x20 centred in 28x28."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.from_numpy(digits.images * (255 / 16)).round().to(torch.uint8)
    framed = F.pad(resize(images, 20), (4, 4, 4, 4))
    return Dataset(Split(framed, torch.from_numpy(digits.target).long()), None, [str(i) for i in range(10)])


def read_folder(root: Path, as_digits: bool = True) -> Dataset:
    """Images in one folder a label, or in such folders below ``train`` and ``test``; labels in sorted order."""
    parts = [root / "train", root / "test"]
    if not all(part.is_dir() for part in parts):
        parts = [root]
    folders = [images_by_label(part) for part in parts]
    labels = list(folders[0])
    if labels != list(folders[-1]):
        raise InputError(f"{root}: train and test have different label folders")
    if len(labels) < 2:
        raise InputError(f"{root}: has only the label folder {labels[0]!r}, where two or more are needed")
    train, *test = (read_part(folder, as_digits) for folder in folders)
    classes = [label.encode(errors="backslashreplace").decode() for label in labels]  # so that any name can be shown
    return Dataset(train, test[0] if test else None, classes)


def images_by_label(root: Path) -> dict[str, list[str]]:
    """The image files below each folder in ``root``, by its name, all in sorted order. Links further down to other
    folders are not followed, since they may lead back. Raises InputError where there are none.
    """
    try:
        found = {
            folder.name: sorted(
                os.path.join(place, name)
                for place, _, names in os.walk(folder.resolve())
                for name in names
                if name.lower().endswith(IMG_EXTENSIONS) and os.path.isfile(os.path.join(place, name))
            )
            for folder in sorted(root.iterdir())
            if folder.is_dir() and not folder.name.startswith(".")
        }
    except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
        raise InputError(f"data.root={root}: {getattr(error, 'strerror', None) or error}") from error
    if not found:
        raise InputError(f"data.root={root}: has no folders, where one a label is needed")
    for label, paths in found.items():
        if not paths:
            raise InputError(f"{root / label}: has no images ({', '.join(IMG_EXTENSIONS)})")
    return found


def read_part(folders: dict[str, list[str]], as_digits: bool) -> Split:
    labels = [label for label, paths in enumerate(folders.values()) for _ in paths]
    images = torch.empty(len(labels), SIDE, SIDE, dtype=torch.uint8)
    paths = (path for paths in folders.values() for path in paths)
    for image, path in zip(images, tqdm(paths, desc="reading images", total=len(labels), delay=1, leave=False)):
        image.copy_(read_image(path, as_digits))
    return Split(images, torch.tensor(labels))


def read_image(path: str, as_digits: bool = True) -> Tensor:
    """An image file as the network sees it, uint8 (28, 28): all that is drawn in it is one digit.

    What has nothing drawn in it, or is not to be read ``as_digits``, is only made grey and resized. Raises InputError
    if it is no image, or would not fit into memory.
    """
    picture = read_picture(path)
    digits = digits_in(picture, several=False) if as_digits else []
    return torch.from_numpy(digits[0].image) if digits else resize(torch.from_numpy(picture)[None])[0]


def resize(images: Tensor, side: int = SIDE) -> Tensor:
    """Images, uint8 (n, height, width), brought to (n, side, side) where they are not."""
    if images.shape[1:] == (side, side):
        return images
    return F.interpolate(images[:, None], (side, side), mode="bilinear", antialias=True)[:, 0]


@contextmanager
def network_timeout(seconds: float):
    """A host that does not answer is given up on, where torchvision would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
