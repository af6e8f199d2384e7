"""The one kind of error that a user can fix, and how a command ends with it."""

import atexit
import gc
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import current_process
from typing import Any, NoReturn

from tqdm import tqdm

WORDS: dict[int, str] = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class InputError(Exception):
    """Names the file or key that is wrong, says what is wrong with it and what to do. Shown without a traceback."""


def one_line(message: object) -> str:
    """Returns the message with every run of white space, line breaks included, replaced by one space."""
    return " ".join(str(message).split())


def listed(names: Sequence[str], most: int = 10) -> str:
    """Returns names with commas between them, at most so many."""
    return ", ".join([*names[:most], *(["..."] if len(names) > most else [])])


def warn(message: object) -> None:
    """Prints a warning as one line, above a progress bar if there is one."""
    tqdm.write(f"warning: {one_line(message)}", file=sys.stderr)


def explain(error: Exception) -> str | None:
    """Returns what to tell the user about an error that they can fix, or None for a bug."""
    if isinstance(error, OSError) and error.filename:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    if isinstance(error, FileNotFoundError):  # of os.getcwd
        return "the working directory no longer exists"
    return str(error) if isinstance(error, (InputError, OSError)) else None


_received: list[int] = []  # the signals that are to end the program


@contextmanager
def ends_at_once() -> Generator[None]:
    """Makes Ctrl-C and SIGTERM end the program at once while the block imports large libraries.

    An import in which Ctrl-C raised KeyboardInterrupt could swallow it, or fail in other ways.
    """

    def end(number: int, _) -> None:
        if current_process().name == "MainProcess":  # a sweep's jobs in other processes receive Ctrl-C too
            print(f"\n{WORDS[number]}", file=sys.__stderr__, flush=True)
        atexit._run_exitfuncs()  # pyright: ignore[reportAttributeAccessIssue]
        os._exit(128 + number)

    before = handle_signals(end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave() -> NoReturn:
    """Ends the program as Python does, but does not free its memory: with torch and Lightning that takes seconds."""
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]  # waits for threads
    atexit._run_exitfuncs()  # pyright: ignore[reportAttributeAccessIssue]
    for file in gc.get_objects():
        if issubclass(type(file), io.IOBase):  # such as that of a callback that never closes it
            with suppress(Exception):
                file.flush()
    os._exit(0)


@contextmanager
def interrupt_on_signals() -> Generator[None]:
    """Makes SIGTERM, which Slurm and others send before they kill, interrupt the block as Ctrl-C does.

    Afterwards both end the program without a word: Python is about to end.
    """

    def interrupt(number: int, _) -> None:
        _received.append(number)
        raise KeyboardInterrupt

    handle_signals(interrupt)
    try:
        yield
    finally:
        handle_signals(signal.SIG_DFL)


def handle_signals(handler: Any) -> dict[int, Any]:
    """Lets ``handler`` handle Ctrl-C and SIGTERM; returns those before. A shell's background jobs ignore Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    heeded = [number for number in WORDS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    return {number: signal.signal(number, handler) for number in heeded}


def prepare_process() -> None:
    """Makes the standard streams take every name in every encoding, and opens those that are closed."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it complains where its cache cannot be written
    for number in range(3):
        with suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def one_line_errors(explain: Callable[[Exception], str | None] = explain) -> Generator[None]:
    """Ends the program with one line on stderr if the block raises an error that the user can fix.

    The exit status is 2, or 130 after Ctrl-C and 143 after SIGTERM.

    Args:
        explain: Returns the message for an error, or None for a bug, which is raised again.
    """
    prepare_process()
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads the output, such as head, has seen enough
        give_up_stdout()
        sys.exit(128 + signal.SIGPIPE)
    except (KeyboardInterrupt, Exception) as error:
        if isinstance(error, KeyboardInterrupt) or _received:  # libraries may make other errors of an interrupt
            number = _received[-1] if _received else signal.SIGINT
            kept = f": {error}" if isinstance(error, KeyboardInterrupt) and error.args else ""
            print(f"\n{WORDS[number]}{kept}", file=sys.stderr)
            sys.exit(128 + number)
        message = explain(error)
        if message is None:
            raise
        print(f"error: {one_line(message)}", file=sys.stderr)
        give_up_stdout()
        sys.exit(2)


def give_up_stdout() -> None:
    """Flushes stdout. If that fails, nothing more is printed: Python would try again at its end, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
