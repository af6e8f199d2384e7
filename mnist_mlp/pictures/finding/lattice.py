"""Which pieces of ink are digits: the segmentation that is most probable as a whole.

Heuristic over-segmentation and a search through the candidates: LeCun et al. 1998, section 5, doi:10.1109/5.726791. A
candidate is a piece of ink, or several near each other. Its score is its share of the ink times how much more probable
it is, in nats, as a digit than as no digit. The candidates that do not overlap and whose scores have the largest sum
are the digits; ink in none of them is no digit. Connected ink is divided only into parts that are plainly digits.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

import cv2
import numpy as np

from mnist_mlp.pictures.finding.candidates import Group, groups_of, members, wholes_of
from mnist_mlp.pictures.finding.pieces import Pieces, is_straight, weighted_median
from mnist_mlp.pictures.mnist_form import mnist_image

NO_DIGIT = 0.3  # probability that stands for ink that is no digit: more than a network gives to most of it
GAP = 0.25  # of the usual height: pieces of a digit at this distance cost half a nat
NEAR = 0.1  # of the usual height: distance over which the cost fades of leaving out a neighbour
LEFT_OUT = 0.4  # nats, of a digit that leaves out ink connected to it
PLAIN_PARTS = 0.87  # probability of the digits that connected ink is divided into, the geometric mean over its strokes
SIZES = 0.9  # standard deviation of the logarithm of the height of digits in a picture
MAX_ASPECT, ASPECTS = 1.3, 0.4  # width over height that costs nothing; how much more costs half a nat
MAX_UNSEEN_ASPECT, UNSEEN_ASPECTS = 1.0, 0.25  # the same without a network: then only this tells two digits that touch
MARKS = 0.35  # of the usual height: a straight stroke that is shorter may be a comma
MARK = 1.0  # nats, of such a stroke as a digit
EDGE = 0.02  # of the picture's longer side: what is nearer to its edge may be the sheet's edge
SIZES_AT_EDGE = 0.3  # standard deviation of the logarithm of the height of digits there
AT_EDGE = 1.0  # nats, of a digit at the picture's edge beside others: it may be cut off
FRAME = 2.0  # nats, of a digit around other ink: it is a frame
MIN_FRAMED = 0.4  # of the height of a frame that is the height of what it frames
BEAM = 64  # segmentations that are followed from the left
PADDING = 2  # px of paper around the ink of a digit

Probabilities = Callable[[np.ndarray], np.ndarray]  # of classes, float (n, classes), of images uint8 (n, 28, 28)


class Candidate(NamedTuple):
    """Pieces that may be a digit: bit i of ``pieces`` is piece i."""

    pieces: int
    box: tuple[int, int, int, int]
    image: np.ndarray  # uint8 (28, 28)


class Segmentation(NamedTuple):
    """The digits found, the pieces that are none, and the score: nats, 1.2 at most, the mean over all ink."""

    digits: list[Candidate]
    left_out: list[int]
    score: float
    usual: float = 0.0  # px, height of a digit


NOTHING = Segmentation([], [], -np.inf)


def segment(ink: np.ndarray, found: Pieces, probabilities: Probabilities | None, one: bool = False) -> Segmentation:
    """Returns the most probable digits.

    Args:
        ink: How much ink each pixel has, float32 (height, width) in [0, 1].
        found: The pieces of the ink.
        probabilities: What a network makes of images; None: only sizes and distances decide.
        one: Whether there is one digit at most.
    """
    if not found.pieces:
        return NOTHING
    count = len(found.pieces)
    pieces = Scored(ink, found, probabilities, [Group(1 << place, 0.0) for place in range(count)] + wholes_of(found))
    usual = usual_height(pieces.candidates, pieces.logs)
    joined = Scored(ink, found, probabilities, groups_of(found, usual, one))
    candidates = pieces.candidates + joined.candidates
    if not candidates:
        return NOTHING
    logs = np.concatenate([pieces.logs, joined.logs])
    gaps = pieces.gaps + joined.gaps
    lengths = found.lengths
    shares = [lengths[members(c.pieces)].sum() / lengths.sum() for c in candidates]
    aspect = (MAX_UNSEEN_ASPECT, UNSEEN_ASPECTS) if probabilities is None else (MAX_ASPECT, ASPECTS)

    def most_probable(usual: float) -> Segmentation:
        scores = [
            share * (log - cost(c, gap, found, usual, ink.shape, aspect) - np.log(NO_DIGIT))
            for share, c, log, gap in zip(shares, candidates, logs, gaps)
        ]
        chosen, score = ([int(np.argmax(scores))], max(scores)) if one else plain_cover(candidates, scores, logs, found)
        digits = [candidates[number] for number in chosen]
        covered = sum(digit.pieces for digit in digits) if score > 0 else 0
        return Segmentation(digits, [place for place in range(count) if not covered >> place & 1], score, usual)

    usuals = [usual]
    if probabilities is not None:  # that of wholes too, and that beside one large thing
        usuals += [usual_height(candidates, logs), usual_height(candidates, logs, power=0.5)]
    return max(map(most_probable, dict.fromkeys(usuals)), key=attrgetter("score"))


def usual_height(candidates: list[Candidate], logs: np.ndarray, power: float = 1.0) -> float:
    """Returns the median height in pixels of candidates, weighted by how plainly each is a digit.

    power: Of the height, which is a weight too: 1 keeps many specks from deciding, less keeps one large thing from it.
    """
    heights = np.array([c.box[3] - c.box[1] for c in candidates], float)
    return weighted_median(heights, heights**power * np.maximum(np.exp(logs) - NO_DIGIT, 0.01) ** 2)


class Scored:
    """Candidates with the logarithms of their probabilities."""

    def __init__(
        self, ink: np.ndarray, found: Pieces, probabilities: Probabilities | None, groups: list[Group]
    ) -> None:
        pairs = [(candidate_of(group, found, ink), group) for group in groups]
        self.candidates = [c for c, _ in pairs if c]
        self.gaps = [group.gap for c, group in pairs if c]
        self.logs = np.zeros(len(self.candidates))
        if probabilities is not None and self.candidates:
            most = probabilities(np.stack([c.image for c in self.candidates])).max(1)
            self.logs = np.log(np.maximum(most, 1e-6))


def candidate_of(group: Group, found: Pieces, ink: np.ndarray) -> Candidate | None:
    """Returns pieces as a digit in MNIST's form, None if no ink is left of them."""
    own = members(group.pieces)
    left, top, right, bottom = found.hull(own)
    window = slice(max(0, top - PADDING), bottom + PADDING), slice(max(0, left - PADDING), right + PADDING)
    places = found.places[window]
    mine = (places == own[0] if len(own) == 1 else np.isin(places, own)).astype(np.uint8)
    edges = cv2.dilate(mine, np.ones((3, 3), np.uint8)) * (places < 0)  # the grey edges of strokes
    image = mnist_image(np.pad(ink[window] * (mine | edges), PADDING))
    return None if image is None else Candidate(group.pieces, (left, top, right, bottom), image)


def cost(
    c: Candidate, gap: float, found: Pieces, usual: float, shape: tuple[int, ...], aspect: tuple[float, float]
) -> float:
    """Returns how many nats size, shape, place and distances speak against a digit."""
    left, top, right, bottom = c.box
    height, width = bottom - top, right - left
    nats = 0.5 * (np.log(max(height, width) / usual) / SIZES) ** 2
    nats += 0.5 * (max(0.0, width / height - aspect[0]) / aspect[1]) ** 2
    nats += 0.5 * (gap / (GAP * usual)) ** 2
    own = members(c.pieces)
    if height < MARKS * usual and is_straight(sum(found.pieces[place].length for place in own), c.box):
        nats += MARK
    others = found.gaps[own].min(0)
    others[own] = np.inf
    nearest = others.min(initial=np.inf)
    nats += LEFT_OUT * np.exp(-nearest / (NEAR * usual))
    boxes = found.boxes
    framed = (boxes[:, :2] >= (left, top)).all(1) & (boxes[:, 2:] <= (right, bottom)).all(1) & (others < np.inf)
    if (framed & (boxes[:, 3] - boxes[:, 1] > MIN_FRAMED * height)).any():
        nats += FRAME
    if len(own) < len(found.pieces) and not found.cropped:
        edges = np.array([left, top, shape[1] - right, shape[0] - bottom]).min()
        if edges < EDGE * max(shape):
            nats += 0.5 * (np.log(max(height, width) / usual) / SIZES_AT_EDGE) ** 2 + (AT_EDGE if edges <= 1 else 0)
    return nats


def plain_cover(
    candidates: list[Candidate], scores: list[float], logs: np.ndarray, found: Pieces
) -> tuple[list[int], float]:
    """Returns the best cover in which no ink is torn, and its score; if it is empty, the best candidate and 0.

    logs: Logarithms of the candidates' probabilities.
    """
    scores, lengths = scores.copy(), found.lengths
    wholes = [whole.pieces for whole in wholes_of(found)]
    while True:
        chosen, score = best_cover(candidates, scores, len(found.pieces))
        digits = [(candidates[number].pieces, logs[number]) for number in chosen]
        torn = [whole for whole in wholes if is_torn(whole, digits, lengths)]
        if not torn:
            return chosen or [int(np.argmax(scores))], score
        for number, c in enumerate(candidates):
            if any(divides(c.pieces, whole) for whole in torn):
                scores[number] = -np.inf


def divides(pieces: int, whole: int) -> bool:
    """Tells whether pieces take a part of connected ink and leave another."""
    return pieces & whole not in (0, whole)


def is_torn(whole: int, digits: list[tuple[int, float]], lengths: np.ndarray) -> bool:
    """Tells whether connected ink is divided into digits that are not plain enough for it, as parts of letters are.

    Args:
        whole: The connected ink, bit i standing for piece i.
        digits: Pieces that are read as a digit each, and the logarithm of its probability.
        lengths: Of the strokes of all pieces, px.
    """
    parts = [(pieces & whole, log) for pieces, log in digits if divides(pieces, whole)]
    read = [(lengths[members(pieces)].sum(), log) for pieces, log in parts]
    length = lengths[members(whole)].sum()
    left_out = length - sum(part for part, _ in read)
    nats = sum(part * log for part, log in read) - left_out * LEFT_OUT
    return bool(parts) and nats < length * np.log(PLAIN_PARTS)


def best_cover(candidates: list[Candidate], scores: list[float], count: int) -> tuple[list[int], float]:
    """Returns the candidates without common pieces whose scores have the largest sum, and the sum: a beam search."""
    starting: dict[int, list[int]] = {}
    for number, c in enumerate(candidates):
        if scores[number] > 0:
            starting.setdefault(members(c.pieces)[0], []).append(number)
    states: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}  # pieces covered from here on: score, chosen
    for place in range(count):
        following: dict[int, tuple[float, tuple[int, ...]]] = {}
        for covered, (score, chosen) in states.items():
            options = [(covered, score, chosen)]
            options += [
                (covered | candidates[number].pieces, score + scores[number], (*chosen, number))
                for number in starting.get(place, [])
                if not candidates[number].pieces & covered
            ]
            for bits, value, path in options:
                bits = bits >> (place + 1) << (place + 1)
                if value > following.get(bits, (-np.inf, ()))[0]:
                    following[bits] = value, path
        states = dict(sorted(following.items(), key=lambda item: -item[1][0])[:BEAM])
    score, chosen = max(states.values(), key=lambda state: state[0])
    return list(chosen), score
