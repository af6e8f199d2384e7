"""What each epoch gave: kept in the checkpoint, written as metrics.csv and curves.png."""

import csv
import math
import time
from pathlib import Path

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from mnist_mlp.errors import InputError
from mnist_mlp.runs.atomic import replacing
from mnist_mlp.training import plots

COLUMNS = ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr"]


class History(Callback):
    """A row an epoch, with the keys of COLUMNS; epochs count from 1, ``lr`` is the rate at the epoch's start.
    ``seconds`` is how long the epochs took, with validation.

    Raises InputError at the end of an epoch whose loss is not a finite number, before anything of it is saved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[dict] = []
        self.seconds = 0.0
        self.began = False  # nothing is trained before a checkpoint is read

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.began = True
        self.start = time.perf_counter()
        self.lr = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        self.seconds += time.perf_counter() - self.start
        metrics = {name.replace("/", "_"): value.item() for name, value in trainer.callback_metrics.items()}
        epoch = trainer.current_epoch + 1
        row = {"epoch": epoch, **metrics, "lr": self.lr}
        for name in ("train_loss", "val_loss"):
            if not math.isfinite(row.get(name, 0)):
                raise InputError(
                    f"{name} became {row[name]} in epoch {epoch}: try a smaller optimizer.lr than {self.lr:g}"
                )
        self.rows.append({name: row.get(name) for name in COLUMNS})
        if not trainer.is_global_zero:
            return
        with replacing(self.folder / "metrics.csv") as path, path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)

    def draw(self) -> None:
        """Writes curves.png."""
        with replacing(self.folder / "curves.png") as path:
            plots.curves(self.rows).savefig(path, format="png", dpi=120)

    def best(self) -> dict:
        """The row of best.ckpt: highest validation accuracy, the earliest of equals; the last without validation."""
        if self.rows[-1]["val_accuracy"] is None:
            return self.rows[-1]
        return max(self.rows, key=lambda row: row["val_accuracy"])

    def state_dict(self) -> dict:
        return {"rows": self.rows, "seconds": self.seconds}

    def load_state_dict(self, state: dict) -> None:
        self.rows, self.seconds = state["rows"], state["seconds"]
