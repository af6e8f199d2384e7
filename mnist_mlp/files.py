"""Files that are whole at any moment."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from lightning.pytorch.plugins import TorchCheckpointIO

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


class WholeCheckpoints(TorchCheckpointIO):
    """Saves checkpoints so that a kill or a full disk leaves the one before."""

    def save_checkpoint(self, checkpoint: dict, path: str, storage_options: object = None) -> None:
        content = io.BytesIO()  # writing straight to a full disk, torch raises an error that does not say so
        torch.save(checkpoint, content)
        with replacing(Path(path)) as new:
            new.write_bytes(content.getbuffer())
