"""The last and the best epoch on disk."""

import io
import pickle
import re
import shutil
from pathlib import Path

import torch
from lightning import Trainer
from lightning.pytorch.plugins import TorchCheckpointIO

from mnist_mlp.errors import InputError
from mnist_mlp.runs.atomic import replacing
from mnist_mlp.training.callbacks.history import History


def save_last_and_best(trainer: Trainer, history: History) -> None:
    """Saves last.ckpt, and best.ckpt if the epoch is the best so far. An observer of History.

    Lightning's ModelCheckpoint saves last.ckpt only together with a better one: resuming would go back to that.
    """
    run = history.run
    if history.best() is not history.rows[-1]:
        if trainer.is_global_zero:
            bring_best(history)
        trainer.save_checkpoint(run.last)
        return
    trainer.save_checkpoint(run.best)  # last.ckpt comes last: a run killed in between does this epoch again
    if trainer.is_global_zero:
        with replacing(run.last) as new:
            shutil.copyfile(run.best, new)


def bring_best(history: History) -> None:
    """Copies the best epoch so far from the folder that the run was begun in, if it is continued in another."""
    if history.best_before is not None and not history.run.best.exists():
        with replacing(history.run.best) as new:
            shutil.copyfile(history.best_before, new)


class AtomicCheckpoints(TorchCheckpointIO):
    """Saves checkpoints so that a kill or a full disk leaves the one before. The first is read back before it counts.

    Raises:
        InputError: A part of the checkpoint holds more than tensors and plain values, as of an optimizer's state.
    """

    read_back = False

    def save_checkpoint(self, checkpoint: dict, path: str | Path, storage_options: object = None) -> None:
        content = serialized(checkpoint)  # on a full disk, torch.save to a file raises an error that does not say so
        if not self.read_back:
            for name, part in checkpoint.items():
                self.check(name, part)
            self.read_back = True
        with replacing(Path(path)) as new:
            new.write_bytes(content.getbuffer())

    def check(self, name: str, part: object) -> None:
        """Raises InputError if a part could not be read from a checkpoint."""
        try:
            torch.load(serialized(part), weights_only=True)
        except pickle.UnpicklingError as error:
            found = re.search(r"GLOBAL (\S+)", str(error))
            raise InputError(
                f"the checkpoint could not be read back: its {name} hold {found[1] if found else 'code'},"
                " but only tensors and plain values can be kept"
            ) from error


def serialized(value: object) -> io.BytesIO:
    """Returns the value as torch saves it."""
    content = io.BytesIO()
    torch.save(value, content)
    content.seek(0)
    return content
