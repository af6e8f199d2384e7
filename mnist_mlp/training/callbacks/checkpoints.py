"""The last and the best epoch on disk."""

import io
import shutil
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins import TorchCheckpointIO

from mnist_mlp.errors import InputError
from mnist_mlp.runs.atomic import replacing
from mnist_mlp.training.callbacks.history import History


class LastAndBest(Checkpoint):
    """Saves ``last.ckpt`` after every epoch, and ``best.ckpt`` after one that History calls the best.

    ``settings``, plain values by dotted keys, are saved too, for ``check_settings``. Lightning's ModelCheckpoint saves
    ``last.ckpt`` only along with a better one: continuing would go back to that.
    """

    def __init__(self, history: History, settings: dict[str, Any]) -> None:
        self.history, self.settings = history, settings
        self.last, self.best = (history.folder / f"checkpoints/{name}.ckpt" for name in ("last", "best"))

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        if self.history.best() is not self.history.rows[-1]:
            trainer.save_checkpoint(self.last)
            return
        trainer.save_checkpoint(self.best)  # the last comes last: a run killed in between does this epoch again
        if trainer.is_global_zero:
            with replacing(self.last) as new:
                shutil.copyfile(self.best, new)

    def state_dict(self) -> dict[str, Any]:
        return {"settings": self.settings}


class WholeCheckpoints(TorchCheckpointIO):
    """Saves checkpoints so that a kill or a full disk leaves the one before."""

    def save_checkpoint(self, checkpoint: dict, path: str, storage_options: object = None) -> None:
        content = io.BytesIO()  # writing straight to a full disk, torch raises an error that does not say so
        torch.save(checkpoint, content)
        with replacing(Path(path)) as new:
            new.write_bytes(content.getbuffer())


def check_settings(path: Path, checkpoint: dict[str, Any], settings: dict[str, Any]) -> None:
    """Raises InputError naming the first of ``settings`` that is not what the checkpoint's run had."""
    before = checkpoint["callbacks"].get(LastAndBest.__qualname__, {}).get("settings", settings)
    for key in sorted(before.keys() | settings.keys(), key=lambda key: (key.count("."), key)):
        if before.get(key) != settings.get(key):
            raise InputError(
                f"{path}: its run has {key}={before.get(key)}, not {settings.get(key)};"
                " a run can be continued only as it was begun, but for more epochs"
            )
