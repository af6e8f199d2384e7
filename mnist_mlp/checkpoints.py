"""The last and the best epoch on disk."""

import io
import shutil
from pathlib import Path

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins import TorchCheckpointIO

from mnist_mlp.files import replacing
from mnist_mlp.history import History


class LastAndBest(Checkpoint):
    """Saves ``last.ckpt`` after every epoch, and ``best.ckpt`` after one that History calls the best.

    Lightning's ModelCheckpoint saves ``last.ckpt`` only along with a better one: continuing would go back to that.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.last, self.best = (history.folder / f"checkpoints/{name}.ckpt" for name in ("last", "best"))

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        trainer.save_checkpoint(self.last)
        if self.history.best() is self.history.rows[-1]:
            with replacing(self.best) as new:
                shutil.copyfile(self.last, new)


class WholeCheckpoints(TorchCheckpointIO):
    """Saves checkpoints so that a kill or a full disk leaves the one before."""

    def save_checkpoint(self, checkpoint: dict, path: str, storage_options: object = None) -> None:
        content = io.BytesIO()  # writing straight to a full disk, torch raises an error that does not say so
        torch.save(checkpoint, content)
        with replacing(Path(path)) as new:
            new.write_bytes(content.getbuffer())
