"""The progress bar: one line for the whole run."""

import sys

from lightning.pytorch.callbacks import ProgressBar
from tqdm import tqdm


class EpochProgress(ProgressBar):
    """Shows the epoch, the training loss and both accuracies; off a terminal, a line every half minute at most."""

    def __init__(self) -> None:
        super().__init__()
        self.bar: tqdm | None = None
        self.enabled = True

    def disable(self) -> None:  # which Lightning does in all processes but the first
        self.enabled = False

    def on_train_start(self, trainer, pl_module) -> None:
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

    def on_train_epoch_end(self, trainer, pl_module) -> None:
        metrics = trainer.callback_metrics
        figures = f"loss {metrics['train/loss']:.4f}, accuracy {metrics['train/accuracy']:.2%}"
        if "val/accuracy" in metrics:
            figures += f", validation {metrics['val/accuracy']:.2%}"
        self.bar.set_description_str(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}", refresh=False)
        self.bar.set_postfix_str(figures, refresh=False)

    def on_train_end(self, trainer, pl_module) -> None:
        self.close()

    def on_exception(self, trainer, pl_module, exception) -> None:
        self.close()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
