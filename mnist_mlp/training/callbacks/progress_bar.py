"""What a terminal shows of a training: a row of figures for each epoch, and a line that moves."""

import time
from typing import Any

from lightning import Trainer
from lightning.pytorch.callbacks import ProgressBar

from mnist_mlp.runs.folder import Row
from mnist_mlp.terminal import LiveLine
from mnist_mlp.training.callbacks.history import History

HEADER = """\
        training       validation
epoch   loss accuracy    loss accuracy seconds"""
COLUMNS = {"epoch": (5, ""), "train_loss": (7, ".4f"), "train_accuracy": (9, ".2%"), "val_loss": (8, ".4f")}
COLUMNS |= {"val_accuracy": (9, ".2%"), "seconds": (8, ".1f")}  # a narrow terminal cuts off the last
MAX_ROWS = 40  # of a training; of more epochs some are left out
MAX_SILENCE = 30  # seconds: after that no epoch is left out


class EpochProgress(ProgressBar):
    """Prints a row for each epoch, for some in long trainings. On a terminal a line below shows the current one."""

    def __init__(self) -> None:
        super().__init__()
        self.off = False
        self.line: LiveLine | None = None  # until training begins
        self.row: Row = {}  # of the last finished epoch
        self.latest: Row = {}  # what was measured last, which may be in an earlier one
        self.printed, self.printed_at = 0, 0.0

    def disable(self) -> None:  # Lightning calls this in all processes but the first
        self.off = True

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if not self.off:
            self.loss, self.batch = pl_module.train_metrics["loss"], 0
            batches = trainer.num_training_batches
            self.line = LiveLine(self.pieces, trainer.max_epochs * batches, trainer.current_epoch * batches)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        self.began = time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.line is not None:
            self.batch = batch_idx + 1
            self.line.update()

    def on_epoch(self, trainer: Any, history: History) -> None:
        """Prints the epoch's row, or leaves it out. An observer of History."""
        if self.line is None:
            return
        now, epochs = time.perf_counter(), trainer.max_epochs
        self.row = history.rows[-1] | {"seconds": now - self.began}
        self.latest |= {name: value for name, value in self.row.items() if value is not None}
        epoch = self.row["epoch"]
        if epoch % interval(epochs) == 0 or epoch in (1, epochs) or now - self.printed_at > MAX_SILENCE:
            self.print_row()

    def print_row(self) -> None:
        """Prints the last finished epoch's row, below a header if it is the first."""
        if not self.printed:
            for header in HEADER.splitlines():
                self.line.print(header, cut=True)
        self.line.print("".join(cell(self.row[name], *form) for name, form in COLUMNS.items()), cut=True)
        self.printed, self.printed_at = self.row["epoch"], time.perf_counter()

    def pieces(self) -> list[str]:
        """Returns what the line shows, what matters most first. The loss is that of the epoch so far."""
        pieces = [f"epoch {self.trainer.current_epoch + 1}/{self.trainer.max_epochs}"]
        for name, key in (("validation", "val_accuracy"), ("accuracy", "train_accuracy")):
            if key in self.latest:
                pieces.append(f"{name} {self.latest[key]:.2%}")
        batch = f"batch {self.batch}/{self.trainer.num_training_batches}"
        now = f"loss {self.loss.total / self.loss.images:.4f}" if self.loss.images else batch
        return [*pieces, "{remaining} left", now] if self.row else [*pieces, now, "{remaining} left"]

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        self.close()

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        self.close()

    def close(self) -> None:
        """Prints the row of the last finished epoch if it was left out, and removes the line."""
        if self.line is not None:
            if self.row and self.row["epoch"] != self.printed:
                self.print_row()
            self.line.close()
            self.line = None


def interval(epochs: int) -> int:
    """Returns n such that every n-th of the epochs are MAX_ROWS rows at most: 1, 2, 5, 10, 20, 50 and so on."""
    return next(n * 10**power for power in range(9) for n in (1, 2, 5) if n * 10**power * MAX_ROWS >= epochs)


def cell(value: float | None, width: int, form: str) -> str:
    """Returns a value at the right of a cell; an empty one for what was not measured."""
    text = "" if value is None else format(value, form)
    return (text if len(text) < width else f" {value:.3g}").rjust(width)
