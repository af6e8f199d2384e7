import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from support.commands import command_here

from mnist_mlp.data import datasets
from mnist_mlp.evaluate import Evaluation, evaluate, interval, matrix, text
from mnist_mlp.reader import Reader


@pytest.fixture
def run(trained_run):
    """The folder of a run that reads scikit-learn's digits."""
    return trained_run.folder.path


@pytest.fixture
def pictures(tmp_path):
    """A folder of three pictures for each of three labels, dark on light."""
    digits = load_digits()
    for label in (0, 1, 7):
        folder = tmp_path / "own" / str(label)
        folder.mkdir(parents=True)
        for index in np.flatnonzero(digits.target == label)[:3]:
            picture = Image.fromarray(255 - (digits.images[index] * 15.9).astype(np.uint8))
            picture.resize((80, 80), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return tmp_path / "own"


def evaluation(labels, probabilities, classes=("0", "1")) -> Evaluation:
    names = [f"{place}.png" for place in range(len(labels))]
    return Evaluation("run", "pictures", list(classes), 0.8, np.array(labels), np.array(probabilities), names)


def test_the_run_s_own_test_images_give_the_accuracy_of_its_training(run, trained_run, small_mnist):
    found, images = evaluate(run)
    assert found.summary()["accuracy"] == pytest.approx(trained_run.metrics.test_accuracy)
    assert found.what == "test images of mnist"
    test = datasets.read("mnist", small_mnist).test
    assert (images == test.images.numpy()).all()
    assert found.confusion.sum(1).tolist() == test.labels.bincount(minlength=10).tolist()
    assert len(found.mistakes) == found.confusion.sum() - np.trace(found.confusion)


def test_another_data_set(run):
    found, _ = evaluate(run, "data=digits")
    assert len(found.labels) == 359  # a fifth of the 1,797, as in training
    assert found.summary()["accuracy"] > 0.8


def test_a_folder_of_labelled_pictures(run, pictures, tmp_path):
    result = command_here(tmp_path, "evaluate", run, pictures, "--json", "--show", "shown")
    found = json.loads(result.stdout)
    assert (result.returncode, found["count"], found["images"]) == (0, 9, f"pictures in {pictures}")
    assert np.sum(found["confusion"], 1).tolist() == [3, 3, 0, 0, 0, 0, 0, 3, 0, 0]
    assert found["accuracy"] == np.trace(found["confusion"]) / 9
    assert {mistake["image"] for mistake in found["mistakes"]} <= set(map(str, pictures.rglob("*.png")))
    assert sorted(path.name for path in (tmp_path / "shown").iterdir()) == ["confusion.png", "mistakes.png"]


def test_what_has_no_label_is_left_out_and_said(run, pictures, tmp_path):
    for name in ("no_digit", "unsorted"):
        (pictures / name).mkdir()
    assert evaluate(run, str(pictures))[0].what == f"pictures in {pictures}"
    Image.new("L", (30, 30)).save(pictures / "unsorted/a.png")
    found, _ = evaluate(run, str(pictures))
    assert (len(found.labels), found.what) == (9, f"pictures in {pictures}; left out: 1 unsorted")
    Image.new("L", (30, 30)).save(pictures / "b.png")
    left_out = "1 pictures outside the label folders, 1 unsorted"
    assert evaluate(run, str(pictures))[0].what.endswith(f"; left out: {left_out}")
    for label in "017":
        shutil.rmtree(pictures / label)
    result = command_here(tmp_path, "evaluate", run, pictures)
    advice = "move each of the 1 in unsorted into the folder of its label"
    assert (result.returncode, result.stderr) == (2, f"error: {pictures}: no picture has a label: {advice}\n")


def test_pictures_are_read_as_predict_reads_them(run, pictures):
    found, images = evaluate(run, str(pictures))
    assert np.allclose(found.probabilities, Reader(run).probabilities(images))
    assert images.shape == (9, 28, 28) and images[:, 0].max() == 0  # brought to MNIST's form


def test_counts_and_the_order_of_mistakes():
    found = evaluation([0, 0, 1, 1], [[0.9, 0.1], [0.3, 0.7], [0.9, 0.1], [0.4, 0.6]])
    summary = found.summary()
    assert summary["confusion"] == [[1, 1], [1, 1]]
    assert [(mistake["image"], mistake["label"], mistake["read"]) for mistake in found.mistakes] == [
        ("2.png", "1", "0"),
        ("1.png", "0", "1"),
    ]
    assert (summary["accuracy"], summary["refused"], summary["accuracy_of_the_readable"]) == (0.5, 0.5, 0.5)
    assert matrix(found)[1:] == ["true  0 1", "0     1 1", "1     1 1"]


def test_wilson_s_interval():
    low, high = interval(np.arange(100) < 95)
    assert (round(low, 4), round(high, 4)) == (0.8882, 0.9785)  # Newcombe 1998, table I's method 3 agrees
    assert interval(np.ones(3, bool))[1] == 1


def test_the_text_fits_a_narrow_terminal_whatever_the_classes():
    names = [f"a class of a long name {place}" for place in range(47)]
    probabilities = np.eye(47)[np.arange(47) // 2]
    lines = text(evaluation(np.arange(47), probabilities, names)).splitlines()
    assert "the most frequent confusions:" in lines
    assert max(map(len, text(evaluation([0, 1], [[0.9, 0.1], [0.2, 0.8]])).splitlines())) <= 80


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ("nowhere", "nowhere: the folder does not exist"),
        ("data=cifar10", "data=cifar10: no such data set; there are mnist, fashion_mnist, kmnist, digits"),
        ("other", "other: the run has no label 'cat', only 0, 1"),
        ("zeros", "zeros: the run has no label '07', only 0, 1, 2, 3, 4, 5, 6, 7, 8, 9; did you mean 7?"),
    ],
)
def test_what_cannot_be_evaluated_is_said_in_a_line(run, tmp_path, images, said):
    for folder in ("other/cat", "other/dog", "zeros/07"):
        (tmp_path / folder).mkdir(parents=True)
        Image.new("L", (30, 30)).save(tmp_path / folder / "a.png")
    result = command_here(tmp_path, "evaluate", run, images)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: {said}") and len(result.stderr.splitlines()) == 1


def test_lightning_is_not_imported():
    heavy = "('lightning', 'hydra', 'matplotlib')"
    code = f"import sys, mnist_mlp.evaluate; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
