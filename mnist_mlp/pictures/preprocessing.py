"""From a picture as people have it to digits as MNIST has them."""

from pathlib import Path
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mnist_mlp.errors import InputError, one_line

SIDE, DIGIT_SIDE = 28, 20  # of MNIST's images, and of the digit in them
MOST_PIXELS = 100_000_000  # of a picture: some 1 GB while it is read
WORK_SIDE = 1600  # pixels of the longer side, more than which no digit needs to be found
LEAST_DIGIT = 8  # the same, below which nothing is a digit or one of its strokes
LEAST_SIDE = 96  # the same for less than which a stroke is not told from its edge
PAPER_SIDE = 128  # the same for the paper and its light
RULING_SIDE = 400  # and for printed lines
SMALLEST_RULED = 64  # pixels, below which a picture has a digit and no paper
FINE_SIDE = 160  # pixels of a digit's longer side, with which a stroke's width can be set to a fifteenth of itself
MOST_PIECES = 500  # of ink that are looked at, the largest; noise has more
FAINTEST = 0.1  # of the paper's light that ink must take away
WIDEST = 1.2  # of a digit, its height being 1
STROKE_WIDTHS = 1.6, 3.9  # pixels, of nine in ten of MNIST's training images
USUAL_WIDTH = 2.5  # their median
EDGE_WIDTH = 1.5  # pixels in which a stroke fades into the paper


class Digit(NamedTuple):
    """Where a digit is, in the picture's pixels, and how MNIST would show it, uint8 (28, 28), white on black."""

    box: tuple[int, int, int, int]  # left, top, right, bottom
    image: np.ndarray


class Part(NamedTuple):
    """Connected ink, or several pieces of it that make up a digit: the labels of its pieces, and its box."""

    labels: tuple[int, ...]
    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def digits_in(picture: np.ndarray, several: bool = True) -> list[Digit]:
    """The digits in a picture, uint8 (height, width), line by line from the left; none on an empty page.

    Ink may be dark on light or light on dark. Where not ``several``, all that is drawn is one digit. An image that is
    framed as MNIST's is given back as it is.
    """
    height, width = picture.shape
    if is_framed(picture):
        left, top, right, bottom = bounds(picture > 0)
        return [Digit((left, top, right, bottom), picture.copy())]
    work = enlarged(bounded(picture, WORK_SIDE), LEAST_SIDE)
    ink = ink_on_paper(work)
    level = ink_level(ink)
    if level is None:
        return []
    ink = np.clip(ink / (2 * level), 0, 1)  # from here on, above a half is ink
    mask = without_ruling(ink > 0.5)
    labels, parts = pieces(mask)
    parts = lines_of(separate(joined(parts), labels)) if several else whole(parts)
    return [
        Digit(scaled_box(part, width / work.shape[1], height / work.shape[0], width, height), image)
        for part in parts
        if (image := mnist_image(ink_of(part, ink, labels))) is not None
    ]


# Files


def read_picture(source: str | Path | BinaryIO) -> np.ndarray:
    """A picture file as grey, uint8 (height, width), upright, with its ink and paper as they are.

    Transparent parts become paper on which what is drawn can be seen. Raises InputError for what is not a picture,
    damaged, or too large for memory.
    """
    name = source if isinstance(source, str | Path) else getattr(source, "name", "picture")
    try:
        with Image.open(source) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels are too many")
            image.draft("L", image.size)  # a JPEG's colours are not needed
            return np.ascontiguousarray(grey(ImageOps.exif_transpose(image)))
    except UnidentifiedImageError as error:
        raise InputError(f"{name}: not a readable image (of no known format)") from error
    except Exception as error:  # Pillow's readers raise errors of many types on damaged files
        reason = one_line(getattr(error, "strerror", None) or error or type(error).__name__)
        raise InputError(f"{name}: not a readable image ({reason})") from error


def grey(image: Image.Image) -> np.ndarray:
    """An image of any mode as uint8 (height, width)."""
    if image.mode.startswith(("I", "F")):  # which Pillow would cut off at 255
        values = np.asarray(image, np.float32)
        most = values.max()
        scale = 1 / 257 if most > 255 or image.mode.startswith("I;16") else 255 if most <= 1 else 1
        return np.clip(np.round(values * scale), 0, 255).astype(np.uint8)
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        return on_contrasting_paper(np.asarray(image.convert("RGBA")))
    if image.mode not in ("L", "1", "RGB"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"))


def on_contrasting_paper(picture: np.ndarray) -> np.ndarray:
    """Laid, uint8 (height, width, 4), on black or white paper, whichever shows it; on its own where it has paper."""
    tone = cv2.cvtColor(picture[..., :3], cv2.COLOR_RGB2GRAY)
    alpha = picture[..., 3]
    opaque = tone[alpha > 127]
    if not opaque.size:
        opaque = tone[alpha > 0]
    if not opaque.size:
        return np.full(tone.shape, 255, np.uint8)
    has_paper = opaque.size > tone.size / 2 and opaque.std() > 10
    paper = np.median(opaque) if has_paper else 255 if opaque.mean() < 128 else 0
    share = alpha.astype(np.float32) / 255
    return np.round(tone * share + paper * (1 - share)).astype(np.uint8)


# Ink and paper


def bounded(picture: np.ndarray, side: int) -> np.ndarray:
    """The picture, made smaller where its longer side is above ``side``."""
    scale = side / max(picture.shape)
    if scale >= 1:
        return picture
    height, width = (max(1, round(extent * scale)) for extent in picture.shape)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def enlarged(picture: np.ndarray, side: int) -> np.ndarray:
    """The picture, made larger where its longer side is below ``side``."""
    scale = side / max(picture.shape)
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) if scale > 1 else picture


def ink_on_paper(picture: np.ndarray) -> np.ndarray:
    """How much of the paper's light is missing, float32 (height, width): paper has 0, more or less, ink up to 1.

    The paper, with the light on it, is what remains when a closing (Serra 1982) fills in all that is narrower than
    the widest stroke.
    """
    black = 8  # grey levels that paper is taken to have more, so that dark paper is not all noise
    if is_light_on_dark(picture):
        picture, black = 255 - picture, 64  # chalk adds to the light of a board
    small = cv2.GaussianBlur(bounded(picture, PAPER_SIDE), (3, 3), 0).astype(np.float32)
    extent = round(0.45 * small.shape[0]) | 1  # no digit is taller than the picture, nor any blot half as tall
    margin = [min(extent // 2, side - 1) for side in small.shape]
    beyond = np.pad(small, [(side, side) for side in margin], "reflect", reflect_type="odd")  # light goes on as it goes
    closed = cv2.morphologyEx(beyond, cv2.MORPH_CLOSE, np.ones((extent, extent), np.uint8))
    closed = closed[margin[0] : margin[0] + small.shape[0], margin[1] : margin[1] + small.shape[1]]
    paper = np.clip(cv2.GaussianBlur(closed, (5, 5), 0), 0, 255)
    paper = cv2.resize(paper, picture.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return 1 - (picture + np.float32(black)) / (paper + np.float32(black))


def is_light_on_dark(picture: np.ndarray) -> bool:
    """Whether what differs most from its surroundings is lighter than they are.

    The surroundings are medians over half the picture: of less than half of it is ink. The fifth power makes little of
    shadows, which are large but not black.
    """
    step = 1 + max(picture.shape) // 500
    sample = np.ascontiguousarray(picture[::step, ::step])  # not averaged, which would fade hairlines
    small = bounded(sample, PAPER_SIDE // 2)
    surroundings = cv2.medianBlur(small, round(0.6 * np.prod(small.shape) ** 0.5) | 1)
    surroundings = cv2.resize(surroundings, sample.shape[::-1], interpolation=cv2.INTER_LINEAR)
    difference = cv2.subtract(sample, surroundings, dtype=cv2.CV_32F) * np.float32(1 / 255)
    square = difference * difference
    return bool(np.vdot(square * square, difference) > 0)


def ink_level(ink: np.ndarray) -> float | None:
    """The threshold between paper and ink (Otsu 1979), among what is near ink; None where there is only paper."""
    even = cv2.GaussianBlur(ink, (3, 3), 0)  # a third of a camera's noise
    sample = even[:: 1 + ink.shape[0] // 200, :: 1 + ink.shape[1] // 200]
    # which ink, being above, does not disturb up to two thirds of the area
    low, lower = np.percentile(sample, [30, 15])
    grain = (low - lower) / 0.512  # the deviation of normally distributed values with such percentiles
    candidates = (even > max(FAINTEST, low + 5.5 * grain)).astype(np.uint8)
    near = cv2.dilate(candidates, np.ones((5, 5), np.uint8)).astype(bool)
    if not near.any():
        return None
    values = np.clip(np.round(ink[near] * 255), 0, 255).astype(np.uint8)
    level = max(FAINTEST, cv2.threshold(values, 0, 255, cv2.THRESH_OTSU)[0] / 255)
    return level if is_sharp(ink, level) else None


def is_sharp(ink: np.ndarray, level: float) -> bool:
    """Whether what is above the level rises to it steeply, as ink does and shadows do not, or is too fine to tell."""
    reach = max(5, ink.shape[0] // 120, ink.shape[1] // 120) | 1
    even = cv2.GaussianBlur(ink, (reach, reach), 0)
    mask = (even > level).astype(np.uint8)
    if np.count_nonzero(mask) < 0.1 * np.count_nonzero(ink > level):
        return True  # hairlines, of which little is left
    edge = cv2.dilate(mask, np.ones((3, 3), np.uint8)) != mask
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    rise = (cv2.dilate(even, square) - cv2.erode(even, square))[edge]
    return rise.size == 0 or bool(np.median(rise) > 1.15 * level)


def without_ruling(mask: np.ndarray) -> np.ndarray:
    """The ink without printed lines that run through the picture, ruled or squared; strokes across them stay whole.

    Where one line is all there is, it is taken for a 1.
    """
    reached = sum(bool(edge.any()) for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    if max(mask.shape) < SMALLEST_RULED or reached < 2:
        return mask
    down = without_lines(mask.T)[0].T
    rest, lines = without_lines(np.ascontiguousarray(down))
    gone = np.count_nonzero(mask) - np.count_nonzero(rest)
    if gone == 0 or (lines <= 1 and gone > 0.9 * np.count_nonzero(mask)):
        return mask
    return without_ends(rest)


def without_ends(mask: np.ndarray) -> np.ndarray:
    """Without what reaches an edge of the picture and is not most of the ink: ends of lines across a corner."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    at_edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    kept = np.ones(len(stats), bool)
    kept[at_edge] = stats[at_edge, cv2.CC_STAT_AREA] > mask.sum() / 2
    kept[0] = False
    return kept[labels]


def without_lines(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """The ink without thin lines from one edge of the picture to another, more or less level, and how many they are."""
    small = bounded(mask.astype(np.uint8) * 255, RULING_SIDE)
    small = cv2.threshold(small, 50, 1, cv2.THRESH_BINARY)[1]
    if not reaching(small, 0.3, 0).any():
        return mask, 0
    lines = level_lines(cv2.dilate(small, np.ones((3, 1), np.uint8)))
    count = cv2.connectedComponents(lines)[0] - 1
    region = cv2.resize(cv2.dilate(lines, np.ones((3, 1), np.uint8)), mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
    region = (region > 0) & mask
    if not region.any():
        return mask, 0
    tall = round(6 * distance_to_edge(region.astype(np.uint8))[region].mean()) + 2  # half as much again as the lines
    column = np.ones((tall, 1), np.uint8)
    strokes = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, column) > 0
    removed = region & ~strokes
    rest = mask & ~removed
    bridged = cv2.morphologyEx(rest.astype(np.uint8), cv2.MORPH_CLOSE, column) > 0
    return rest | (bridged & removed), count


def reaching(mask: np.ndarray, least: float, slack: int) -> np.ndarray:
    """Of the mask, uint8, what is connected from edge to edge, within ``slack`` pixels, or over most of its width."""
    rows, columns = mask.shape
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    left, top, width, height, _ = stats.T
    edges = [left <= slack, top <= slack, left + width >= columns - slack, top + height >= rows - slack]
    through = (width > 0.85 * columns) | ((sum(edge.astype(int) for edge in edges) >= 2) & (width > least * columns))
    through[0] = False
    return through[labels]


def level_lines(mask: np.ndarray) -> np.ndarray:
    """Where the mask, uint8, has thin lines from edge to edge within 10 degrees of the horizontal.

    Openings and closings by lines (Serra 1982), of the mask sheared by each slope: what strokes hide is bridged.
    """
    height, width = mask.shape
    thin = mask & ~cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((max(3, height // 30) + 3, 1), np.uint8))
    run, gap = max(5, width // 20), 2 * width // 5
    margin = round(0.09 * width) + 1
    lines = np.zeros_like(mask)
    for slope in np.arange(-0.18, 0.19, 0.02):
        shear = np.array([[1, 0, gap], [slope, 1, margin - slope * width / 2]])
        sheared = cv2.warpAffine(thin, shear, (width + 2 * gap, height + 2 * margin), flags=cv2.INTER_NEAREST)
        runs = cv2.morphologyEx(sheared, cv2.MORPH_OPEN, np.ones((1, run), np.uint8))
        whole = cv2.morphologyEx(runs, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
        whole = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((1, max(run, width // 7)), np.uint8))
        if whole.any():
            whole = cv2.warpAffine(whole, shear, (width, height), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
            lines |= reaching(whole, 0.15, 3).astype(np.uint8)
    return lines & mask


# Pieces and digits


def pieces(mask: np.ndarray) -> tuple[np.ndarray, list[Part]]:
    """Connected ink: each pixel's label, and the pieces without the specks, the largest first."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    extents = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1, initial=0)
    areas = stats[1:, cv2.CC_STAT_AREA]
    least = max(LEAST_DIGIT - 1, 0.1 * typical(extents, areas))
    large = [label for label in 1 + np.argsort(-extents) if extents[label - 1] > least][:MOST_PIECES]
    boxes = stats[large, :4].tolist()
    return labels, [
        Part((int(label),), left, top, left + width, top + height)
        for label, (left, top, width, height) in zip(large, boxes)
    ]


def typical(sizes: np.ndarray, weights: np.ndarray) -> float:
    """The weighted median; 0 of none."""
    order = np.argsort(sizes)
    shares = np.cumsum(weights[order])
    return float(sizes[order][np.searchsorted(shares, shares[-1] / 2)]) if len(sizes) else 0.0


def union(*parts: Part) -> Part:
    labels, lefts, tops, rights, bottoms = zip(*parts)
    return Part(tuple(dict.fromkeys(sum(labels, ()))), min(lefts), min(tops), max(rights), max(bottoms))


def whole(parts: list[Part]) -> list[Part]:
    return [union(*parts)] if parts else []


def joined(parts: list[Part]) -> list[Part]:
    """The parts of broken digits put together, such as the bar of a 5; what is too small to be a digit is left out."""
    height = usual_height(parts)
    digits: list[Part] = []
    for part in sorted(parts, key=lambda part: -part.height):
        gaps = [(gap_to(digit, part, height), place) for place, digit in enumerate(digits)]
        gap, place = min(gaps, default=(np.inf, 0))
        if gap < np.inf:
            digits[place] = union(digits[place], part)
        else:
            digits.append(part)
    return [digit for digit in digits if digit.height > 0.4 * height]


def usual_height(parts: list[Part]) -> float:
    heights = np.array([part.height for part in parts])
    return typical(heights, heights)


def gap_to(digit: Part, part: Part, height: float) -> float:
    """The pixels between a digit and a part of it that is not taller; infinite if the part is not one of it.

    ``height`` is a digit's usual one.
    """
    across = max(part.left, digit.left) - min(part.right, digit.right)
    down = max(part.top, digit.top) - min(part.bottom, digit.bottom)
    slack = 0.1 * height  # a stroke leans
    stacked = slack - across > 0.5 * (min(part.width, digit.width) + slack)
    if part.height > 0.6 * digit.height:  # two halves of a broken digit, neither of them a digit's height
        belongs = stacked and part.height < 0.8 * height and down < 0.15 * height
        belongs = belongs and union(part, digit).height < 1.4 * height
    elif stacked or part.height < 0.3 * digit.height:
        belongs = max(across, down) < (0.3 if stacked else 0.2) * height
    else:
        belongs = max(across, down) < 0.1 * digit.height
    return max(across, down) if belongs else np.inf


def separate(parts: list[Part], labels: np.ndarray) -> list[Part]:
    height = usual_height(parts)
    return [half for part in parts for half in halves(part, labels, height)]


def halves(part: Part, labels: np.ndarray, height: float) -> list[Part]:
    """Digits that touch, and so are wider than a digit is, cut apart where what joins them is one piece and thinnest.

    ``height`` is a digit's usual one.
    """
    if part.width < WIDEST * max(part.height, height):
        return [part]
    ink = np.isin(labels[part.top : part.bottom, part.left : part.right], part.labels).astype(np.uint8)
    thickness = ink.sum(0, dtype=np.int64)
    strokes = (np.diff(ink.astype(np.int8), axis=0, prepend=0) == 1).sum(0)
    columns = np.arange(part.width)
    inner = (columns > 0.25 * part.width) & (columns < 0.75 * part.width)
    thin = np.flatnonzero(inner & (strokes == 1) & (thickness < 0.5 * part.height))
    if not thin.size:
        return [part]
    column = min(thin, key=lambda column: (thickness[column], abs(column - part.width / 2)))
    sides = [(0, bounds(ink[:, :column])), (column, bounds(ink[:, column:]))]
    if min(bottom - top for _, (_, top, _, bottom) in sides) < 0.6 * part.height:  # a digit's own arm
        return [part]
    return [
        half
        for start, (left, top, right, bottom) in sides
        for half in halves(
            Part(
                part.labels,
                part.left + int(start) + left,
                part.top + top,
                part.left + int(start) + right,
                part.top + bottom,
            ),
            labels,
            height,
        )
    ]


def lines_of(parts: list[Part]) -> list[Part]:
    """In reading order: lines from the top, parts of a line from the left."""
    lines: list[list[Part]] = []
    for part in sorted(parts, key=lambda part: part.left):
        for line in lines:
            last = line[-1]
            shared = min(part.bottom, last.bottom) - max(part.top, last.top)
            if shared > 0.5 * min(part.height, last.height):
                line.append(part)
                break
        else:
            lines.append([part])
    lines.sort(key=lambda line: np.mean([part.top + part.bottom for part in line]))
    return [part for line in lines for part in line]


def ink_of(part: Part, ink: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The ink of a part alone, with two pixels of paper around it."""
    region = slice(part.top, part.bottom), slice(part.left, part.right)
    own = np.isin(labels[region], part.labels).astype(np.uint8)
    own = cv2.dilate(np.pad(own, 2), np.ones((3, 3), np.uint8))  # with the grey edge of the strokes
    field = np.zeros(own.shape, np.float32)
    top, left = max(0, part.top - 2), max(0, part.left - 2)
    around = ink[top : part.bottom + 2, left : part.right + 2]
    y, x = top - part.top + 2, left - part.left + 2
    field[y : y + around.shape[0], x : x + around.shape[1]] = around
    return field * own


def scaled_box(part: Part, x: float, y: float, width: int, height: int) -> tuple[int, int, int, int]:
    return (
        int(part.left * x),
        int(part.top * y),
        min(width, int(np.ceil(part.right * x))),
        min(height, int(np.ceil(part.bottom * y))),
    )


# As MNIST


def is_framed(picture: np.ndarray) -> bool:
    """Whether an image is made as MNIST's: white on black, 20 pixels long, its centre of mass in the middle."""
    if picture.shape != (SIDE, SIDE) or picture.max() < 200:
        return False
    left, top, right, bottom = bounds(picture > 0)
    if max(right - left, bottom - top) not in (DIGIT_SIDE - 1, DIGIT_SIDE):  # centring cuts a row off some
        return False
    middle = SIDE / 2
    return all(abs(centre - middle) < 0.6 for centre in centre_of_mass(picture))


def bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is set."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return left, top, left + width, top + height


def centre_of_mass(image: np.ndarray) -> tuple[float, float]:
    """x and y, where 0 is the middle of the first pixel."""
    # not by cv2.moments, which takes an image two pixels wide for the points of a contour
    rows, columns = image.sum(1, dtype=np.float64), image.sum(0, dtype=np.float64)
    return columns @ np.arange(len(columns)) / columns.sum(), rows @ np.arange(len(rows)) / rows.sum()


def mnist_image(ink: np.ndarray) -> np.ndarray | None:
    """One digit's ink, float32 (height, width), as MNIST has it: uint8 (28, 28); None where nothing is left of it.

    As LeCun et al. (1998) made it from black and white forms: fitted into 20x20 pixels with its proportions kept,
    grey by averaging, and moved by whole pixels so that the centre of mass is in the middle.
    """
    strokes = with_usual_strokes(enlarged(ink, FINE_SIDE))
    return centred(fitted(strokes)) if strokes.any() else None


def with_usual_strokes(ink: np.ndarray) -> np.ndarray:
    """Strokes that MNIST seldom has, fitted into 20 pixels, made wider until they are as wide as usual, or thinner.

    In a stroke the mean distance to the edge is a quarter of its width; the distances (Borgefors 1986) inside and
    outside also say where the edge comes to lie when it is moved.
    """
    mask = (ink > 0.5).astype(np.uint8)
    if not mask.any():
        return ink
    inside = distance_to_edge(mask)
    width = 4 * inside[mask > 0].mean()
    left, top, right, bottom = bounds(mask)
    extent = max(right - left, bottom - top)
    low, high = STROKE_WIDTHS
    fitted_width = width * DIGIT_SIDE / extent
    # a wide stroke is only made as thin as has to be, since its thin parts lose as much
    target = (USUAL_WIDTH if fitted_width < low else min(fitted_width, high)) / DIGIT_SIDE
    # moving the edge makes the digit longer or shorter too
    outwards = (target * extent - width) / (2 - 2 * target)
    softness = EDGE_WIDTH * extent / DIGIT_SIDE
    margin = max(0, int(np.ceil(outwards))) + 1
    mask, inside = np.pad(mask, margin), np.pad(inside, margin)
    return np.clip((inside - distance_to_edge(1 - mask) + outwards) / softness + 0.5, 0, 1)


def distance_to_edge(mask: np.ndarray) -> np.ndarray:
    """Pixels from what is set to the edge, which lies between pixels; 0 elsewhere."""
    return np.maximum(cv2.distanceTransform(mask, cv2.DIST_L2, 5) - 0.5, 0)


def fitted(strokes: np.ndarray) -> np.ndarray:
    """Cut out, and reduced to 20 pixels of the longer side: float32."""
    left, top, right, bottom = bounds(strokes > 0.5) if (strokes > 0.5).any() else bounds(strokes > 0)
    digit = strokes[top:bottom, left:right]
    scale = DIGIT_SIDE / max(digit.shape)
    height, width = (max(1, round(extent * scale)) for extent in digit.shape)
    return cv2.resize(digit, (width, height), interpolation=cv2.INTER_AREA)


def centred(digit: np.ndarray) -> np.ndarray:
    """In 28x28, moved by whole pixels so that the centre of mass is in the middle."""
    height, width = digit.shape
    x, y = centre_of_mass(digit)
    left = int(np.clip(round(SIDE / 2 - x), 0, SIDE - width))
    top = int(np.clip(round(SIDE / 2 - y), 0, SIDE - height))
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + height, left : left + width] = np.round(digit * 255)
    return image
