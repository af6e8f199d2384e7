"""What each constant of how digits are found in pictures is worth: every one 30 % smaller and larger.

    python tests/benchmarks/sensitivity.py RUN PICTURES [--every 3] [--only cells]

PICTURES is a folder with ``labels.csv``, a row a picture: file, kind, digits (lines joined by ``_``). Of the kind
``single`` each third is read, of the other kinds all. Prints how many pictures of each kind are read without an error,
and for each constant how many more (+) and how many no longer (-).
"""

import argparse
import csv
import importlib
import pkgutil
from collections import Counter
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import torch

from mnist_mlp.pictures import digits, finding
from mnist_mlp.pictures.files import read_picture
from mnist_mlp.pictures.geometry import shrink_to
from mnist_mlp.reader import Reader

BY = 0.3  # fraction by which a constant is changed
names = [module.name for module in pkgutil.iter_modules(finding.__path__)]
MODULES = [digits, *(importlib.import_module(f"{finding.__name__}.{name}") for name in names)]


def constants(module: ModuleType) -> dict[str, float]:
    """The numeric constants that a module defines itself."""
    defined = {name: value for name, value in vars(module).items() if name.isupper() and isinstance(value, int | float)}
    lines = Path(str(module.__file__)).read_text().splitlines()
    own = " ".join(line.split(" = ")[0] for line in lines if " = " in line and not line.startswith(" "))
    return {name: value for name, value in defined.items() if name in own.replace(",", "").split()}


def labelled(folder: Path, every: int) -> tuple[dict[str, str], dict[str, str]]:
    """The kind of each picture, and what is written in it. Of those of one digit each ``every``-th is taken."""
    with (folder / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    rows = [row for row in rows if row["kind"] == "single"][::every] + [row for row in rows if row["kind"] != "single"]
    kinds, written = ({row["file"]: row[column] for row in rows} for column in ("kind", "digits"))
    return kinds, written


def picture(file: Path) -> np.ndarray:
    return shrink_to(read_picture(file), digits.MAX_WORK_SIDE)


def exact(reader: Reader, pictures: dict[str, np.ndarray], written: dict[str, str]) -> dict[str, bool]:
    """Whether each picture is read as it is written; refused digits count as wrong."""
    right = {}
    for file, picture in pictures.items():
        images = [digit.image for digit in reader.digits_in(picture)]
        labels = reader.labels(reader.probabilities(np.stack(images))) if images else []
        right[file] = [label or "?" for label in labels] == list(written[file].replace("_", ""))
    return right


def changes(before: dict[str, bool], after: dict[str, bool], kinds: dict[str, str]) -> str:
    counts = Counter((kinds[file], after[file] - before[file]) for file in before)
    return "".join(f"{f'+{counts[kind, 1]} -{counts[kind, -1]}':>9}" for kind in dict.fromkeys(kinds.values()))


def report(reader: Reader, folder: Path, every: int, only: str) -> None:
    kinds, written = labelled(folder, every)
    pictures = {file: picture(folder / file) for file in kinds}
    usual = exact(reader, pictures, written)
    for kind, count in Counter(kinds.values()).items():
        print(f"{kind}: {sum(usual[file] for file in kinds if kinds[file] == kind)} of {count} without an error")
    titles = "".join(f"{kind:>9}" for kind in dict.fromkeys(kinds.values()))
    print(f"\n{'':28}{'':>8}{f'-{BY:.0%}:':>7}{titles}{f'+{BY:.0%}:':>7}{titles}")
    for module in MODULES:
        name = module.__name__.split(".")[-1]
        for constant, value in constants(module).items() if only in name else ():
            line = f"{f'{name}.{constant}':28}{value:8g}"
            for factor in (1 - BY, 1 + BY):
                setattr(module, constant, type(value)(round(value * factor, 6)))
                seen = {file: picture(folder / file) for file in kinds} if name == "colour" else pictures
                line += f"{'':7}{changes(usual, exact(reader, seen, written), kinds)}"
            setattr(module, constant, value)
            print(line, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a training run")
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--every", type=int, default=3, help="of the pictures of one digit")
    parser.add_argument("--only", default="", help="modules with this in their name")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    report(Reader(arguments.run), arguments.pictures, arguments.every, arguments.only)
