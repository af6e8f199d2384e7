"""A folder of own digits that grows: each as the network saw it, in a folder for its label."""

import csv
import hashlib
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from mnist_mlp.errors import InputError
from mnist_mlp.pictures.files import read_picture
from mnist_mlp.pictures.in_folders.contents import SHOWN, is_hidden, walk
from mnist_mlp.pictures.in_folders.labels import NO_DIGIT, UNSORTED, part_of
from mnist_mlp.pictures.mnist_form import is_framed
from mnist_mlp.pictures.sheet import contact_sheet
from mnist_mlp.runs.atomic import replacing

MAX_ON_SHEET = 1000  # pictures: more would be a picture too large to open


class Seen(NamedTuple):
    """What was read in a digit when it was kept; a row of index.csv.

    Attributes:
        picture: The name of its file, whatever folder it lies in.
        read: The most probable label, with a "?" if the digit was refused.
        probability: Of that label, 0 to 1.
        run: What read it.
        source: The picture that it was found in.
        when: Date and time.
    """

    picture: str
    read: str
    probability: float
    run: str
    source: str
    when: str


class Collection:
    """A folder of own digits, ``FOLDER/<label>/*.png``, that ``data.extra=FOLDER`` learns from.

    A digit is kept as the 28x28 image that the network saw, which is read back unchanged, under a name that follows
    from its content: the same digit is there once, under the label given last. What was read is noted in ``index.csv``.
    The pictures may be moved between the folders by hand.

    Args:
        folder: The folder; it is made when the first digit is kept. One with a folder ``train`` is added to there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = folder / "train" if (folder / "train").is_dir() else folder
        self.index = folder / "index.csv"
        self.sheet = folder / f"unsorted{SHOWN}"  # a name that marks it as none of the pictures
        self.kept: list[tuple[str, str, str | None]] = []  # name, label, and the label before, for undo

    def keep(self, image: np.ndarray, label: str, read: str, probability: float, run: str, source: str) -> str | None:
        """Keeps a digit under a label, ``no_digit`` or ``unsorted``; what has a label never becomes unsorted again.

        Args:
            image: uint8 (28, 28), white on black, in MNIST's form.
            label: The name of its folder.
            read: The most probable label, with a "?" if the digit was refused.
            probability: Of that label, 0 to 1.
            run: What read it.
            source: The picture that it was found in.

        Returns:
            The label that it had until now; None if it is new.

        Raises:
            InputError: The image or the label cannot be kept, or the folder cannot be written.
        """
        if not is_framed(image):
            raise InputError("not a digit in MNIST's form: it cannot be kept")
        if not label or label != Path(label).name or is_hidden(label) or part_of(label):
            raise InputError(f"{label}: cannot be the name of a label's folder")
        name = f"{hashlib.sha256(image.tobytes()).hexdigest()[:16]}.png"
        before = self.label_of(name)
        if before == label or (before and label == UNSORTED):
            return before
        if before:
            self._move(name, before, label)
        else:
            seen = Seen(name, read, round(probability, 4), run, source, datetime.now().isoformat(" ", "seconds"))
            rows = [*self.rows(), seen]
            with replacing(self.place / label / name) as new:
                Image.fromarray(image).save(new, "PNG")
            self._write(rows)
        self.kept.append((name, label, before))
        return before

    def undo(self) -> str | None:
        """Takes back what was kept last and returns the label that it had been given; None if nothing was kept."""
        if not self.kept:
            return None
        name, label, before = self.kept.pop()
        if before:
            self._move(name, label, before)
        else:
            self._write([row for row in self.rows() if row.picture != name])
            (self.place / label / name).unlink(missing_ok=True)
            self._tidy(label)
        return label

    def label_of(self, name: str) -> str | None:
        """Returns the folder that the picture of this name lies in; None if it is nowhere."""
        return next((path.parent.name for path in sorted(self.place.glob(f"*/{name}"))), None)

    def count(self) -> int:
        """Returns how many pictures have the label of a class."""
        labels = walk(self.place).folders if self.place.is_dir() else []
        return sum(len(label.all_pictures()) for label in labels if label.name not in (NO_DIGIT, UNSORTED))

    def rows(self) -> list[Seen]:
        """Returns what index.csv holds, nothing if there is none. Raises InputError if it is damaged."""
        try:
            with self.index.open(newline="", encoding="utf-8") as file:
                rows: Any = csv.DictReader(file)
                return [Seen(**row | {"probability": float(row["probability"])}) for row in rows]
        except FileNotFoundError:
            return []
        except NotADirectoryError as error:
            raise InputError(f"{self.folder}: a file, not a folder") from error
        except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
            raise InputError(f"{self.index}: not an index of own digits; move it away to begin a new one") from error

    def write_sheet(self) -> Path | None:
        """Writes a contact sheet of what is unsorted and returns its path; None if nothing is.

        It shows the latest ``MAX_ON_SHEET`` pictures, each with its file's name, what was read, and where it was found.
        """
        unsorted, seen = self.place / UNSORTED, {row.picture: row for row in self.rows()}
        paths = walk(unsorted).all_pictures() if unsorted.is_dir() else []
        latest = sorted(paths, key=os.path.getmtime, reverse=True)[:MAX_ON_SHEET]
        if not latest:
            self.sheet.unlink(missing_ok=True)
            return None
        names = [os.path.basename(path) for path in latest]
        lines = [lines_of(name, seen.get(name)) for name in names]
        with replacing(self.sheet) as new:
            contact_sheet(list(zip(map(read_picture, latest), lines))).save(new, "PNG")
        return self.sheet

    def _move(self, name: str, label: str, to: str) -> None:
        """Moves a picture to another label, unless it was moved or removed by hand since."""
        old, new = self.place / label / name, self.place / to / name
        if not old.exists():
            return
        try:
            new.parent.mkdir(parents=True, exist_ok=True)
            os.replace(old, new)
        except OSError as error:
            raise InputError(f"{new}: cannot be written: {error.strerror}") from error
        self._tidy(label)

    def _tidy(self, label: str) -> None:
        """Removes a label's folder if it is empty: a training would ask what it is for."""
        with suppress(OSError):
            (self.place / label).rmdir()

    def _write(self, rows: list[Seen]) -> None:
        with replacing(self.index) as new, new.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([Seen._fields, *rows])


def lines_of(name: str, seen: Seen | None) -> list[str]:
    """Returns what the contact sheet says of a picture."""
    return [f"{seen.read}  {seen.probability:.0%}", name, os.path.basename(seen.source)] if seen else ["", name]
