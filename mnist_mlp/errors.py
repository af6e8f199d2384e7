"""The one kind of error that a user can fix, and how a command ends with it."""

import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager


class InputError(Exception):
    """Names the file or key that is wrong, says what is wrong with it and what to do. Shown without a traceback."""


def one_line(message: object) -> str:
    """Returns the message with every run of white space, line breaks included, replaced by one space."""
    return " ".join(str(message).split())


def explain(error: Exception) -> str | None:
    """Returns what to tell the user about an error that they can fix, or None for a bug."""
    if isinstance(error, OSError) and error.filename:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error) if isinstance(error, (InputError, OSError)) else None


_received: list[int] = []  # signals, other than that of Ctrl-C, that ended the program


def interrupt_on_sigterm() -> None:
    """Makes SIGTERM end the program as Ctrl-C does. Slurm and others send it before they kill."""

    def interrupt(number: int, _) -> None:
        _received.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


@contextmanager
def one_line_errors(explain: Callable[[Exception], str | None] = explain) -> Generator[None]:
    """Ends the program with one line on stderr if the block raises an error that the user can fix.

    The exit status is 2, or 130 after Ctrl-C and 143 after SIGTERM.

    Args:
        explain: Returns the message for an error, or None for a bug, which is raised again.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        how = "terminated" if _received else "interrupted"
        print(f"\n{how}{f': {interrupt}' if interrupt.args else ''}", file=sys.stderr)
        sys.exit(128 + (_received[-1] if _received else signal.SIGINT))
    except BrokenPipeError:  # whoever reads the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes stdout once more at its end
        sys.exit(128 + signal.SIGPIPE)
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        print(f"error: {one_line(message)}", file=sys.stderr)
        sys.exit(2)
