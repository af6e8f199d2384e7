"""Image data sets as tensors: files in, uint8 images of 28x28 pixels and integer labels out."""

import math
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple
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

TORCHVISION: dict[str, Any] = {"mnist": tv.MNIST, "fashion_mnist": tv.FashionMNIST, "kmnist": tv.KMNIST}


class Split(NamedTuple):
    """Images, uint8 (n, 28, 28), and their labels, int64 (n,)."""

    images: Tensor
    labels: Tensor


class Dataset(NamedTuple):
    """Training images, test images if the data set has its own, and the name of each label."""

    train: Split
    test: Split | None
    classes: list[str]


class NotAvailable(InputError):
    """None of a data set's files is there, and they could not be downloaded."""


def download(name: str, root: Path) -> None:
    """Downloads the files that are missing below ``root``, for data sets of torchvision.

    Raises:
        NotAvailable: No file is there and the download failed.
        InputError: Some files are there, but not all, and the download failed.
    """
    paths = idx_paths(name, root)
    if all(path.exists() for path in paths):
        return
    raw = paths[0].parent
    none_there = not any(path.exists() or Path(f"{path}.gz").exists() for path in paths)
    made = [folder for folder in (raw, *raw.parents) if not folder.exists()]
    root.mkdir(parents=True, exist_ok=True)
    try:
        with one_at_a_time(root / ".download.lock"), network_timeout(seconds=20):
            TORCHVISION[name](root, download=True)  # does nothing if another process has just done it
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
def one_at_a_time(path: Path) -> Generator[None]:
    """Waits until no other process, such as another job of a sweep, is in such a block of the same path."""
    with FileLock(path):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def network_timeout(seconds: float) -> Generator[None]:
    """Gives up on a host that does not answer. torchvision would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def read(name: str, root: Path, as_digits: bool = True) -> Dataset:
    """Reads and checks a data set.

    Args:
        name: ``mnist``, ``fashion_mnist``, ``kmnist``, ``digits`` or ``folder``.
        root: Folder that holds its files; of no use to ``digits``.
        as_digits: Whether a folder's images are brought to MNIST's form, or only resized.

    Raises:
        InputError: A file is missing or damaged; names it.
    """
    if name == "digits":
        return read_digits()
    return read_folder(root, as_digits) if name == "folder" else read_torchvision(name, root)


def idx_paths(name: str, root: Path) -> list[Path]:
    """Returns the paths of a torchvision data set: training images and labels, then test images and labels."""
    if name not in TORCHVISION:
        return []
    raw = root / TORCHVISION[name].__name__ / "raw"
    return [raw / file.removesuffix(".gz") for file, _ in TORCHVISION[name].resources]


def read_torchvision(name: str, root: Path) -> Dataset:
    """Reads a data set of torchvision whose files are there."""
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
    """Returns the number of records in a file of bytes in IDX format (described at yann.lecun.com/exdb/mnist).

    Raises:
        InputError: The header does not fit the file. Nothing is allocated on the header's word.
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
    expected = len(header) + math.prod(shape)
    if len(shape) < dimensions or size != expected or expected == len(header):
        raise InputError(
            f"{path}: damaged: {size:,} bytes, but its header promises {expected:,}; delete it to download it again"
        )
    return shape[0]


def read_digits() -> Dataset:
    """Returns scikit-learn's 8x8 digits (Alpaydin and Kaynak 1998), framed as MNIST's: 20x20 centred in 28x28."""
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    images = torch.from_numpy(digits.images * (255 / 16)).round().to(torch.uint8)
    framed = F.pad(resize(images, 20), (4, 4, 4, 4))
    return Dataset(Split(framed, torch.from_numpy(digits.target).long()), None, [str(i) for i in range(10)])


def read_folder(root: Path, as_digits: bool = True) -> Dataset:
    """Reads images in one folder for each label, or in such folders below ``train`` and ``test``; labels sorted."""
    parts = [root / "train", root / "test"]
    if not all(part.is_dir() for part in parts):
        parts = [root]
    folders = [images_by_label(part) for part in parts]
    labels = list(folders[0])
    if labels != list(folders[-1]):
        raise InputError(f"{root}: train and test have different label folders")
    if len(labels) < 2:
        raise InputError(f"{root}: has only the label folder {labels[0]!r}, but two or more are needed")
    train, *test = (read_split(folder, as_digits) for folder in folders)
    classes = [label.encode(errors="backslashreplace").decode() for label in labels]  # so that any name can be shown
    return Dataset(train, test[0] if test else None, classes)


def images_by_label(root: Path) -> dict[str, list[str]]:
    """Returns the image files below each folder in ``root`` by the folder's name, all sorted.

    Links further down to other folders are not followed: they may lead back.

    Raises:
        InputError: There is no label folder, or one without images.
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
        raise InputError(f"data.root={root}: has no folders, but one for each label is needed")
    for label, paths in found.items():
        if not paths:
            raise InputError(f"{root / label}: has no images ({', '.join(IMG_EXTENSIONS)})")
    return found


def read_split(folders: dict[str, list[str]], as_digits: bool) -> Split:
    """Reads image files by label folder. A label is the folder's place."""
    labels = [label for label, paths in enumerate(folders.values()) for _ in paths]
    images = torch.empty(len(labels), SIDE, SIDE, dtype=torch.uint8)
    paths = (path for paths in folders.values() for path in paths)
    for image, path in zip(images, tqdm(paths, desc="reading images", total=len(labels), delay=1, leave=False)):
        image.copy_(read_image(path, as_digits))
    return Split(images, torch.tensor(labels))


def read_image(path: str, as_digits: bool = True) -> Tensor:
    """Returns an image file as the network sees it, uint8 (28, 28): all that is drawn in it is taken as one digit.

    An image without a drawing, or not ``as_digits``, is only made grey and resized.

    Raises:
        InputError: It is not an image, or too large for memory.
    """
    picture = read_picture(path)
    digits = digits_in(picture, several=False) if as_digits else []
    return torch.from_numpy(digits[0].image) if digits else resize(torch.from_numpy(picture)[None])[0]


def resize(images: Tensor, side: int = SIDE) -> Tensor:
    """Returns images, uint8 (n, height, width), as uint8 (n, side, side)."""
    if images.shape[1:] == (side, side):
        return images
    return F.interpolate(images[:, None], (side, side), mode="bilinear", antialias=True)[:, 0]
