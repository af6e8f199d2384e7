"""What each epoch gave: kept in the checkpoint, written as metrics.csv and curves.png."""

import csv
import io
import math
import os
from pathlib import Path

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from mnist_mlp import plots
from mnist_mlp.errors import InputError

COLUMNS = ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr"]


class History(Callback):
    """A row an epoch, with the keys of COLUMNS; epochs count from 1, ``lr`` is the rate at the epoch's end.

    Raises InputError at the end of an epoch whose loss is not a finite number, before anything of it is saved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[dict] = []

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        metrics = {name.replace("/", "_"): value.item() for name, value in trainer.callback_metrics.items()}
        epoch, lr = trainer.current_epoch + 1, trainer.optimizers[0].param_groups[0]["lr"]
        row = {"epoch": epoch, **metrics, "lr": lr}
        for name in ("train_loss", "val_loss"):
            if not math.isfinite(row.get(name, 0)):
                raise InputError(f"{name} became {row[name]} in epoch {epoch}: try a smaller optimizer.lr than {lr:g}")
        self.rows.append({name: row.get(name) for name in COLUMNS})
        table = io.StringIO()
        writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write(self.folder / "metrics.csv", table.getvalue())

    def draw(self) -> None:
        """Writes curves.png."""
        plots.curves(self.rows).savefig(self.folder / "curves.png", dpi=120)

    def best(self) -> dict:
        """The row of highest validation accuracy, the earliest of equals: the epoch of best.ckpt."""
        return max(self.rows, key=lambda row: row["val_accuracy"] or 0)

    def state_dict(self) -> dict:
        return {"rows": self.rows}

    def load_state_dict(self, state: dict) -> None:
        self.rows = state["rows"]


def write(path: Path, text: str) -> None:
    """Replaces a file at once, so that a reader finds the old text or the new one, whole."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    os.replace(new, path)
