"""What a terminal shows: texts of its width, and the line that shows how far something is."""

import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Callable
from typing import Any, TextIO

from tqdm import tqdm

MIN_BAR = 10  # columns; what matters less than the bar goes before the bar becomes shorter
ERASE_BELOW = "\x1b[J"  # from the cursor to the end of the screen
WRAP_OFF, WRAP_ON = "\x1b[?7l", "\x1b[?7h"  # a window that became narrower before we know cuts the line off


class LiveLine(tqdm):
    """A tqdm bar that fits its terminal at any width, and that nothing remains of. There is none off a terminal.

    The cursor waits at the beginning of the line. A terminal that becomes narrower breaks the line in several, and
    leaves the cursor at the first of them, so that the next update erases them all.

    Args:
        pieces: Called at each update; returns what to show beside the bar, as formats of tqdm, what matters most
            first. The first two are always shown.
        total: What makes up the whole bar.
        initial: What was done before.
    """

    def __init__(self, pieces: Callable[[], list[str]], total: float, initial: float = 0) -> None:
        self.pieces = pieces
        off = not sys.stderr.isatty() or os.environ.get("TERM") == "dumb"
        super().__init__(total=total, initial=initial, file=sys.stderr, leave=False, dynamic_ncols=True, disable=off)

    def __str__(self) -> str:
        pieces, width = self.pieces(), self.width
        while len(pieces) > 2 and len(self.line(pieces)) + 2 + MIN_BAR > width:
            pieces.pop()
        return self.line([*pieces, "{bar}"], width)

    @property
    def width(self) -> int:
        """The terminal's columns but one, as tqdm counts them."""
        columns: Any = self.format_dict["ncols"]
        return columns if columns and columns > 0 else 79  # some terminals do not know how wide they are

    def line(self, pieces: list[str], width: int | None = None) -> str:
        """Returns the line with the given pieces, of the given width if they have a bar."""
        state: dict[str, Any] = {**self.format_dict, "bar_format": "  ".join(pieces), "ncols": width}
        return self.format_meter(**state)

    def print(self, text: str, file: TextIO | None = None, cut: bool = False) -> None:
        """Prints a line above this one, on stdout by default; ``cut`` ends it at the terminal's edge."""
        self.clear()
        print(text[: self.width] if cut and not self.disable else text, file=file, flush=True)
        self.refresh()

    @staticmethod
    def status_printer(file: TextIO) -> Callable[[str], None]:
        """Returns what tqdm calls to show the line."""

        def show(line: str) -> None:
            file.write(f"{ERASE_BELOW}{WRAP_OFF}{line}{WRAP_ON}\r")
            file.flush()

        return show


def columns() -> int | None:
    """Returns how wide the terminal is, or None if stdout is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def wrapped(text: str, width: int | None) -> str:
    """Returns the text in lines of at most ``width`` columns, if there is one. Commands, which are indented, stay."""
    if width is None:
        return text
    fill = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False).fill
    return "\n".join(line if line.startswith("    ") else fill(line) for line in text.splitlines())


def say(text: str) -> None:
    """Prints at once, in lines that fit the terminal."""
    print(wrapped(text, columns()), flush=True)


def shell_command(*words: object) -> str:
    """Returns a command as one types it: words with spaces, or with what shells expand, in quotes."""
    return shlex.join(map(str, words))


def plural(count: int, noun: str) -> str:
    """Returns a count with its noun."""
    return f"{count} {noun}{'s' * (count != 1)}"
