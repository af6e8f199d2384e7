"""A skeleton's text as matrices: the points along its strokes are weighted sums of the points that it names."""

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor
from torch.nn import functional as F

POINTS = 96  # along all strokes of a skeleton, which are less than a pixel apart in a digit


class Skeleton(NamedTuple):
    """Strokes through given points.

    Attributes:
        given: The points named, float (k, 2), from 0 to 9.
        strokes: The stroke of each given point, int64 (k,).
        sharp: Weights of the given points in each point along the strokes, float (POINTS, k).
        round: The same with corners cut, as a hurried hand does.
        joined: Whether the pen goes on to the next point, bool (POINTS - 1,).
    """

    given: Tensor
    strokes: Tensor
    sharp: Tensor
    round: Tensor
    joined: Tensor


@cache
def skeleton(form: str) -> Skeleton:
    """Returns a form, in the notation of ``forms.py``, as a skeleton."""
    texts = [stroke.split() for stroke in form.split("/")]
    words = [word for text in texts for word in text]
    given = torch.tensor([[float(word[0]), float(word[1])] for word in words])
    strokes = torch.tensor([number for number, text in enumerate(texts) for _ in text])
    pieces = smooth_pieces(words, strokes.tolist())
    lengths = torch.tensor([chords(given[piece])[-1].item() for piece in pieces])
    counts = 2 + (lengths / lengths.sum() * (POINTS - 2 * len(pieces))).floor().long()
    counts[0] += POINTS - counts.sum()
    sharp = torch.cat([spline(given, piece, int(count)) for piece, count in zip(pieces, counts)])
    stroke = torch.cat([strokes[piece[:1]].expand(int(count)) for piece, count in zip(pieces, counts)])
    place = torch.arange(POINTS)
    near = torch.exp(-(((place[:, None] - place) / (POINTS / 20)) ** 2)) * (stroke[:, None] == stroke)
    return Skeleton(given, strokes, sharp, near / near.sum(1, keepdim=True) @ sharp, stroke.diff() == 0)


def smooth_pieces(words: list[str], strokes: list[int]) -> list[list[int]]:
    """Returns the given points, by their places, between the corners and the ends of strokes."""
    pieces: list[list[int]] = []
    for place, word in enumerate(words):
        if place == 0 or strokes[place] != strokes[place - 1]:
            pieces.append([])
        pieces[-1].append(place)
        if word.endswith("'"):
            pieces.append([place])
    return pieces


def spline(given: Tensor, piece: list[int], count: int) -> Tensor:
    """Returns the weights of the given points in ``count`` points of a smooth line through some of them."""
    length = chords(given[piece]).numpy()
    weights = torch.zeros(count, len(given))
    curve = CubicSpline(length, np.eye(len(piece)), bc_type="natural")(np.linspace(0, length[-1], count))
    weights[:, piece] = torch.from_numpy(curve).float()
    return weights


def chords(points: Tensor) -> Tensor:
    """Returns how long the straight lines from the first to each point are together, (k,)."""
    return F.pad(points.diff(dim=0).norm(dim=1).cumsum(0), (1, 0))
