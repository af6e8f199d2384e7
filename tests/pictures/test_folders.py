import os
import subprocess
from collections import Counter

import pytest

from mnist_mlp.errors import InputError
from mnist_mlp.pictures.files import read_picture
from mnist_mlp.pictures.in_folders.contents import find_pictures, in_words, no_picture, walk
from mnist_mlp.pictures.in_folders.labels import part_of

HEIC = "export .heic as JPEG or PNG, or pip install pillow-heif"


def touched(root, *names: str):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_pictures_in_a_folder_and_what_is_left_out(tmp_path):
    root = touched(tmp_path / "scans", "b.png", "a.JPG", "sub/c.webp", "notes.txt", "x.pdf", "._b.png", "sub/Thumbs.db")
    touched(root, ".git/d.png", "__MACOSX/e.png", "b.png.read.png", "sub/data.h5", "sub/clip.mpg", "LICENSE")
    (root / "gone.png").symlink_to("nowhere")
    (root / "self").symlink_to("self")
    (root / "sub/up").symlink_to("..")
    os.mkfifo(root / "pipe.png")
    folder = walk(root)
    assert [os.path.relpath(path, root) for path in folder.all_pictures()] == ["a.JPG", "b.png", "sub/c.webp"]
    assert folder.all_left_out() == {
        "hidden": 4,
        ".txt": 1,
        ".pdf": 1,
        ".h5": 1,
        ".mpg": 1,
        "other files": 1,
        "written by --show": 1,
        "linked to nothing": 2,
        "linked to a folder that is read anyway": 1,
        "neither file nor folder": 1,
    }


def test_a_link_out_of_the_folder_is_followed_once(tmp_path):
    touched(tmp_path / "elsewhere", "a.png", "sub/b.png")
    root = touched(tmp_path / "root", "c.png")
    for name in ("one", "two"):
        (root / name).symlink_to(tmp_path / "elsewhere")
    (root / "three").symlink_to(tmp_path / "elsewhere/sub")
    folder = walk(root)
    assert [os.path.relpath(path, root) for path in folder.all_pictures()] == ["c.png", "one/a.png", "one/sub/b.png"]
    assert folder.left_out.total() == 2


def test_a_folder_that_may_not_be_opened_is_left_out(tmp_path, monkeypatch):
    root = touched(tmp_path, "a.png", "closed/b.png")
    scandir = os.scandir

    def refuse(path):
        if os.path.basename(path) == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert walk(root).all_left_out() == {"not to be opened (Permission denied)": 1}
    with pytest.raises(PermissionError):
        walk(root / "closed")


def test_deeper_than_python_can_recurse(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(1200):
        os.mkdir("d")
        os.chdir("d")
    touched(tmp_path, "a.png")
    found = walk(tmp_path).all_pictures()
    os.chdir(tmp_path)
    subprocess.run(["rm", "-r", "d"], check=True)  # pytest's own cleaning would recurse
    assert len(found) == 1


@pytest.mark.parametrize(
    ("left_out", "text"),
    [
        ({".heic": 6, "hidden": 2}, f"6 .heic, 2 hidden; {HEIC}"),
        ({".pdf": 1, ".cr2": 1200}, "1,200 .cr2, 1 .pdf; export .cr2 and .pdf as JPEG or PNG"),
        ({f".{9 - n}": 9 - n for n in range(9)}, "9 .9, 8 .8, 7 .7, 6 .6, 5 .5, 4 .4, 6 of other kinds"),
        ({}, ""),
    ],
)
def test_what_is_left_out_in_words(left_out, text):
    assert in_words(Counter(left_out)) == text


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "a.png", "empty: 0 bytes"),
        (b"\0\0\0\x18ftypheic\0\0", "a.jpg", HEIC),
        (b"no picture", "IMG_1.HEIC", HEIC),
        (b"%PDF-1.7", "a.png", "export .pdf as JPEG or PNG"),
        (b"no picture", "a.png", "of no known format"),
    ],
)
def test_why_a_file_is_no_picture(tmp_path, content, name, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: not a readable image \\({reason}\\)"):
        read_picture(tmp_path / name)


def test_files_folders_and_patterns_name_each_picture_once(tmp_path, monkeypatch):
    monkeypatch.chdir(touched(tmp_path, "b.png", "a.JPG", "notes.txt", "sub/c.webp", "[1].png"))
    files, left_out = find_pictures(["sub", ".", "b.png", "./b.png", "*.png", "missing.png", "[1].png"])
    assert files == ["sub/c.webp", "./[1].png", "./a.JPG", "./b.png", "missing.png"]
    assert left_out == {".txt": 1}
    assert find_pictures(["*"]) == (["[1].png", "a.JPG", "b.png", "sub/c.webp"], {".txt": 1})
    assert find_pictures(["**"]) == (["[1].png", "a.JPG", "b.png", "sub/c.webp"], {".txt": 1})
    assert find_pictures(["notes.txt", "*.gif", "nothing*"]) == (["notes.txt", "*.gif", "nothing*"], {})


def test_names_that_stand_for_no_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(touched(tmp_path, "scans/a.heic", "a.png"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "link.png").symlink_to("/nowhere/a.png")
    expected = {
        "empty": "a folder without pictures",
        "scans": f"a folder without pictures (1 .heic; {HEIC})",
        "link.png": "a link to /nowhere/a.png, which does not exist",
        "-": "standard input is not read; name a file",
        "https://example.org/a.png": "an address, not a file; download the picture first",
        "*.gif": "matches no picture",
        "a.png": None,
        "missing.png": None,
    }
    assert {name: no_picture(name) for name in expected} == expected


PARTS = {
    "train": "train Train TRAINING training trainingSet trainset train_set train-images mnist_train train1 01_train",
    "val": "val Val valid validation Validation_Set dev eval val2017",
    "test": "test Testing testSet test_images",
    None: "0 7 seven trainer tester value 'train station' contest latest test-tube testtrain t10k",
}


@pytest.mark.parametrize(("part", "names"), list(PARTS.items()))
def test_which_part_a_folder_is_for(part, names):
    found = {name: part_of(name) for name in names.replace("'train station'", "train_station").split()}
    assert found == dict.fromkeys(found, part)
