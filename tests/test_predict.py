import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from support.commands import command_here

from mnist_mlp.adaptation.collection import Collection
from mnist_mlp.pictures.digits import Digit, digits_in
from mnist_mlp.pictures.files import read_picture
from mnist_mlp.predict import UNSURE, Reading, read
from mnist_mlp.reader import Reader


@pytest.fixture
def run(trained_run) -> Path:
    """The folder of a run that reads scikit-learn's digits."""
    return trained_run.folder.path


@pytest.fixture
def page(tmp_path):
    """A white page with a line of three digits, dark, and their labels."""
    digits = load_digits()
    paper = np.full((200, 500), 255, np.uint8)
    for place, index in enumerate((0, 11, 22)):
        large = Image.fromarray((digits.images[index] * 15.9).astype(np.uint8)).resize(
            (80, 80), Image.Resampling.BICUBIC
        )
        paper[60:140, 60 + 140 * place : 140 + 140 * place] = 255 - np.asarray(large)
    path = tmp_path / "page.png"
    Image.fromarray(paper).save(path)
    return path, digits.target[[0, 11, 22]]


def test_from_command_to_lines(tmp_path, run, page):
    path, _ = page
    (tmp_path / "broken.png").write_bytes(b"no picture")
    Image.new("L", (300, 300), 255).save(tmp_path / "empty.png")
    result = command_here(tmp_path, "predict", tmp_path, "--run", run, "--show", "shown")
    broken, pictures = result.stderr.splitlines()
    empty, line = result.stdout.splitlines()
    assert result.returncode == 2
    assert broken.startswith("error: ") and "broken.png: not a readable image" in broken
    assert pictures == "pictures: shown/*.read.png"
    assert empty.endswith("empty.png: nothing to read")
    assert line.startswith(f"{path}: ")
    assert [file.name for file in (tmp_path / "shown").iterdir()] == ["page.png.read.png"]
    with Image.open(tmp_path / "shown/page.png.read.png") as shown:
        assert shown.width > 1000


def test_digits_that_are_refused_or_unsure_are_kept_to_be_sorted(run, page, tmp_path):
    path, _ = page
    reader = Reader(run)
    (reading,) = read([str(path)], reader)
    second = sorted(np.sort(probabilities)[-2] for probabilities in reading.probabilities)
    result = command_here(tmp_path, "predict", path, "--run", run, "--collect", "own", "--threshold", "0")
    assert len(list(tmp_path.glob("own/unsorted/*.png"))) == sum(value >= UNSURE for value in second)
    result = command_here(tmp_path, "predict", path, "--run", run, "--collect", "own", "--threshold", "1")
    kept = sorted(tmp_path.glob("own/unsorted/*.png"))
    assert "own/unsorted; own/unsorted.read.png shows all: move each into own/<label>, or delete it" in result.stderr
    assert {read_picture(path).tobytes() for path in kept} == {digit.image.tobytes() for digit in reading.digits}
    rows = Collection(tmp_path / "own").rows()
    assert sorted(row.read for row in rows) == sorted(f"{guess}?" for guess in reading.guesses)
    assert {row.source for row in rows} == {str(path)}
    (tmp_path / "own/7").mkdir()
    kept[0].rename(tmp_path / "own/7" / kept[0].name)
    result = command_here(tmp_path, "predict", path, "--run", run, "--collect", "own", "--threshold", "1")
    assert "kept to be sorted: 0 more" in result.stderr
    assert sorted(tmp_path.glob("own/unsorted/*.png")) == kept[1:]


@pytest.mark.parametrize(("typed", "refused"), [([], True), (["--threshold", "0"], False)])
def test_the_threshold_is_the_run_s_unless_one_is_typed(run, page, tmp_path, typed, refused):
    shutil.copytree(run, tmp_path / "sure")
    metrics = json.loads((run / "metrics.json").read_text())
    (tmp_path / "sure/metrics.json").write_text(json.dumps(metrics | {"threshold": 1.0}))
    result = command_here(tmp_path, "predict", page[0], "--run", "sure", *typed)
    assert ("? marks what is less probable than 100 %, the run's threshold" in result.stderr) == refused
    line = result.stdout
    assert (line.count("?") == 3) == refused


def test_nothing_is_imported_that_reading_does_not_need(run, page, tmp_path):
    code = """
import sys
from mnist_mlp import predict
try:
    predict.main()
finally:
    others = ("hydra", "omegaconf", "lightning", "torchvision", "matplotlib", "scipy", "sklearn", "tensorboard")
    print([name for name in others if name in sys.modules])
"""
    command = [sys.executable, "-c", code, str(page[0]), "--run", str(run)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout.splitlines()[1] == "[]"


def test_reads_a_line_of_digits(run, page):
    path, labels = page
    (reading,) = read([str(path)], Reader(run, threshold=0))
    assert reading.labels == [str(label) for label in labels]
    expected = Reader(run).probabilities(np.stack([digit.image for digit in digits_in(read_picture(path))]))
    assert np.allclose(reading.probabilities, expected, atol=1e-6)
    assert [digit.box[0] // 140 for digit in reading.digits] == [0, 1, 2]


def test_json(run, page, tmp_path):
    path, labels = page
    sure, unsure, missing = (
        json.loads(reading.json())
        for files, threshold in (([str(path)], 0), ([str(path)], 1.0), (["missing.png"], 0))
        for reading in read(files, Reader(run, threshold))
    )
    assert sure["file"] == str(path)
    assert [digit["label"] for digit in sure["digits"]] == labels.tolist()
    for digit in sure["digits"]:
        left, top, right, bottom = digit["box"]
        assert 0 <= left < right <= 500
        assert 0 <= top < bottom <= 200
        assert sum(digit["probabilities"]) == pytest.approx(1, abs=1e-4)
        assert len(digit["probabilities"]) == 10
    assert [digit["label"] for digit in unsure["digits"]] == [None] * 3
    assert [digit["guess"] for digit in unsure["digits"]] == labels.tolist()
    assert [digit["line"] for digit in sure["digits"]] == [0, 0, 0]
    assert missing == {"file": "missing.png", "error": "missing.png: no such file"}


def test_lines_stay_lines_and_a_refused_digit_says_what_it_might_be():
    image = np.zeros((28, 28), np.uint8)
    digits = [Digit((0, 0, 1, 1), image, line) for line in (0, 0, 1)]
    probabilities = np.array([[0.1, 0.9], [0.4, 0.6], [1, 0]])
    reading = Reading("page.png", digits, ["1", None, "0"], ["1", "1", "0"], probabilities)
    assert reading.text() == "page.png: 11?  (90% 60%)\n          0  (100%)"
    found = json.loads(reading.json())["digits"]
    assert [(digit["line"], digit["label"], digit["guess"]) for digit in found] == [(0, 1, 1), (0, None, 1), (1, 0, 0)]


def test_a_picture_reads_the_same_among_others(run, page, tmp_path):
    path, _ = page
    Image.new("L", (50, 50)).save(tmp_path / "empty.png")
    files = [str(tmp_path / "empty.png"), str(path), "missing.png", str(path)]
    readings = list(read(files, Reader(run)))
    assert [reading.file for reading in readings] == files
    assert np.allclose(readings[1].probabilities, readings[3].probabilities, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no finished run below outputs: python train.py experiment=handwriting trains one"),
        (("--run", "nowhere"), "nowhere: no such file; a run's folder has"),
        (("--threshold", "2"), "--threshold"),
    ],
)
def test_says_what_is_wrong_in_one_line(tmp_path, page, arguments, message):
    result = command_here(tmp_path, "predict", page[0], *arguments)
    assert result.returncode == 2
    assert message in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_pictures_of_one_name_do_not_replace_each_other(run, page, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / "scans" / folder).mkdir(parents=True)
        shutil.copy(page[0], tmp_path / "scans" / folder / "1.png")
    for _ in range(2):  # shown again, each replaces its own
        command_here(tmp_path, "predict", "scans", "--run", run, "--show", "shown")
    assert sorted(file.name for file in (tmp_path / "shown").iterdir()) == ["1.png-2.read.png", "1.png.read.png"]
    shutil.copy(page[0], tmp_path / "1.png")
    command_here(tmp_path, "predict", "1.png", "--run", run, "--show", "shown")
    assert len(list((tmp_path / "shown").iterdir())) == 3


def test_a_folder_of_scans_and_other_files(run, page, tmp_path):
    (tmp_path / "scans").mkdir()
    shutil.copy(page[0], tmp_path / "scans/1.png")
    for name in ("notes.pdf", "clip.mpg", "data.h5", "._1.png", "Thumbs.db"):
        (tmp_path / "scans" / name).write_text("x")
    result = command_here(tmp_path, "predict", "scans", "scans/1.png", "--run", run)
    assert result.returncode == 0
    assert result.stdout.startswith("scans/1.png: ") and result.stdout.count("\n") == 1
    left_out, advice = result.stderr.strip().split("; ")
    assert sorted(left_out.removeprefix("left out: ").split(", ")) == ["1 .h5", "1 .mpg", "1 .pdf", "2 hidden"]
    assert advice == "export .pdf as JPEG or PNG"


def test_names_that_stand_for_nothing_do_not_keep_the_others_from_being_read(run, page, tmp_path):
    (tmp_path / "empty").mkdir()
    names = ["empty", "-", "https://example.org/1.png", "*.gif", page[0]]
    result = command_here(tmp_path, "predict", *names, "--run", run, "--show", "shown")
    assert result.returncode == 2
    assert result.stdout.count("\n") == 1
    assert result.stderr.splitlines() == [
        "error: empty: a folder without pictures",
        "error: -: standard input is not read; name a file",
        "error: https://example.org/1.png: an address, not a file; download the picture first",
        "error: *.gif: matches no picture",
        "pictures: shown/*.read.png",
    ]
    alone = command_here(tmp_path, "predict", "empty", "--run", run, "--show", "shown2", "--json")
    assert json.loads(alone.stdout) == {"file": "empty", "error": "empty: a folder without pictures"}
    assert alone.stderr == ""


def test_what_a_file_holds_besides_its_first_picture_is_said(tmp_path, run, page):
    with Image.open(page[0]) as first:
        first.save(tmp_path / "scan.tif", save_all=True, append_images=[first.copy()])
    result = command_here(tmp_path, "predict", page[0], "scan.tif", "--run", run)
    assert result.returncode == 0
    assert result.stderr == "only the first page or frame is read of scan.tif\n"


def test_what_a_terminal_would_obey_in_a_name_is_escaped(tmp_path, run, page):
    page[0].rename(tmp_path / "a\x1b[31m\nb.png")
    result = command_here(tmp_path, "predict", ".", "--run", run)
    assert result.stdout.startswith("./a\\x1b[31m\\nb.png: ")
    assert len(result.stdout.splitlines()) == 1


def test_show_needs_a_folder(tmp_path, run, page):
    result = command_here(tmp_path, "predict", page[0], "--run", run, "--show", page[0])
    assert result.stderr == f"error: --show: {page[0]}: a file, not a folder\n"
    assert result.returncode == 2
