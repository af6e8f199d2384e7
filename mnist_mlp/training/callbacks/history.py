"""The row of each epoch: measured here, kept in the checkpoint and metrics.csv, and handed to whoever shows it."""

import math
import time
from collections.abc import Callable

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from mnist_mlp.errors import InputError
from mnist_mlp.runs.atomic import save_figure
from mnist_mlp.runs.folder import COLUMNS, Row, RunFolder
from mnist_mlp.training import plots

Observer = Callable[[Trainer, "History"], None]


class History(Checkpoint):
    """Records a row at the end of each epoch, then calls the observers: they find it as ``history.rows[-1]``.

    It is a Checkpoint callback because Lightning runs these last, when all metrics of the epoch are logged.

    Attributes:
        rows: A row for each epoch, with the keys of ``COLUMNS``; ``lr`` is the learning rate at the epoch's start.
        seconds: How long the epochs took, validation included.
        began: Whether an epoch has begun in this process.

    Raises:
        InputError: At the end of an epoch with a loss that is not finite, before anything of it is saved.
    """

    def __init__(self, run: RunFolder, *observers: Observer) -> None:
        self.run, self.observers = run, observers
        self.rows: list[Row] = []
        self.seconds = 0.0
        self.began = False

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.began = True
        self.start = time.perf_counter()
        self.lr = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.seconds += time.perf_counter() - self.start
        metrics = {name.replace("/", "_"): value.item() for name, value in trainer.callback_metrics.items()}
        row = {"epoch": trainer.current_epoch + 1, **metrics, "lr": self.lr}
        for name in ("train_loss", "val_loss"):
            if not math.isfinite(row.get(name, 0)):
                raise InputError(
                    f"{name} became {row[name]} in epoch {row['epoch']}: try a smaller optimizer.lr than {self.lr:g}"
                )
        self.rows.append({name: row.get(name) for name in COLUMNS})
        if trainer.is_global_zero:
            self.run.write_rows(self.rows)
        for observer in self.observers:
            observer(trainer, self)

    def draw(self) -> None:
        """Writes curves.png."""
        save_figure(self.run.curves, plots.curves(self.rows))

    def best(self) -> Row:
        """Returns the row with the highest validation accuracy, the first of equals; without validation the last."""
        if self.rows[-1]["val_accuracy"] is None:
            return self.rows[-1]
        return max(self.rows, key=lambda row: row["val_accuracy"])

    def state_dict(self) -> dict:
        return {"rows": self.rows, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict) -> None:
        self.rows, self.seconds = state_dict["rows"], state_dict["seconds"]
