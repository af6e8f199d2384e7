"""The progress bar: one line for the whole run."""

import sys
from typing import Any

from lightning import Trainer
from lightning.pytorch.callbacks import ProgressBar
from tqdm import tqdm

from mnist_mlp.training.callbacks.history import History


class EpochProgress(ProgressBar):
    """Shows the epoch, the training loss and both accuracies. Off a terminal it prints a line every half minute."""

    def __init__(self) -> None:
        super().__init__()
        self.bar: tqdm | None = None
        self.enabled = True

    def disable(self) -> None:  # Lightning calls this in all processes but the first
        self.enabled = False

    def on_train_start(self, trainer: Any, pl_module) -> None:
        self.bar = tqdm(
            total=trainer.max_epochs * trainer.num_training_batches,
            initial=trainer.current_epoch * trainer.num_training_batches,
            desc=f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}",
            bar_format="{desc} {percentage:3.0f}%|{bar:20}| {elapsed}<{remaining}{postfix}",
            mininterval=0.1 if sys.stderr.isatty() else 30,
            disable=not self.enabled,
        )

    def on_train_batch_end(self, trainer, *_) -> None:
        self.bar.update()

    def on_epoch(self, trainer: Trainer, history: History) -> None:
        """Shows the epoch's row. An observer of History."""
        row = history.rows[-1]
        values = f"loss {row['train_loss']:.4f}, accuracy {row['train_accuracy']:.2%}"
        if row["val_accuracy"] is not None:
            values += f", validation {row['val_accuracy']:.2%}"
        self.bar.set_description_str(f"epoch {row['epoch']}/{trainer.max_epochs}", refresh=False)
        self.bar.set_postfix_str(values, refresh=False)

    def on_train_end(self, trainer, pl_module) -> None:
        self.close()

    def on_exception(self, trainer, pl_module, exception) -> None:
        self.close()

    def close(self) -> None:
        """Leaves the line as it is."""
        if self.bar is not None:
            self.bar.close()
