"""Files that are whole at any moment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mnist_mlp.errors import InputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a new file's path to write to, which takes the place of ``path`` at once, or vanishes after an error.

    Raises InputError where there is no space or no permission.
    """
    new = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield new
        os.replace(new, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        new.unlink(missing_ok=True)
