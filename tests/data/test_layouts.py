"""Generated folders of one's own images, in the layouts and with the junk that people have.

Each is read with the counts that a person would count, or refused in one line that says why.
"""

import io
import os
import random
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from mnist_mlp.data.folder import read_folder
from mnist_mlp.errors import InputError

LABELS = ["0", "1", "7", "10", "a b", "#3", "ü", "x=1", os.fsdecode(b"\xff"), "2nd test tube", "Ω"]
PARTS = {
    "train": ["train", "Train", "training", "TRAIN", "trainingSet", "mnist_train", "train-images"],
    "val": ["val", "valid", "Validation", "dev", "val_set"],
    "test": ["test", "Test", "testing", "testSet", "test data"],
}
FORMATS = [("png", "PNG"), ("PNG", "PNG"), ("gif", "GIF"), ("bmp", "BMP"), ("Jpeg", "JPEG"), ("webp", "WEBP")]
JUNK = {  # file: as what it is counted
    "._1.png": "hidden",
    ".DS_Store": "hidden",
    "Thumbs.db": "hidden",
    "desktop.ini": "hidden",
    ".ipynb_checkpoints/1-checkpoint.png": "hidden",
    "__MACOSX/0/._1.png": "hidden",
    "scan.pdf": ".pdf",
    "photo.NEF": ".nef",
    "labels.csv": ".csv",
    "README": "other files",
    "1.png.read.png": "written by --show",
}


@cache
def picture(format: str, label: int) -> bytes:
    """An image file whose brightness tells its label."""
    file = io.BytesIO()
    Image.new("L", (9, 8), 20 * label).save(file, format, **({"lossless": True} if format == "WEBP" else {}))
    return file.getvalue()


class Layout:
    """A folder as the seed draws it, with what is to be counted in it."""

    def __init__(self, root: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.root = root
        self.labels = sorted(self.random.sample(LABELS, self.random.randint(2, 5)))
        self.counts: dict[str, Counter[int]] = {}
        self.left_out: Counter[str] = Counter()
        self.top = root.joinpath(*["archive", "my digits"][: self.random.randint(0, 2)])
        self.top.mkdir(parents=True)
        parts = self.random.choice([[], ["train", "test"], ["train", "val"], ["train", "val", "test"], ["train"]])
        self.parts = {part: self.top / self.random.choice(PARTS[part]) for part in parts} or {"train": self.top}
        for part, folder in self.parts.items():
            self.add_part(part, folder)
        for folder in [path for path in root.rglob("*") if path.is_dir() and not path.is_symlink()]:
            if self.random.random() < 0.4:
                self.add_junk(folder)

    def add_part(self, part: str, folder: Path) -> None:
        """Adds pictures of each label, sometimes in a folder of the same name, in a folder below, or behind a link."""
        self.counts[part] = Counter()
        for number, label in enumerate(self.labels):
            place = folder / label
            if self.random.random() < 0.1:
                outside = self.root.parent / f"outside/{part}/{number}"
                outside.mkdir(parents=True)
                folder.mkdir(parents=True, exist_ok=True)
                place.symlink_to(outside)
            elif self.random.random() < 0.1:
                place /= label
            places = [place, *([place / "more"] if self.random.random() < 0.2 else [])]
            for where in places:
                where.mkdir(parents=True, exist_ok=True)
                for index in range(self.random.randint(1, 4)):
                    ending, format = self.random.choice(FORMATS)
                    (where / f"{index}.{ending}").write_bytes(picture(format, number))
                    self.counts[part][number] += 1

    def add_junk(self, folder: Path) -> None:
        for name in self.random.sample(sorted(JUNK), self.random.randint(1, 3)):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\x00\x05\x16\x07")
            self.left_out[JUNK[name]] += 1
        if self.random.random() < 0.2:
            (folder / "gone.png").symlink_to("/nowhere/gone.png")
            self.left_out["linked to nothing"] += 1
        if self.random.random() < 0.2:
            (folder / "loop").symlink_to(self.root, target_is_directory=True)
            self.left_out["linked to a folder that is read anyway"] += 1
        if self.random.random() < 0.2 and folder in (self.top, *self.parts.values()):
            (folder / "overview.png").write_bytes(picture("PNG", 0))
            self.left_out["pictures outside the label folders"] += 1


@pytest.mark.parametrize("tens", range(10))
def test_what_a_person_would_count(tmp_path, tens):
    for seed in range(10 * tens, 10 * tens + 10):
        layout = Layout(tmp_path / f"{seed}/root", seed)
        data = read_folder(layout.root, as_digits=False)
        assert data.classes == [label.encode(errors="backslashreplace").decode() for label in layout.labels], seed
        assert data.left_out == layout.left_out, seed
        for part, split in (("train", data.train), ("val", data.val), ("test", data.test)):
            assert Counter(split.labels.tolist() if split else []) == layout.counts.get(part, Counter()), (seed, part)
            if split:
                brightness = split.images.float().mean((1, 2)) / 20
                assert (brightness.round() == split.labels).all(), (seed, part)


def first_label(layout: Layout) -> Path:
    return layout.parts["train"] / layout.labels[0]


def empty_label(layout: Layout) -> str:
    (layout.parts["train"] / "9999").mkdir()
    return "9999: is empty; put the label's pictures there, or remove the folder"


def label_of_other_files(layout: Layout) -> str:
    (layout.parts["train"] / "9999").mkdir()
    (layout.parts["train"] / "9999/a.heic").touch()
    return "9999: no pictures, but 1 .heic"


def label_of_folders(layout: Layout) -> str:
    for writer in ("alice", "bob"):
        (layout.parts["train"] / f"9999/{writer}").mkdir(parents=True)
        (layout.parts["train"] / f"9999/{writer}/a.png").write_bytes(picture("PNG", 0))
    return "9999: holds folders (alice, bob) where a label's pictures must be"


def label_in_another(layout: Layout) -> str:
    inner = first_label(layout) / layout.labels[1]
    inner.mkdir()
    (inner / "a.png").write_bytes(picture("PNG", 1))
    return "a label folder in another one"


def damaged_picture(layout: Layout) -> str:
    (first_label(layout) / "bad.png").write_bytes(picture("PNG", 0)[:-25])
    return "bad.png: not a readable image"


def empty_picture(layout: Layout) -> str:
    for name in ("bad1.png", "bad2.png"):
        (first_label(layout) / name).touch()
    return "bad1.png: not a readable image (empty: 0 bytes); 1 more are not either"


def unlabelled_test(layout: Layout) -> str:
    (layout.top / "eval_images").mkdir()
    (layout.top / "eval_images/a.png").write_bytes(picture("PNG", 0))
    if layout.parts["train"] == layout.top:
        return "eval_images cannot lie beside "
    return "both are to val" if "val" in layout.parts else "eval_images: has 1 pictures, but no folder for each label"


def unknown_label(layout: Layout) -> str:
    part = layout.parts["train"].parent / "test 2"
    if "test" in layout.parts or layout.parts["train"] == layout.top:
        return ""
    (part / "9999").mkdir(parents=True)
    (part / "9999/a.png").write_bytes(picture("PNG", 0))
    return "test 2: has labels that"


DEFECTS = [empty_label, label_of_other_files, label_of_folders, label_in_another, damaged_picture, empty_picture]
DEFECTS += [unlabelled_test, unknown_label]


@pytest.mark.parametrize("defect", DEFECTS)
def test_what_a_person_would_have_to_ask_about(tmp_path, defect):
    for seed in range(100, 106):
        layout = Layout(tmp_path / f"{seed}/root", seed)
        if expected := defect(layout):
            with pytest.raises(InputError) as caught:
                read_folder(layout.root, as_digits=False)
            assert expected in str(caught.value), seed
            assert str(layout.root) in str(caught.value)
            assert "\n" not in str(caught.value)
