"""Tests on the real MNIST; skipped unless MNIST_ROOT names its folder."""

import hashlib

import pytest
from PIL import Image
from support.commands import composed

from mnist_mlp.data.module import DigitsDataModule, datasets
from mnist_mlp.training import run as training


def test_the_parts_are_the_tutorials(real_mnist):
    data = DigitsDataModule(root=real_mnist)
    data.prepare_data()
    data.setup()
    assert {name: images.shape for name, (images, _) in data.parts.items()} == {
        "train": (48_000, 784),
        "val": (12_000, 784),
        "test": (10_000, 784),
    }


def test_no_image_is_changed(real_mnist):
    images = datasets.read("mnist", real_mnist).train.images
    header = bytes([0, 0, 8, 3, 0, 0, 0xEA, 0x60, 0, 0, 0, 28, 0, 0, 0, 28])
    assert hashlib.md5(header + images.numpy().tobytes()).hexdigest() == "6bbc9ace898e44ae57da46a324031adb"


@pytest.mark.parametrize(
    ("experiment", "min_accuracy"), [("perceptron", 0.86), ("mlp", 0.895), ("dropout", 0.88), ("wide", 0.96)]
)
def test_two_epochs_of_each_experiment(real_mnist, tmp_path, experiment, min_accuracy):
    """The accuracy is at least what the right initialisation, optimizer, split and scale reach, less a little."""
    config = composed(
        f"experiment={experiment}", f"data.root={real_mnist}", "data.fallback=null", "trainer.max_epochs=2"
    )
    assert training.train(config, tmp_path).test_accuracy > min_accuracy


def test_a_folder_of_png_files_is_the_same_data(real_mnist, tmp_path):
    train, test, _, *_ = datasets.read("mnist", real_mnist)
    for name, part in (("train", train), ("test", test)):
        for index in range(2_000):
            path = tmp_path / f"{name}/{part.labels[index]}/{index:05}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(part.images[index].numpy()).save(path)
    read_train, read_test, classes, *_ = datasets.read("folder", tmp_path)
    assert classes == [str(digit) for digit in range(10)]
    for original, read in ((train, read_train), (test, read_test)):
        expected, found = (
            sorted(
                (int(label), image.numpy().tobytes()) for image, label in zip(part.images[:2_000], part.labels[:2_000])
            )
            for part in (original, read)
        )
        assert expected == found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("experiment", "tutorial"), [("perceptron", 92.10), ("mlp", 97.37), ("dropout", 97.28), ("wide", 98.24)]
)
def test_the_tutorials_accuracy(real_mnist, tmp_path, experiment, tutorial):
    """The mean over three seeds is at most 0.2 points below the tutorial's figure."""
    accuracies = []
    for seed in range(3):
        config = composed(f"experiment={experiment}", f"seed={seed}", f"data.root={real_mnist}", "data.fallback=null")
        accuracies.append(training.train(config, tmp_path / str(seed)).test_accuracy)
    assert 100 * sum(accuracies) / 3 >= tutorial - 0.2
