"""The runs that the page may read with, under names that are not paths."""

import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from mnist_mlp.errors import InputError
from mnist_mlp.reader import Reader, finished_runs
from mnist_mlp.runs.folder import folder_of

cached_reader = lru_cache(maxsize=8)(Reader)


class Runs:
    """The runs named on the command line, and the finished runs below a folder.

    Args:
        typed: Run folders or checkpoints from the command line; listed first.
        outputs: The folder below which other runs are looked for.
        threshold: The probability, 0 to 1, below which a digit is not readable; None: each run's own.

    Attributes:
        chosen: The names of ``typed``.
    """

    def __init__(self, typed: list[Path], outputs: Path, threshold: float | None = None) -> None:
        self.typed = typed
        self.outputs = outputs
        self.threshold = threshold
        self.chosen = [self.name_of(run) for run in typed]
        self.refresh()

    def refresh(self) -> None:
        """Looks for runs again, so that those that finished since are listed and can be read with."""
        metrics = {run: folder_of(run).metrics for run in self.typed} | finished_runs(self.outputs)
        self.paths = {self.name_of(run): run for run in metrics}
        self.metrics = {self.name_of(run): reached for run, reached in metrics.items()}

    def listing(self) -> list[dict[str, Any]]:
        """Returns what there is to choose from, ready for JSON: what was typed, then the others, the newest first.

        Each has its ``name``, a ``title`` for people, the ``date`` when it ended, and ``val_accuracy``, 0 to 1, on the
        validation images of ``data``; what is unknown is None.
        """
        ends = {name: ended(path) for name, path in self.paths.items()}
        runs = sorted(self.metrics.items(), key=lambda run: (run[0] in self.chosen, ends[run[0]] or ""), reverse=True)
        return [
            {
                "name": name,
                "title": title_of(self.paths[name]),
                "date": ends[name],
                "val_accuracy": reached and reached.val_accuracy,
                "data": reached and reached.data,
            }
            for name, reached in runs
        ]

    def reader(self, name: str) -> Reader:
        """Returns the reader of a listed run.

        Raises:
            InputError: No run of this name was listed, or it cannot be read.
        """
        if name not in self.paths:
            raise InputError(f"{name}: no such run; reload the page")
        return cached_reader(self.paths[name], self.threshold)

    def name_of(self, run: Path) -> str:
        run, outputs = run.resolve(), self.outputs.resolve()
        return str(run.relative_to(outputs) if run.is_relative_to(outputs) else run)


def ended(run: Path) -> str | None:
    """Returns the date and time at which a run ended, as people write it, or None if it has not."""
    path = folder_of(run).metrics_json
    return datetime.fromtimestamp(path.stat().st_mtime).isoformat(" ", "minutes") if path.is_file() else None


def title_of(run: Path) -> str:
    """Returns the name of a run's folder, or of that of a checkpoint, without the time that train.py puts before it."""
    return re.sub(r"^\d\d-\d\d-\d\d-", "", folder_of(run).path.resolve().name)
