"""What is in a folder: pictures, folders, and what is left out, which is counted."""

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mnist_mlp.pictures.files import how_to_export, is_unreadable, picture_endings

# What systems and programs leave in folders, besides names that begin with a dot.
HIDDEN = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "#recycle", "$recycle.bin"}
HIDDEN |= {"system volume information", "lost+found", "__pycache__"}
SHOWN = ".read.png"  # ends the names of the pictures that predict --show writes
# Kinds of what is left out.
BROKEN, NOT_OPENED = "linked to nothing", "not to be opened"
READ_ANYWAY = "linked to a folder that is read anyway"
OUTSIDE = "pictures outside the label folders"
MISSED = (BROKEN, NOT_OPENED, OUTSIDE)  # which may be missed


@dataclass
class Folder:
    """What is in a folder.

    Attributes:
        path: The folder.
        pictures: The paths of its pictures.
        folders: The folders in it, sorted by name, except hidden ones.
        left_out: How many of each kind are neither, such as ``hidden`` or ``.pdf``.
    """

    path: str
    pictures: list[str] = field(default_factory=list)
    folders: list["Folder"] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """The last part of its path."""
        return os.path.basename(self.path)

    def below(self) -> Iterator["Folder"]:
        """Yields the folder and all folders below it."""
        waiting = [self]
        while waiting:
            folder = waiting.pop()
            yield folder
            waiting += folder.folders[::-1]

    def all_pictures(self) -> list[str]:
        """Returns the paths of its pictures and of those below it, sorted."""
        return sorted(path for folder in self.below() for path in folder.pictures)

    def all_left_out(self) -> Counter[str]:
        """Returns what is left out of it and of the folders below it."""
        return sum((folder.left_out for folder in self.below()), Counter[str]())


def walk(path: str | Path) -> Folder:
    """Returns what is in a folder and below it.

    A link to a folder is followed unless it leads to where the walk comes by anyway.

    Raises:
        OSError: The folder itself cannot be read.
    """
    top = Folder(str(path))
    with os.scandir(path):
        walked, waiting = [Path(path).resolve()], [top]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder.path) as entries:
                for entry in entries:
                    sort_in(entry, folder)
        except OSError as error:
            folder.left_out[f"{NOT_OPENED} ({error.strerror})"] += 1
        found, folder.folders = sorted(folder.folders, key=lambda inner: inner.name), []
        for inner in found:
            if is_walked(inner.path, walked):
                folder.left_out[READ_ANYWAY] += 1
            else:
                folder.folders.append(inner)
        waiting += folder.folders
    return top


def sort_in(entry: os.DirEntry[str], folder: Folder) -> None:
    """Adds one entry of a folder to its pictures, its folders, or what is left out."""
    if is_hidden(entry.name):
        folder.left_out["hidden"] += 1
    elif os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir():  # a link may lead to itself
        folder.folders.append(Folder(entry.path))
    elif not (os.path.isfile(entry.path) if entry.is_symlink() else entry.is_file()):
        folder.left_out[BROKEN if entry.is_symlink() else "neither file nor folder"] += 1
    elif kind := kind_of(entry.name):
        folder.left_out[kind] += 1
    else:
        folder.pictures.append(entry.path)


def kind_of(file: str) -> str:
    """Returns as what a file is left out, by its name; empty for a picture."""
    ending = os.path.splitext(file)[1].lower()
    if file.endswith(SHOWN):
        return "written by --show"
    if ending in picture_endings():
        return ""
    return ending if ending[1:].isalnum() else "other files"


def is_walked(path: str, walked: list[Path]) -> bool:
    """Tells whether a folder is a link to, into or around one of the real folders ``walked``; if not, adds it."""
    if not os.path.islink(path):
        return False
    target = Path(path).resolve()
    if any(target.is_relative_to(other) or other.is_relative_to(target) for other in walked):
        return True
    walked.append(target)
    return False


def is_hidden(name: str) -> bool:
    """Returns whether a file or folder of this name is one that systems and programs make for themselves."""
    return name.startswith(".") or name.casefold() in HIDDEN


def missed_pictures(left_out: Counter[str]) -> Counter[str]:
    """Returns those kinds of what is left out that are, or may be, pictures."""
    return Counter({kind: n for kind, n in left_out.items() if is_unreadable(kind) or kind.startswith(MISSED)})


def in_words(left_out: Counter[str]) -> str:
    """Returns what is left out, such as "6 .heic, 2 hidden" and what to do; empty if nothing is."""
    kinds = left_out.most_common(6)
    rest = left_out.total() - sum(count for _, count in kinds)
    text = ", ".join(f"{count:,} {kind}" for kind, count in [*kinds, *([("of other kinds", rest)] if rest else [])])
    advice = how_to_export(left_out)
    return f"{text}; {advice}" if advice else text


def find_pictures(names: Iterable[str]) -> tuple[list[str], Counter[str]]:
    """Returns the picture files that names of files, folders and patterns stand for, each once, and what is left out.

    A name that stands for none is returned as it is: ``no_picture`` says why.
    """
    files: dict[str, str] = {}  # by absolute path
    left_out: Counter[str] = Counter()
    for name in names:
        found, others = pictures_at(name)
        left_out += others
        for file in found:
            files.setdefault(os.path.abspath(file), file)
    return list(files.values()), left_out


def pictures_at(name: str) -> tuple[list[str], Counter[str]]:
    """Returns the pictures that one name stands for, or the name itself, and what is left out."""
    found: list[str] = []
    left_out: Counter[str] = Counter()
    is_pattern = glob.has_magic(name) and not os.path.lexists(name)
    for path in sorted(glob.glob(name, recursive=True)) if is_pattern else [name]:
        if os.path.isdir(path):
            if is_pattern and "**" in name:  # what is in the folder matches too
                continue
            with suppress(OSError):
                folder = walk(path)
                found += folder.all_pictures()
                left_out += folder.all_left_out()
        elif is_pattern and (kind := kind_of(path)):
            left_out[kind] += 1
        else:
            found.append(path)
    return (found, left_out) if found else ([name], Counter())


def no_picture(name: str) -> str | None:
    """Returns why a name stands for no picture; None if it is the name of a file."""
    if os.path.isdir(name):
        try:
            left_out = walk(name).all_left_out()
        except OSError as error:
            return f"the folder cannot be read: {error.strerror}"
        return f"a folder without pictures{f' ({in_words(left_out)})' if left_out else ''}"
    if os.path.lexists(name):
        return None if os.path.exists(name) else f"a link to {os.readlink(name)}, which does not exist"
    if name == "-":
        return "standard input is not read; name a file"
    if "://" in name:
        return "an address, not a file; download the picture first"
    return "matches no picture" if glob.has_magic(name) else None
