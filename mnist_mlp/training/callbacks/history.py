"""The row of each epoch: measured here, kept in the checkpoint and metrics.csv, and handed to whoever shows it."""

import math
import time
from collections.abc import Callable
from pathlib import Path

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from mnist_mlp.errors import InputError
from mnist_mlp.runs.atomic import dispensable, save_figure
from mnist_mlp.runs.folder import COLUMNS, Row, RunFolder
from mnist_mlp.training import plots

Observer = Callable[[Trainer, "History"], None]


class History(Checkpoint):
    """Records a row at the end of each epoch, then calls the observers: they find it as ``history.rows[-1]``.

    It is a Checkpoint callback because Lightning runs these last, when all metrics of the epoch are logged.

    Attributes:
        rows: A row for each finished epoch: the keys of ``COLUMNS``, of which ``lr`` is the learning rate at the
            epoch's start, and whatever else was logged. If none was finished, one for the epoch that was begun.
        seconds: How long the epochs took, validation included.
        began: Whether an epoch has begun in this process.
        unfinished: The epoch, counted from 1, that was left out because it was not finished; 0 if there is none.

    Raises:
        InputError: At the end of an epoch with a loss that is not finite, before anything of it is saved.
    """

    def __init__(self, run: RunFolder, *observers: Observer, monitor: str = "val_accuracy", mode: str = "max") -> None:
        self.run, self.observers = run, observers
        self.monitor, self.mode = monitor, mode
        self.rows: list[Row] = []
        self.best_before: Path | None = None  # the checkpoint of the best epoch, if the run is continued
        self.seconds = 0.0
        self.began = False
        self.validated = -1  # after how many steps
        self.unfinished = 0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.began = True
        self.start = time.perf_counter()
        self.lr = trainer.optimizers[0].param_groups[0]["lr"]

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking:
            self.validated = trainer.global_step

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.seconds += time.perf_counter() - self.start
        if self.rows and not trainer.is_last_batch:  # stopped by max_steps or max_time
            self.unfinished = trainer.current_epoch + 1
            return
        row = self.row(trainer)
        for name in ("train_loss", "val_loss"):
            if not math.isfinite(row[name] or 0):
                raise InputError(
                    f"{name} became {row[name]} in epoch {row['epoch']}: try a smaller optimizer.lr than {self.lr:g}"
                )
        self.rows.append(row)
        if trainer.is_global_zero:
            with dispensable():
                self.run.write_rows(self.rows)
        for observer in self.observers:
            observer(trainer, self)

    def row(self, trainer: Trainer) -> Row:
        """Returns the epoch's row. Validation counts if it came after the epoch's last step: others are older."""
        measured = self.validated == trainer.global_step
        logged = trainer.callback_metrics.items()
        values = {name: value.item() for name, value in logged if measured or not name.startswith("val_")}
        if measured and self.monitor not in values:
            raise InputError(f"monitor={self.monitor}: nothing logs it; there are {', '.join(values)}")
        return dict.fromkeys(COLUMNS) | values | {"epoch": trainer.current_epoch + 1, "lr": self.lr}

    def draw(self) -> None:
        """Writes curves.png."""
        with dispensable():
            save_figure(self.run.curves, plots.curves(self.rows, self.best()["epoch"], self.run.path.name))

    def best(self) -> Row:
        """Returns the row with the best value of ``monitor``, the first of equals; without any the last."""
        rows = [row for row in self.rows if row.get(self.monitor) is not None]
        choose = max if self.mode == "max" else min
        return choose(rows, key=lambda row: row[self.monitor]) if rows else self.rows[-1]

    def state_dict(self) -> dict:
        return {"rows": self.rows, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict) -> None:
        self.rows, self.seconds = state_dict["rows"], state_dict["seconds"]
