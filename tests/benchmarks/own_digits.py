"""What learning a few pictures of a hand brings: a curve over how many of each digit are learned.

python tests/benchmarks/own_digits.py RUN FOLDER SOURCE [--counts 1 3 5 10] [--draws 5] [--read 100]

FOLDER/<digit>/SOURCE* are pictures of single digits by one hand or one class. In each draw so many of each digit are
learned by experiment=learn, and others, at most --read of them, are read before and after. Prints for each count the
share that is read exactly, as predict prints it, in %: means over the draws with 95 % intervals of Student's t; then
MNIST's test accuracy after learning, and the seconds of a training, its start included.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean

from mnist_mlp.predict import read
from mnist_mlp.reader import Reader
from mnist_mlp.sweeps.comparison import interval

TRAIN_PY = Path(__file__).parents[2] / "train.py"


def exact(files: list[Path], reader: Reader) -> list[bool]:
    """Returns for each file whether its one digit is read, and nothing else."""
    return [
        reading.texts == [file.parent.name] for file, reading in zip(files, read([str(file) for file in files], reader))
    ]


def learned(run: Path, files: list[Path], folder: Path) -> float:
    """Learns the files' digits into the run folder ``folder/run``; returns the seconds that it took."""
    for file in files:
        place = folder / "own" / file.parent.name
        place.mkdir(parents=True, exist_ok=True)
        os.symlink(file.resolve(), place / file.name)
    command = [sys.executable, str(TRAIN_PY), "experiment=learn", f"init={run.resolve()}"]
    start = time.perf_counter()
    subprocess.run(
        [*command, f"data.extra={folder}/own", f"hydra.run.dir={folder}/run"], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def draw(run: Path, files: list[Path], before: dict[Path, bool], count: int, seed: int, most: int) -> tuple:
    """Returns the shares read exactly before and after learning, MNIST's test accuracy after it, and the seconds."""
    shuffled = random.Random(seed).sample(files, len(files))
    digits = sorted({file.parent.name for file in files})
    own = [file for digit in digits for file in [f for f in shuffled if f.parent.name == digit][:count]]
    others = [file for file in shuffled if file not in own][:most]
    with tempfile.TemporaryDirectory() as name:
        seconds = learned(run, own, Path(name))
        after = exact(others, Reader(Path(name) / "run"))
        accuracy = json.loads((Path(name) / "run/metrics.json").read_text())["test_accuracy"]
    return fmean(before[file] for file in others), fmean(after), accuracy, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("source")
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 3, 5, 10])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--read", type=int, default=100)
    arguments = parser.parse_args()
    files = sorted(arguments.folder.glob(f"*/{arguments.source}*"))
    before = dict(zip(files, exact(files, Reader(arguments.run))))
    print(f"{arguments.source}: {len(files)} pictures, {fmean(before.values()):.1%} read exactly")
    for count in arguments.counts:
        if 10 * count >= len(files):
            print(f"{count:3} of each: no others would be left to read")
            continue
        draws = [draw(arguments.run, files, before, count, seed, arguments.read) for seed in range(arguments.draws)]
        was, now, test, seconds = (list(values) for values in zip(*draws))
        print(
            f"{count:3} of each: {100 * fmean(was):.1f} ± {100 * interval(was):.1f} before,"
            f" {100 * fmean(now):.1f} ± {100 * interval(now):.1f} after; MNIST {100 * fmean(test):.2f}"
            f" (at least {100 * min(test):.2f}), {fmean(seconds):.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
