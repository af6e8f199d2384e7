"""A terminal of a given width, for what only a terminal shows."""

import fcntl
import os
import pty
import struct
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

END = "\0"


class Terminal:
    """A pseudo-terminal.

    Attributes:
        file: What is written here appears on it.
    """

    def __init__(self, columns: int) -> None:
        self.screen, program = pty.openpty()
        tty.setraw(program)  # no carriage return is added to a line feed
        self.file = os.fdopen(program, "w")
        self.resize(columns)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self) -> str:
        """Returns what was written since the last call."""
        print(END, end="", file=self.file, flush=True)  # the system may hand on what is written in several parts
        text = b""
        while not text.endswith(END.encode()):
            text += os.read(self.screen, 1 << 16)
        return text.decode().removesuffix(END)


@contextmanager
def terminal(columns: int) -> Iterator[Terminal]:
    """Makes a terminal stdout and stderr."""
    made = Terminal(columns)
    try:
        with redirect_stdout(made.file), redirect_stderr(made.file):
            yield made
    finally:
        made.file.close()
        os.close(made.screen)
