"""The last and the best epoch on disk."""

import io
import shutil
from pathlib import Path

import torch
from lightning import Trainer
from lightning.pytorch.plugins import TorchCheckpointIO

from mnist_mlp.runs.atomic import replacing
from mnist_mlp.training.callbacks.history import History


def save_last_and_best(trainer: Trainer, history: History) -> None:
    """Saves last.ckpt, and best.ckpt if the epoch is the best so far. An observer of History.

    Lightning's ModelCheckpoint saves last.ckpt only together with a better one: resuming would go back to that.
    """
    run = history.run
    if history.best() is not history.rows[-1]:
        trainer.save_checkpoint(run.last)
        return
    trainer.save_checkpoint(run.best)  # last.ckpt comes last: a run killed in between does this epoch again
    if trainer.is_global_zero:
        with replacing(run.last) as new:
            shutil.copyfile(run.best, new)


class AtomicCheckpoints(TorchCheckpointIO):
    """Saves checkpoints so that a kill or a full disk leaves the one before."""

    def save_checkpoint(self, checkpoint: dict, path: str | Path, storage_options: object = None) -> None:
        content = io.BytesIO()  # on a full disk, torch.save to a file raises an error that does not say so
        torch.save(checkpoint, content)
        with replacing(Path(path)) as new:
            new.write_bytes(content.getbuffer())
