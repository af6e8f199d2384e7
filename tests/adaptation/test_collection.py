"""A folder of own digits that grows."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mnist_mlp.adaptation.collection import Collection
from mnist_mlp.data.extra import read_extra
from mnist_mlp.data.folder import read_image
from mnist_mlp.errors import InputError
from mnist_mlp.pictures.in_folders.contents import kind_of
from mnist_mlp.pictures.mnist_form import mnist_image

DIGITS = [str(digit) for digit in range(10)]


def scrawl(seed: int) -> np.ndarray:
    """Strokes at random in MNIST's form, as a network sees them."""
    random = np.random.default_rng(seed)
    ink = np.zeros((300, 300), np.uint8)
    for _ in range(random.integers(1, 4)):
        points = random.integers(20, 280, (random.integers(2, 6), 2)).astype(np.int32)
        cv2.polylines(ink, [points], False, 255, int(random.integers(2, 40)), cv2.LINE_AA)
    return mnist_image(ink / np.float32(255))


def keep(collection: Collection, image: np.ndarray, label: str, read: str = "1") -> str | None:
    return collection.keep(image, label, read, 0.71234, "outputs/day/run", "scans/page.png")


def pictures(folder: Path) -> list[str]:
    """The label of each picture that is kept."""
    return sorted(path.parent.name for path in folder.glob("*/*.png"))


@pytest.mark.parametrize("part", [".", "train"])
def test_what_is_learned_is_what_the_network_saw(tmp_path, part):
    (tmp_path / part).mkdir(exist_ok=True)
    collection = Collection(tmp_path)
    images = [scrawl(seed) for seed in range(200)]
    for place, image in enumerate(images):
        assert keep(collection, image, DIGITS[place % 10]) is None
        (path,) = tmp_path.glob(f"{part}/*/{collection.kept[-1][0]}")
        assert np.array_equal(read_image(str(path)), image)
    learned = read_extra(tmp_path, DIGITS)
    assert len(learned.learned.labels) + len(learned.apart.labels) == collection.count() == 200


def test_the_index_says_what_was_read(tmp_path):
    collection = Collection(tmp_path)
    keep(collection, scrawl(0), "7", "1?")
    with (tmp_path / "index.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["when"].startswith("20") and (tmp_path / "7" / row.pop("picture")).is_file()
    row.pop("when")
    assert row == {"read": "1?", "probability": "0.7123", "run": "outputs/day/run", "source": "scans/page.png"}
    assert [seen.read for seen in Collection(tmp_path).rows()] == ["1?"]


def test_a_digit_is_kept_once_under_its_latest_label(tmp_path):
    collection = Collection(tmp_path)
    assert [keep(collection, scrawl(0), label) for label in ("1", "1", "7")] == [None, "1", "1"]
    assert pictures(tmp_path) == ["7"] and not (tmp_path / "1").exists()
    assert len(collection.rows()) == 1
    assert keep(Collection(tmp_path), scrawl(0), "unsorted") == "7"  # someone has told already
    assert pictures(tmp_path) == ["7"]


def test_undo_takes_back_one_change_after_the_other(tmp_path):
    collection = Collection(tmp_path)
    for seed, label in [(0, "1"), (1, "2"), (0, "7"), (0, "7")]:
        keep(collection, scrawl(seed), label)
    states = [(collection.undo(), pictures(tmp_path), len(collection.rows())) for _ in range(4)]
    assert states == [("7", ["1", "2"], 2), ("2", ["1"], 1), ("1", [], 0), (None, [], 0)]
    assert [path.name for path in tmp_path.iterdir()] == ["index.csv"]


def test_what_was_moved_by_hand_stays_where_it_is(tmp_path):
    collection = Collection(tmp_path)
    keep(collection, scrawl(0), "unsorted")
    keep(collection, scrawl(1), "1")
    keep(collection, scrawl(1), "2")
    (tmp_path / "3").mkdir()
    for path in [*tmp_path.glob("unsorted/*.png"), *tmp_path.glob("2/*.png")]:
        path.rename(tmp_path / "3" / path.name)
    assert [collection.undo() for _ in range(3)] == ["2", "1", "unsorted"]
    assert pictures(tmp_path) == ["3", "3"]


def test_no_digit_and_unsorted_ones_are_not_counted(tmp_path):
    collection = Collection(tmp_path / "new")
    assert collection.count() == 0
    for seed, label in enumerate(["3", "3", "no_digit", "unsorted"]):
        keep(collection, scrawl(seed), label)
    assert collection.count() == 2
    assert len(read_extra(tmp_path / "new", DIGITS).no_digits) == 1


def test_the_sheet_shows_what_is_unsorted(tmp_path):
    collection = Collection(tmp_path)
    assert collection.write_sheet() is None
    for seed in range(9):
        keep(collection, scrawl(seed), "unsorted")
    Image.new("RGB", (300, 200)).save(tmp_path / "unsorted/mine.jpg")  # put there by hand
    sheet = collection.write_sheet()
    assert sheet and kind_of(sheet.name) == "written by --show"  # not taken for one of the pictures
    with Image.open(sheet) as image:
        assert image.height > 300
        lit = np.asarray(image.convert("L"))
        assert (lit[20:132, 20:132] < 128).any()
    for path in (tmp_path / "unsorted").iterdir():
        path.unlink()
    assert collection.write_sheet() is None and not sheet.exists()


@pytest.mark.parametrize("label", ["..", "a/b", "", ".hidden", "train", "/etc"])
def test_a_label_that_is_no_folder_s_name_is_refused(tmp_path, label):
    with pytest.raises(InputError, match="cannot be the name of a label's folder"):
        keep(Collection(tmp_path / "own"), scrawl(0), label)
    assert not (tmp_path / "own").exists()


def test_what_would_be_read_back_otherwise_is_refused(tmp_path):
    for image in (np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8), scrawl(0) // 2):
        with pytest.raises(InputError, match="not a digit in MNIST's form"):
            keep(Collection(tmp_path), image, "1")


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", b"picture,read,probability,run,source,when\na,1,b,c,d,e\n", b"\xff"]
)
def test_a_damaged_index_is_not_overwritten(tmp_path, content):
    (tmp_path / "index.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"index\.csv: not an index of own digits; move it away"):
        keep(Collection(tmp_path), scrawl(0), "1")
    assert pictures(tmp_path) == [] and (tmp_path / "index.csv").read_bytes() == content


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: a file, not a folder"):
        Collection(tmp_path / "file").rows()
    with pytest.raises(InputError, match="file"):
        keep(Collection(tmp_path / "file"), scrawl(0), "1")
