import os

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_mlp.data.folder import read_folder, read_image
from mnist_mlp.errors import InputError
from mnist_mlp.pictures import files


def save(path, pixels: torch.Tensor, mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.to(torch.uint8).numpy()).convert(mode).save(path)


def test_folder_of_grey_and_colour_images_of_any_size(tmp_path):
    for index, (size, mode) in enumerate([((28, 28), "L"), ((60, 90), "RGB"), ((8, 8), "P"), ((28, 28), "1")]):
        save(tmp_path / f"b/{index}.png", torch.full(size, 255), mode)
    save(tmp_path / "a/x.bmp", torch.zeros(10, 10))
    train, test, classes, *_ = read_folder(tmp_path)
    assert classes == ["a", "b"]
    assert train.labels.tolist() == [0, 1, 1, 1, 1]
    assert train.images.shape == (5, 28, 28)
    assert not train.images[0].any()
    assert (train.images[1:] == 255).all()
    assert test is None


def test_folder_with_a_test_part(tmp_path):
    for part, label in [("train", 3), ("train", 4), ("test", 3), ("test", 4)]:
        save(tmp_path / f"{part}/{label}/x.png", torch.full((28, 28), 10 * label))
    train, test, classes, *_ = read_folder(tmp_path)
    assert classes == ["3", "4"]
    assert train.labels.tolist() == test.labels.tolist() == [0, 1]


def test_pictures_of_no_digit_and_unsorted_ones_are_left_out(tmp_path):
    for label in ("3", "4", "no_digit", "unsorted"):
        save(tmp_path / label / "x.png", torch.full((28, 28), 10))
    Image.new("L", (9, 9)).save(tmp_path / "outside.png")
    found = read_folder(tmp_path)
    assert (found.classes, found.train.labels.tolist()) == (["3", "4"], [0, 1])
    assert found.left_out == {"no_digit": 1, "unsorted": 1, "pictures outside the label folders": 1}


def test_empty_folders_that_are_no_labels_are_no_mistake(tmp_path):
    for label in ("3", "4"):
        save(tmp_path / label / "x.png", torch.full((28, 28), 10))
    for name in ("no_digit", "unsorted"):
        (tmp_path / name).mkdir()
    assert not read_folder(tmp_path).left_out
    for label in ("3", "4"):
        (tmp_path / label / "x.png").rename(tmp_path / "unsorted" / f"{label}.png")
        (tmp_path / label).rmdir()
    with pytest.raises(InputError, match="has no label folder, but two or more are needed"):
        read_folder(tmp_path)


def test_folder_errors_name_what_is_wrong(tmp_path):
    root = tmp_path / "mine"
    with pytest.raises(InputError, match="mine: the folder does not exist"):
        read_folder(root)
    root.mkdir()
    with pytest.raises(InputError, match="mine"):
        read_folder(root)
    save(root / "0/a.png", torch.zeros(28, 28))
    with pytest.raises(InputError, match="only the label folder '0'"):
        read_folder(root)
    (root / "1").mkdir()
    with pytest.raises(InputError, match="1"):
        read_folder(root)
    (root / "1/b.png").write_text("not an image")
    with pytest.raises(InputError, match="b.png: not a readable image"):
        read_folder(root)
    save(root / "1/b.png", torch.zeros(28, 28))
    (root / "1/b.png").write_bytes((root / "1/b.png").read_bytes()[:-20])
    with pytest.raises(InputError, match="b.png: not a readable image"):
        read_folder(root)


def test_sixteen_bits_of_grey_are_scaled(tmp_path):
    Image.fromarray(np.full((28, 28), 20_000, np.uint16)).save(tmp_path / "a.png")
    assert read_image(str(tmp_path / "a.png")).unique().item() in (77, 78)


def test_too_many_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "WHOLE_PIXELS", 100)
    monkeypatch.setattr(files, "MAX_PIXELS", 100)
    Image.new("L", (20, 20)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a.png: not a readable image \(20 x 20 pixels are too many"):
        read_image(str(tmp_path / "a.png"))


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
    data = read_folder(tmp_path)
    assert len(data.train.labels) == 6
    assert data.classes == ["a", "b\n\\udcff"]
