"""A contact sheet: many small pictures with a few words below each."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

COLUMNS, SIDE, LINE, GAP = 8, 112, 15, 20  # pictures in a row; px of a picture, of a line of text, between pictures
MAX_LETTERS = 20  # of a line


def contact_sheet(pictures: Sequence[tuple[np.ndarray, Sequence[str]]]) -> Image.Image:
    """Returns a grey image of pictures, row by row, with their lines of text below.

    Args:
        pictures: Each uint8 (height, width), of any size, and its lines, which are cut where they are too long.
    """
    height = SIDE + LINE * max((len(lines) for _, lines in pictures), default=0) + GAP
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("L", (GAP + COLUMNS * (SIDE + GAP), GAP + rows * height), 255)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(LINE * 0.7)
    for place, (picture, lines) in enumerate(pictures):
        row, column = divmod(place, COLUMNS)
        left, top = GAP + column * (SIDE + GAP), GAP + row * height
        small = ImageOps.contain(Image.fromarray(picture), (SIDE, SIDE), Image.Resampling.NEAREST)
        sheet.paste(small, (left, top))
        for number, line in enumerate(lines):
            text = line if len(line) <= MAX_LETTERS else line[: MAX_LETTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
            draw.text((left, top + SIDE + 2 + LINE * number), text, 0, font)
    return sheet
