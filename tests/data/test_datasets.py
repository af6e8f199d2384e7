import gzip
import hashlib
import http.server
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch
from support.commands import write_idx
from torchvision import datasets as tv

from mnist_mlp.data import datasets
from mnist_mlp.errors import InputError


@pytest.fixture
def no_network(monkeypatch):
    """Downloads fail at once, as they do without a network."""
    for dataset in datasets.TORCHVISION.values():
        monkeypatch.setattr(dataset, "mirrors", ["http://127.0.0.1:9/"])


def test_reads_images_and_labels_as_they_are_in_the_files(mnist_root):
    train, test, classes, *_ = datasets.read("mnist", mnist_root)
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
    train, test, classes, *_ = datasets.read("digits", None)
    assert test is None
    assert train.images.shape == (1797, 28, 28)
    assert train.images.max() == 255
    assert not train.images[:, :4].any()
    assert not train.images[:, :, -4:].any()
    assert len(classes) == 10


@pytest.mark.parametrize("root", ["MNIST", "MNIST/raw", "flat", "packed", "kaggle", "mnist_by_hand"])
def test_mnist_one_level_too_deep_or_without_folders_or_packed(mnist_root, no_network, root):
    expected = datasets.read("mnist", mnist_root)
    raw = mnist_root / "MNIST/raw"
    for folder in (mnist_root / "flat", mnist_root / "packed", mnist_root / "kaggle", mnist_root / "mnist_by_hand/raw"):
        folder.mkdir(parents=True)
    for path in raw.iterdir():
        (mnist_root / "flat" / path.name).write_bytes(path.read_bytes())
        (mnist_root / f"packed/{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        (mnist_root / "mnist_by_hand/raw" / path.name).symlink_to(path)
        dotted = mnist_root / "kaggle" / path.name.replace("-idx", ".idx")
        dotted.mkdir()
        (dotted / dotted.name).write_bytes(path.read_bytes())
    datasets.download("mnist", mnist_root / root)
    found = datasets.read("mnist", mnist_root / root)
    for part in ("train", "test"):
        assert torch.equal(getattr(found, part).images, getattr(expected, part).images)
        assert torch.equal(getattr(found, part).labels, getattr(expected, part).labels)


@pytest.mark.parametrize("name", ["fashion_mnist", "kmnist"])
def test_files_of_another_data_set_with_the_same_names_are_not_taken(mnist_root, no_network, name):
    raw = mnist_root / "MNIST/raw"
    for root in (raw, mnist_root / "MNIST", mnist_root):
        with pytest.raises(datasets.NotAvailable, match="is missing and the download failed"):
            datasets.download(name, root)
    own = mnist_root / datasets.TORCHVISION[name].__name__
    (mnist_root / "MNIST").rename(own)
    for root in (mnist_root, own, own / "raw"):
        datasets.download(name, root)
        assert len(datasets.read(name, root).train.labels) == 640
    flat = own.rename(mnist_root / name)
    with pytest.raises(datasets.NotAvailable):
        datasets.download("mnist", flat / "raw")


def test_a_damaged_packed_file(mnist_root):
    path = mnist_root / "MNIST/raw/train-images-idx3-ubyte"
    packed = gzip.compress(path.read_bytes())
    path.unlink()
    for content in (b"no gzip", packed[:-100], packed[:100] + b"xx" + packed[102:]):
        path.with_name(f"{path.name}.gz").write_bytes(content)
        with pytest.raises(InputError, match="train-images-idx3-ubyte.gz: cannot be read"):
            datasets.read("mnist", mnist_root)


def test_a_folder_that_does_not_exist_is_called_so(tmp_path, no_network):
    with pytest.raises(datasets.NotAvailable, match="nowhere: the folder does not exist and the download failed"):
        datasets.download("mnist", tmp_path / "nowhere")
