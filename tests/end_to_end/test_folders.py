"""What train.py and predict do with folders of one's own pictures, and with folders that are not there."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image
from support.commands import assert_one_error_line, command_here, composed, train_here
from support.runs import trained_on

from mnist_mlp.command.settings import check
from mnist_mlp.command.typed import readable
from mnist_mlp.training.build import build_data

TINY = ["model=perceptron", "trainer=cpu", "trainer.max_epochs=1"]
NO_NETWORK = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}


def pictures(root: Path, number: int = 5) -> Path:
    """Two labels of dark pictures on white: an upright bar to the left, and one that lies to the right."""
    for label in "ab":
        (root / label).mkdir(parents=True, exist_ok=True)
        for index in range(number):
            picture = Image.new("L", (40 + index, 40), 255)
            picture.paste(0, (5, 5, 15, 35) if label == "a" else (20, 25, 38, 35))
            picture.save(root / label / f"{index}.png")
    return root


@pytest.mark.parametrize(
    "name", ["2024", "1e5", "1_000", "a b", "a#b=c", "ü", os.fsdecode(b"\xff"), "it's", "true", "~/a", "'2024'"]
)
def test_a_folder_of_any_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    pictures(Path("home/a" if name == "~/a" else name.strip("'")))
    config = composed(*readable(["data=folder", f"data.root={name}"]))
    check(config)
    assert build_data(config).description().endswith("6 images to train on, 2 to validate, 2 to test, 2 classes")


def test_a_folder_whose_name_is_not_utf_8(tmp_path):
    name = os.fsdecode(b"\xff")
    pictures(tmp_path / name)
    result = train_here(tmp_path, "data=folder", f"data.root={name}", *TINY)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["data=folder", "data.root=nowhere"], ["nowhere: the folder does not exist", "ROOT/<label>/*.png"]),
        (["data=folder", "data.root=own.zip"], ["own.zip: a zip file: unpack it", "ROOT/<label>/*.png"]),
        (["data=folder", "data.root=own.csv"], ["own.csv: a file, not a folder", "ROOT/<label>/*.png"]),
        (["data=folder", "data.root=tables"], ["tables: has no folders (1 .csv)", "ROOT/<label>/*.png"]),
        (["data.root=nowhere"], ["nowhere: the folder does not exist and the download failed"]),
        (["data.root=tables"], ["tables/MNIST/raw is missing and the download failed"]),
    ],
)
def test_a_root_that_is_none_is_one_line(tmp_path, arguments, parts):
    (tmp_path / "tables").mkdir()
    for name in ("own.zip", "own.csv", "tables/train.csv"):
        (tmp_path / name).write_text("1,2")
    before = sorted(tmp_path.rglob("*"))
    assert_one_error_line(train_here(tmp_path, *arguments, *TINY, **NO_NETWORK), *parts)
    assert sorted(tmp_path.rglob("*")) == before


def test_mnist_root_that_is_none_is_not_replaced(tmp_path):
    result = train_here(tmp_path, *TINY, MNIST_ROOT=str(tmp_path / "gone"), **NO_NETWORK)
    assert_one_error_line(result, "gone: the folder does not exist and the download failed")


@pytest.mark.parametrize("as_digits", [True, False])
def test_predict_reaches_what_the_training_measured(tmp_path, as_digits):
    root = pictures(tmp_path / "own", 20)
    settings = [f"data.root={root}", f"data.as_digits={as_digits}", "trainer.max_epochs=30", "model=perceptron"]
    run = trained_on(composed("data=folder", *settings, "trainer=cpu", "optimizer.lr=0.01"), tmp_path / "run")
    result = command_here(tmp_path, "predict", "own", "--run", "run", "--threshold", "0", "--json")
    read = [json.loads(line) for line in result.stdout.splitlines()]
    right = [len(line["digits"]) == 1 and line["digits"][0]["label"] == line["file"].split("/")[1] for line in read]
    assert len(read) == 40
    assert sum(right) / 40 >= run.metrics.test_accuracy - 0.05
