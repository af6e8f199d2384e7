"""Image data sets as tensors: files in, uint8 images of 28x28 pixels and integer labels out."""

import gzip
import math
import re
import socket
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from filelock import FileLock
from torch import Tensor
from torch.nn import functional as F
from torchvision import datasets as tv

from mnist_mlp.data.folder import read_folder
from mnist_mlp.data.splits import DIGITS, Dataset, Split, resize
from mnist_mlp.errors import InputError

TORCHVISION: dict[str, Any] = {"mnist": tv.MNIST, "fashion_mnist": tv.FashionMNIST, "kmnist": tv.KMNIST}
# Folders of data sets whose files are named as MNIST's are.
OTHER_SETS = re.compile(r"fashion|kuzushiji|(?<![a-z])(k|e|q|not)[-_]?mnist", re.IGNORECASE)


class NotAvailable(InputError):
    """None of a data set's files is there, and they could not be downloaded."""


def download(name: str, root: Path) -> None:
    """Downloads the files that are missing below ``root``, for data sets of torchvision.

    Raises:
        NotAvailable: No file is there and the download failed.
        InputError: Some files are there, but not all, and the download failed.
    """
    paths = idx_paths(name, root)
    missing = [path for path in paths if not path.exists()]
    if not missing:
        return
    raw = root / TORCHVISION[name].__name__ / "raw"
    made = [folder for folder in (raw, *raw.parents) if not folder.exists()]
    root.mkdir(parents=True, exist_ok=True)
    try:
        with one_at_a_time(root / ".download.lock"), network_timeout(seconds=20):
            TORCHVISION[name](root, download=True)  # does nothing if another process has just done it
    except (RuntimeError, URLError, HTTPException, TimeoutError, ConnectionError) as error:
        for folder in made:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        failed = f"and the download failed ({str(error).splitlines()[-1]})"
        if len(missing) < len(paths):
            raise InputError(f"{missing[0]} is missing {failed}; put it there") from error
        what = f"{root}: the folder does not exist" if root in made else f"{raw} is missing"
        names = ", ".join(path.name for path in paths)
        raise NotAvailable(f"{what} {failed}; put there {names}") from error


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
    """Returns the paths of a torchvision data set: training images and labels, then test images and labels.

    The folder that holds most of them counts: ``root/MNIST/raw``, as torchvision has them, or ``root`` if it is one of
    these folders. The files of MNIST may lie in any ``root``; other data sets have files of the same names.
    """
    if name not in TORCHVISION:
        return []
    own, last = TORCHVISION[name].__name__, root.absolute().parts[-2:]
    folders = [root / own / "raw", root / own]
    if own in last or (name == "mnist" and not any(map(OTHER_SETS.search, last))):
        folders += [root / "raw", root]
    files = [file.removesuffix(".gz") for file, _ in TORCHVISION[name].resources]
    places = ([idx_path(folder, file) for file in files] for folder in folders)
    return max(places, key=lambda paths: sum(map(Path.exists, paths)))


def idx_path(folder: Path, file: str) -> Path:
    """Returns the path of a file, packed or not, under the names that it has on the sites that offer it."""
    dotted = file.replace("-idx", ".idx")
    found = (folder / name for name in (file, f"{file}/{file}", dotted, f"{dotted}/{dotted}", f"{file}.gz"))
    return next((path for path in found if path.is_file()), folder / file)


def read_torchvision(name: str, root: Path) -> Dataset:
    """Reads a data set of torchvision whose files are there."""
    classes = [label.split(" - ")[0] for label in TORCHVISION[name].classes]  # torchvision has "0 - zero"
    paths = idx_paths(name, root)
    splits = []
    for images_path, labels_path in (paths[:2], paths[2:]):
        images, labels = read_idx(images_path, dimensions=3), read_idx(labels_path, dimensions=1).long()
        if len(images) != len(labels):
            raise InputError(
                f"{images_path}: {len(images)} images, but {labels_path.name} has {len(labels)} labels:"
                " one of the files belongs elsewhere; delete both to download them again"
            )
        if (highest := labels.max()) >= len(classes):
            raise InputError(
                f"{labels_path}: label {highest} is outside 0 to {len(classes) - 1}; delete the file to download it"
            )
        splits.append(Split(resize(images), labels))
    train, test = splits
    return Dataset(train, test, classes)


def read_idx(path: Path, dimensions: int) -> Tensor:
    """Returns the bytes in a file of IDX format (described at yann.lecun.com/exdb/mnist), which gzip may have packed.

    Raises:
        InputError: The header does not fit the file. Nothing is allocated on the header's word.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = bytearray(file.read())
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    start, again = 4 + 4 * dimensions, "delete it to download it again"
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, min(start, len(content)), 4)]
    if content[:4] != bytes([0, 0, 8, dimensions]):
        kind = "images" if dimensions == 3 else "labels"
        raise InputError(f"{path}: not an IDX file of {kind}; {again}")
    expected = start + math.prod(shape)
    if len(shape) < dimensions or len(content) != expected or expected == start:
        raise InputError(f"{path}: damaged: {len(content):,} bytes, but its header promises {expected:,}; {again}")
    return torch.frombuffer(content, dtype=torch.uint8, offset=start).view(shape)


def read_digits() -> Dataset:
    """Returns scikit-learn's 8x8 digits (Alpaydin and Kaynak 1998), framed as MNIST's: 20x20 centred in 28x28."""
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    images = torch.from_numpy(digits.images * (255 / 16)).round().to(torch.uint8)
    framed = F.pad(resize(images, 20), (4, 4, 4, 4))
    return Dataset(Split(framed, torch.from_numpy(digits.target).long()), None, DIGITS)
