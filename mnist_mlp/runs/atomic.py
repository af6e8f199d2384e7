"""Files that are complete at every moment."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_mlp.errors import InputError, warn

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Yields the path of a temporary file that replaces ``path`` when the block ends, or vanishes after an error.

    Raises:
        InputError: There is no space or no permission.
    """
    new = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield new
        os.replace(new, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        new.unlink(missing_ok=True)


warn_once = cache(warn)


@contextmanager
def dispensable() -> Generator[None]:
    """Makes a warning of the error of a file that a run can do without, as when another program holds it.

    A full disk remains an error: a checkpoint would not find room either.
    """
    try:
        yield
    except InputError as error:
        if getattr(error.__cause__, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise
        warn_once(str(error))


def write_text(path: Path, text: str) -> None:
    """Writes a text file, replacing what was there at once."""
    with replacing(path) as new:
        new.write_text(text, errors="backslashreplace")  # a name may not be text


def save_figure(path: Path, figure: "Figure", dpi: int = 120, source: str | None = None) -> None:
    """Writes a matplotlib figure as PNG, replacing what was there at once. ``source`` is noted in the file."""
    with replacing(path) as new:
        figure.savefig(new, format="png", dpi=dpi, metadata={"Source": source})  # pyright: ignore[reportUnknownMemberType]
