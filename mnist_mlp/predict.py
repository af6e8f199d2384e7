"""Reads the digits in pictures.

An IMAGE is a picture file, a folder of them, or a pattern such as "scans/*.jpg".
Without --run the best run below outputs reads. Prints for each picture its
digits, line by line, and the probability of each: 1? is perhaps a 1, but less
probable than the threshold, and so not readable.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from mnist_mlp.adaptation.collection import Collection
from mnist_mlp.errors import InputError, listed, one_line_errors
from mnist_mlp.pictures.digits import Digit
from mnist_mlp.pictures.files import has_more_frames, read_picture
from mnist_mlp.pictures.in_folders.contents import SHOWN, find_pictures, in_words, no_picture
from mnist_mlp.pictures.in_folders.labels import UNSORTED
from mnist_mlp.reader import Reader, best_run
from mnist_mlp.runs.atomic import save_figure

PICTURES_AT_A_TIME = 256
UNSURE = 0.1  # probability of a second label from which on --collect keeps a digit that is readable, too


class Reading(NamedTuple):
    """The digits found in a file, their labels (None if not readable), and probabilities, float (n, classes).

    ``guesses`` are the most probable labels, and equal ``labels`` where those are not None.
    """

    file: str
    digits: list[Digit]
    labels: list[str | None]
    guesses: list[str]
    probabilities: np.ndarray
    error: str | None = None

    @property
    def texts(self) -> list[str]:
        """What is read in each digit, such as 7, or 7? if it is not readable."""
        return [label or f"{guess}?" for label, guess in zip(self.labels, self.guesses)]

    def text(self) -> str:
        """Returns the lines that ``predict`` prints: one for each line of digits in the picture."""
        if self.error:
            return f"error: {printable(self.error)}"
        name = printable(self.file)
        if not self.digits:
            return f"{name}: nothing to read"
        gap = " " * any(len(guess) > 1 for guess in self.guesses)
        lines = []
        for _, line in groupby(zip(self.digits, self.texts, self.probabilities.max(1)), lambda found: found[0].line):
            _, texts, highest = zip(*line)
            lines.append(f"{gap.join(texts)}  ({' '.join(f'{probability:.0%}' for probability in highest)})")
        return f"{name}: " + f"\n{' ' * len(name)}  ".join(lines)

    def json(self) -> str:
        """Returns the line that ``predict --json`` prints."""
        if self.error:
            return json.dumps({"file": self.file, "error": self.error})
        digits = [
            {
                "box": digit.box,
                "line": digit.line,
                "label": number_or_name(label),
                "guess": number_or_name(guess),
                "probabilities": [round(float(probability), 6) for probability in probabilities],
            }
            for digit, label, guess, probabilities in zip(self.digits, self.labels, self.guesses, self.probabilities)
        ]
        return json.dumps({"file": self.file, "digits": digits})


def printable(text: str) -> str:
    """Returns a text, such as a file's name, with escapes for what a terminal would obey, such as line breaks."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def number_or_name(label: str | None) -> int | str | None:
    """Returns the label as JSON has it: a digit as a number."""
    return int(label) if label and label.isdecimal() else label


def read(files: list[str], reader: Reader) -> Iterator[Reading]:
    """Reads picture files, many at a time."""
    for first in range(0, len(files), PICTURES_AT_A_TIME):
        group = files[first : first + PICTURES_AT_A_TIME]
        found = [digits_or_error(file, reader) for file in group]
        images = [digit.image for digits, _ in found for digit in digits]
        probabilities = reader.probabilities(np.stack(images)) if images else np.empty((0, len(reader.classes)))
        for file, (digits, error) in zip(group, found):
            own, probabilities = probabilities[: len(digits)], probabilities[len(digits) :]
            guesses = [reader.classes[place] for place in own.argmax(1)]
            yield Reading(file, digits, reader.labels(own), guesses, own, error)


def digits_or_error(file: str, reader: Reader) -> tuple[list[Digit], str | None]:
    """Returns the digits in a file, or what is wrong with it."""
    try:
        return reader.digits_in(read_picture(file)), None
    except InputError as error:
        reason = no_picture(file)
        return [], f"{file}: {reason}" if reason else str(error)


def show(reading: Reading, folder: Path, threshold: float) -> None:
    """Writes a picture of the digits found in a file and of what the network saw."""
    from mnist_mlp.pictures.figure import reading_figure  # matplotlib, which takes a second

    picture, highest = read_picture(reading.file), reading.probabilities.max(1)
    figure = reading_figure(picture, reading.digits, reading.texts, highest, threshold)
    source = ascii(os.path.abspath(reading.file))
    save_figure(place_of(reading.file, source, folder), figure, dpi=100, source=source)


def collect(reading: Reading, collection: Collection, run: Path) -> None:
    """Keeps the digits that were refused, or to which a second label is not improbable, to be sorted."""
    second = np.sort(reading.probabilities)[:, -2]
    for place, digit in enumerate(reading.digits):
        if reading.labels[place] is None or second[place] >= UNSURE:
            highest = float(reading.probabilities[place].max())
            collection.keep(digit.image, UNSORTED, reading.texts[place], highest, str(run), reading.file)


def print_collected(collection: Collection) -> None:
    """Says what was kept, and how to go on."""
    kept, sheet = len(collection.kept), collection.write_sheet()
    if sheet is None:
        print(f"nothing to be sorted in {collection.folder}: no digit was refused or unsure", file=sys.stderr)
        return
    todo = f"{sheet} shows all: move each into {collection.place}/<label>, or delete it"
    print(f"kept to be sorted: {kept:,} more in {collection.place / UNSORTED}; {todo}", file=sys.stderr)


def place_of(file: str, source: str, folder: Path) -> Path:
    """Returns where in the folder the picture of a file goes: not over that of another file with its name."""
    for number in count(1):
        place = folder / f"{Path(file).name}{f'-{number}' if number > 1 else ''}{SHOWN}"
        with suppress(OSError), Image.open(place) as shown:
            if shown.info.get("Source") != source:
                continue
        return place
    raise AssertionError  # there is always another number


def predict(arguments: argparse.Namespace) -> int:
    """Prints what is read and returns the exit status: 2 if a file could not be read."""
    files, left_out = find_pictures(arguments.images)
    reader = Reader(arguments.run or best_run(Path("outputs")), arguments.threshold)
    if arguments.run is None:
        print(f"read with {reader.folder.path}, the best run below outputs", file=sys.stderr)
    collection = Collection(arguments.collect) if arguments.collect else None
    if collection and not reader.as_digits:
        raise InputError(f"--collect: {reader.folder.path} reads whole pictures; only digits can be kept")
    if arguments.show and arguments.show.exists() and not arguments.show.is_dir():
        raise InputError(f"--show: {arguments.show}: a file, not a folder")
    failed, refused, shown = 0, False, False
    longer: list[str] = []
    hidden = sys.stdout.isatty() or None  # its lines are progress enough; None: without a terminal
    for reading in tqdm(read(files, reader), total=len(files), delay=1, leave=False, disable=hidden):
        failed += reading.error is not None
        refused |= None in reading.labels
        if reading.error is None and has_more_frames(reading.file):
            longer.append(printable(reading.file))
        if arguments.json:
            print(reading.json())
        else:
            print(reading.text(), file=sys.stderr if reading.error else sys.stdout)
        if arguments.show and reading.digits:
            show(reading, arguments.show, reader.threshold)
            shown = True
        if collection and reading.digits:
            collect(reading, collection, reader.folder.path)
    if refused:
        whose = "the run's threshold" if arguments.threshold is None else "--threshold"
        print(f"? marks what is less probable than {100 * reader.threshold:.4g} %, {whose}", file=sys.stderr)
    if longer:
        print(f"only the first page or frame is read of {listed(longer)}", file=sys.stderr)
    if left_out:
        print(f"left out: {in_words(left_out)}", file=sys.stderr)
    if shown:
        print(f"pictures: {arguments.show}/*{SHOWN}", file=sys.stderr)
    if collection:
        print_collected(collection)
    return 2 if failed else 0


def probability(text: str) -> float:
    """Parses a command-line argument that must be in [0, 1]."""
    with suppress(ValueError):
        if 0 <= (value := float(text)) <= 1:
            return value
    raise argparse.ArgumentTypeError(f"{text}: must be a number from 0 to 1")


def add_reader_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --run and --threshold, which say what reads and what it refuses."""
    parser.add_argument("--run", type=Path, help="a run folder or checkpoint; default: the best run below outputs")
    parser.add_argument(
        "--threshold",
        type=probability,
        metavar="P",
        help="a digit with a lower probability is not readable; default: the run's own (docs/pictures.md)",
    )


def main() -> None:
    """Parses the command line and prints what is read."""
    parser = argparse.ArgumentParser(
        prog="python -m mnist_mlp.predict", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="a picture, a folder of pictures, or a pattern")
    add_reader_arguments(parser)
    parser.add_argument("--json", action="store_true", help="an object a line, with boxes and all probabilities")
    parser.add_argument("--show", type=Path, metavar="FOLDER", help="write there pictures of what was read and seen")
    kept = f"keep in FOLDER/{UNSORTED} each digit that is refused, or for which another label has {UNSURE:.0%}% or more"
    parser.add_argument("--collect", type=Path, metavar="FOLDER", help=kept)
    arguments = parser.parse_args()
    with one_line_errors():
        sys.exit(predict(arguments))


if __name__ == "__main__":
    main()
