import gzip
import hashlib
import http.server
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from support.commands import write_idx
from torchvision import datasets as tv

from mnist_mlp.data import datasets
from mnist_mlp.errors import InputError
from mnist_mlp.pictures import files


@pytest.fixture
def no_network(monkeypatch):
    """Downloads fail at once, as they do without a network."""
    for dataset in datasets.TORCHVISION.values():
        monkeypatch.setattr(dataset, "mirrors", ["http://127.0.0.1:9/"])


def test_reads_images_and_labels_as_they_are_in_the_files(mnist_root):
    train, test, classes = datasets.read("mnist", mnist_root)
    raw = (mnist_root / "MNIST/raw/train-images-idx3-ubyte").read_bytes()[16:]
    assert train.images.shape == (640, 28, 28)
    assert train.images.numpy().tobytes() == raw
    assert test.labels.shape == (200,)
    assert classes == [str(digit) for digit in range(10)]


@pytest.mark.parametrize(("name", "folder"), [("fashion_mnist", "FashionMNIST"), ("kmnist", "KMNIST")])
def test_reads_other_data_sets_of_the_format(mnist_root, name, folder):
    (mnist_root / "MNIST").rename(mnist_root / folder)
    assert len(datasets.read(name, mnist_root).classes) == 10


def test_resizes_images_of_another_size(mnist_root):
    raw = mnist_root / "MNIST/raw"
    images = torch.zeros(640, 20, 36)
    images[:, :, 18:] = 255
    write_idx(raw / "train-images-idx3-ubyte", images)
    resized = datasets.read("mnist", mnist_root).train.images
    assert resized.shape == (640, 28, 28)
    assert resized.dtype == torch.uint8
    assert (resized[:, :, :12] == 0).all()
    assert (resized[:, :, 16:] == 255).all()


def damage(raw, how: str) -> str:
    """Damages a file and returns its name."""
    images, labels = raw / "train-images-idx3-ubyte", raw / "train-labels-idx1-ubyte"
    if how == "truncated":
        images.write_bytes(images.read_bytes()[:-1])
    elif how == "longer":
        images.write_bytes(images.read_bytes() + b"\0")
    elif how == "empty":
        images.write_bytes(b"")
    elif how == "header only":
        images.write_bytes(images.read_bytes()[:10])
    elif how == "promises terabytes":
        images.write_bytes(images.read_bytes()[:4] + b"\xff" * 12 + images.read_bytes()[16:])
    elif how == "no images":
        write_idx(images, torch.zeros(0, 28, 28))
    elif how == "swapped with the test images":
        images.write_bytes((raw / "t10k-images-idx3-ubyte").read_bytes())
    elif how == "swapped with the labels":
        images.write_bytes(labels.read_bytes())
    elif how == "label outside the classes":
        labels.write_bytes(labels.read_bytes()[:-1] + b"\x0a")
        return labels.name
    elif how == "a folder":
        images.unlink()
        images.mkdir()
    return images.name


@pytest.mark.parametrize(
    "how",
    [
        "truncated",
        "longer",
        "empty",
        "header only",
        "promises terabytes",
        "no images",
        "swapped with the test images",
        "swapped with the labels",
        "label outside the classes",
        "a folder",
    ],
)
def test_names_the_damaged_file(mnist_root, how):
    name = damage(mnist_root / "MNIST/raw", how)
    with pytest.raises(InputError, match=name) as caught:
        datasets.read("mnist", mnist_root)
    assert not isinstance(caught.value, datasets.NotAvailable)


def test_a_missing_file_is_an_error_where_others_are_there(mnist_root, no_network):
    (mnist_root / "MNIST/raw/t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match="t10k-labels-idx1-ubyte is missing") as caught:
        datasets.download("mnist", mnist_root)
    assert not isinstance(caught.value, datasets.NotAvailable)


def test_without_files_and_network_a_data_set_is_not_available(tmp_path, no_network):
    with pytest.raises(datasets.NotAvailable, match="train-images-idx3-ubyte"):
        datasets.download("mnist", tmp_path / "new/data")
    assert list(tmp_path.iterdir()) == []  # no empty folder is left


def test_downloads_what_is_missing(mnist_root, tmp_path, monkeypatch):
    """torchvision's own download, from a server on this machine."""
    site = tmp_path / "site"
    site.mkdir()
    resources = []
    for path in datasets.idx_paths("mnist", mnist_root):
        packed = gzip.compress(path.read_bytes())
        (site / f"{path.name}.gz").write_bytes(packed)
        resources.append((f"{path.name}.gz", hashlib.md5(packed).hexdigest()))
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(tv.MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
        monkeypatch.setattr(tv.MNIST, "resources", resources)
        with ThreadPoolExecutor(3) as together:  # as jobs of a sweep would, where nothing is there yet
            list(together.map(datasets.download, ["mnist"] * 3, [tmp_path / "data"] * 3))
        server.shutdown()
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"MNIST"}
    expected, downloaded = (datasets.read("mnist", root).train for root in (mnist_root, tmp_path / "data"))
    assert torch.equal(expected.images, downloaded.images)


def test_digits_are_real_and_framed_as_mnist():
    train, test, classes = datasets.read("digits", None)
    assert test is None
    assert train.images.shape == (1797, 28, 28)
    assert train.images.max() == 255
    assert not train.images[:, :4].any()
    assert not train.images[:, :, -4:].any()
    assert len(classes) == 10


def save(path, pixels: torch.Tensor, mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.to(torch.uint8).numpy()).convert(mode).save(path)


def test_folder_of_grey_and_colour_images_of_any_size(tmp_path):
    for index, (size, mode) in enumerate([((28, 28), "L"), ((60, 90), "RGB"), ((8, 8), "P"), ((28, 28), "1")]):
        save(tmp_path / f"b/{index}.png", torch.full(size, 255), mode)
    save(tmp_path / "a/x.bmp", torch.zeros(10, 10))
    train, test, classes = datasets.read("folder", tmp_path)
    assert classes == ["a", "b"]
    assert train.labels.tolist() == [0, 1, 1, 1, 1]
    assert train.images.shape == (5, 28, 28)
    assert not train.images[0].any()
    assert (train.images[1:] == 255).all()
    assert test is None


def test_folder_with_a_test_part(tmp_path):
    for part, label in [("train", 3), ("train", 4), ("test", 3), ("test", 4)]:
        save(tmp_path / f"{part}/{label}/x.png", torch.full((28, 28), 10 * label))
    train, test, classes = datasets.read("folder", tmp_path)
    assert classes == ["3", "4"]
    assert train.labels.tolist() == test.labels.tolist() == [0, 1]


def test_folder_errors_name_what_is_wrong(tmp_path):
    root = tmp_path / "mine"
    with pytest.raises(InputError, match="mine: No such file"):
        datasets.read("folder", root)
    root.mkdir()
    with pytest.raises(InputError, match="mine"):
        datasets.read("folder", root)
    save(root / "0/a.png", torch.zeros(28, 28))
    with pytest.raises(InputError, match="only the label folder '0'"):
        datasets.read("folder", root)
    (root / "1").mkdir()
    with pytest.raises(InputError, match="1"):
        datasets.read("folder", root)
    (root / "1/b.png").write_text("not an image")
    with pytest.raises(InputError, match="b.png: not a readable image"):
        datasets.read("folder", root)
    save(root / "1/b.png", torch.zeros(28, 28))
    (root / "1/b.png").write_bytes((root / "1/b.png").read_bytes()[:-20])
    with pytest.raises(InputError, match="b.png: not a readable image"):
        datasets.read("folder", root)


def test_sixteen_bits_of_grey_are_scaled(tmp_path):
    Image.fromarray(np.full((28, 28), 20_000, np.uint16)).save(tmp_path / "a.png")
    assert datasets.read_image(str(tmp_path / "a.png")).unique().item() in (77, 78)


def test_too_many_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_PIXELS", 100)
    Image.new("L", (20, 20)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a.png: not a readable image \(20 x 20 pixels are too many\)"):
        datasets.read_image(str(tmp_path / "a.png"))


def test_a_folder_of_odd_things(tmp_path):
    odd = os.fsdecode(b"b\n\xff")
    for label in ("a", odd):
        (tmp_path / label).mkdir()
        for number in range(3):
            Image.new("L", (28, 28), number).save(tmp_path / label / f"{number}.png")
    (tmp_path / "a/loop").symlink_to("..", target_is_directory=True)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    os.mkfifo(tmp_path / "a/pipe.png")
    data = datasets.read("folder", tmp_path)
    assert len(data.train.labels) == 6
    assert data.classes == ["a", "b\n\\udcff"]
