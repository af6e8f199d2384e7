"""What each step from a picture to its digits brings: how many pictures are read without an error when it is left out.

    python tests/benchmarks/ablation.py RUN PICTURES [--every 3]

RUN and PICTURES are those of ``sensitivity.py``. The two rows after the first have a textbook's binarisation for the
ink, Otsu's of OpenCV or Sauvola's, in place of this project's.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
import torch
from sensitivity import exact, labelled, picture

from mnist_mlp.pictures import digits, files, mnist_form
from mnist_mlp.pictures.finding import ink, lattice, pieces
from mnist_mlp.pictures.finding.ink import Ink, inks_in, polarity, sauvola
from mnist_mlp.reader import Reader


def binarised(dark_ink: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], Iterator[Ink]]:
    """Returns what sees the ink of a picture in one way: that of a binarisation of dark ink on light paper."""

    def inks(picture: np.ndarray) -> Iterator[Ink]:
        dark = 255 - picture if polarity(picture) > 0 else picture
        yield Ink(dark_ink(dark), is_likely=True)

    return inks


def otsu(dark: np.ndarray) -> np.ndarray:
    return cv2.threshold(dark, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1].astype(np.float32)


def first_only(picture: np.ndarray) -> Iterator[Ink]:
    yield next(inks_in(picture))


def luma(colours: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)


def unruled(mask: np.ndarray, ends: bool = True) -> np.ndarray:
    return mask


STEPS = {  # what is replaced, by what
    "nothing left out": [],
    "Otsu's threshold instead": [(digits, "inks_in", binarised(otsu))],
    "Sauvola's threshold instead": [(digits, "inks_in", binarised(sauvola))],
    "colour": [(files, "contrasting_grey", luma)],
    "table": [(ink, "table_in", lambda picture: None)],
    "boxes": [(ink, "boxed", lambda mask: None)],
    "ruling": [(ink, "remove_ruling", unruled), (digits, "remove_ruling", unruled)],
    "other ways to see the ink": [(digits, "inks_in", first_only)],
    "a smaller look at large digits": [(digits, "SMALL_HEIGHTS", ())],
    "joining": [(lattice, "groups_of", lambda *given: [])],
    "whole unless its parts are plain": [(lattice, "PLAIN_PARTS", 1e-9)],
    "cutting": [(pieces, "cuts", lambda *given: [])],
    "sizes, shapes and places": [(lattice, "cost", lambda *given: 0.0)],
    "the network's part in finding": [(Reader, "digits_in", lambda reader, seen: digits.digits_in(seen))],
    "usual strokes": [(mnist_form, "with_usual_strokes", lambda strokes: strokes)],
}


def report(reader: Reader, folder: Path, every: int) -> None:
    kinds, written = labelled(folder, every)
    print(f"{'left out':32}" + "".join(f"{f'{kind} ({n})':>14}" for kind, n in Counter(kinds.values()).items()))
    seen = {file: picture(folder / file) for file in kinds}
    for step, replaced in STEPS.items():
        patches = [patch.object(*replacement) for replacement in replaced]
        for one in patches:
            one.start()
        again = {file: picture(folder / file) for file in kinds} if step == "colour" else seen
        right = exact(reader, again, written)
        patch.stopall()
        shares = [
            np.mean([right[file] for file in kinds if kinds[file] == kind]) for kind in dict.fromkeys(kinds.values())
        ]
        print(f"{step:32}" + "".join(f"{share:14.1%}" for share in shares), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a training run")
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--every", type=int, default=3, help="of the pictures of one digit")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    report(Reader(arguments.run), arguments.pictures, arguments.every)
