"""Which pieces of ink may be one digit together."""

from typing import NamedTuple

import numpy as np

from mnist_mlp.pictures.finding.pieces import Pieces

MAX_JOINED = 4  # pieces of a digit that are tried in every combination; more are joined nearest first
MAX_NEAR = 8  # pieces, the nearest ones, that each is joined with in every combination
MAX_GAP = 0.4  # between pieces of a digit, as a fraction of the usual height
MAX_EXTENT = 2.0  # of joined pieces, in usual heights
MIN_JOINS, MAX_JOINS = 40, 1  # candidates of several pieces: at most 40, and one for each piece


class Group(NamedTuple):
    """Pieces, bit i standing for piece i, and the widest gap between them in pixels."""

    pieces: int
    gap: float


def members(pieces: int) -> list[int]:
    """Returns the places of the bits that are set."""
    found = []
    while pieces:
        found.append((pieces & -pieces).bit_length() - 1)
        pieces &= pieces - 1
    return found


def wholes_of(found: Pieces) -> list[Group]:
    """Returns connected ink as it was before it was cut, where it was."""
    wholes: dict[int, int] = {}
    for place, piece in enumerate(found.pieces):
        wholes[piece.whole] = wholes.get(piece.whole, 0) | 1 << place
    return [Group(pieces, 0.0) for pieces in wholes.values() if pieces.bit_count() > 1]


def groups_of(found: Pieces, usual: float, one: bool) -> list[Group]:
    """Returns sets of at least two pieces that may be one digit, without those of ``wholes_of``.

    Args:
        found: All pieces.
        usual: The picture's usual height of a digit, px.
        one: Whether all pieces may be one digit, however far from each other.
    """
    count = len(found.pieces)
    limit = np.inf if one else MAX_GAP * usual

    def fits(own: list[int]) -> bool:
        left, top, right, bottom = found.hull(own)
        return one or max(bottom - top, right - left) <= MAX_EXTENT * usual

    nearest = np.argsort(found.gaps, kind="stable")[:, : MAX_NEAR + 1]
    near = [{int(other) for other in nearest[place] if found.gaps[place, other] <= limit} for place in range(count)]
    groups: dict[int, float] = {}
    frontier = [([place], 0.0) for place in range(count)]
    for _ in range(MAX_JOINED - 1):
        grown: dict[int, tuple[float, list[int]]] = {}
        for own, gap in frontier:
            for other in set().union(*(near[place] for place in own)) - set(own):
                bits = sum(1 << place for place in own) | 1 << other
                if bits not in groups and bits not in grown and fits([*own, other]):
                    grown[bits] = max(gap, found.gaps[other, own].min()), [*own, other]
        budget = max(0, MIN_JOINS + MAX_JOINS * count - len(groups))
        joined = sorted(grown.items(), key=lambda item: item[1][0])[:budget]
        groups |= {bits: float(gap) for bits, (gap, _) in joined}
        frontier = [(own, gap) for _, (gap, own) in joined]
    for bits, gap in nearest_first(found.gaps, limit):
        if bits not in groups and fits(members(bits)):
            groups[bits] = gap
    for whole in wholes_of(found):
        groups.pop(whole.pieces, None)
    return [Group(*group) for group in groups.items()]


def nearest_first(gaps: np.ndarray, limit: float) -> list[tuple[int, float]]:
    """Returns the clusters that arise as pieces are joined in the order of the gaps between them, up to a limit.

    Single-linkage clustering: Gower and Ross 1969, doi:10.2307/2346439.
    """
    clusters = [1 << place for place in range(len(gaps))]
    first, second = np.triu_indices(len(gaps), 1)
    joined = []
    for pair in np.argsort(gaps[first, second], kind="stable"):
        gap = float(gaps[first[pair], second[pair]])
        if gap > limit:
            break
        one, other = clusters[first[pair]], clusters[second[pair]]
        if one != other:
            for place in members(one | other):
                clusters[place] = one | other
            joined.append((one | other, gap))
    return joined
