"""The tables of a report: settings, epochs and runs."""

import csv
import math
import statistics
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from mnist_mlp.runs.atomic import replacing
from mnist_mlp.runs.metrics import Metrics
from mnist_mlp.sweeps.comparison import Difference, Run, Setting, interval
from mnist_mlp.sweeps.scores import TEST_ACCURACY, VAL_ACCURACY, Score


class Table(NamedTuple):
    """A table of texts.

    Attributes:
        rows: The header, and the rows below it.
        keep: How many columns are never left out. The others are in the order in which they matter.
    """

    rows: list[list[str]]
    keep: int

    def markdown(self) -> str:
        """Returns the table in Markdown."""
        header, *rows = [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join([header, "|" + " --- |" * len(self.rows[0]), *rows])

    def plain(self, width: int | None) -> str:
        """Returns the table with as many columns as fit the width, if there is one."""
        widths = [max(map(len, column)) + 2 for column in zip(*self.rows)]
        while width is not None and sum(widths) - 2 > width and len(widths) > self.keep:
            widths.pop()
        return "\n".join("".join(map(str.ljust, row, widths)).rstrip() for row in self.rows)


def value_text(value: Any) -> str:
    """Returns a setting's value as a reader would write it."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def difference_text(difference: Difference, by: Score) -> str:
    """Returns the difference to the best, and whether the setting is told apart from it."""
    if math.isnan(difference.mean):
        return "no common seed"
    return by.text(difference.mean, difference.half_width) + (" worse" if difference.is_worse else "")


def settings_table(settings: list[Setting], factors: list[str], by: Score) -> Table:
    """Returns a table with a row for each setting, the best first, without columns that would say nothing."""
    columns = {
        name: [value_text(setting.values[place]) for setting in settings] for place, name in enumerate(names(factors))
    }

    def means(score: Score) -> list[str]:
        return [score.text(setting.mean(score.name), setting.interval(score.name)) for setting in settings]

    columns[by.header] = means(by)
    if len(settings) > 1:
        columns["to the best"] = ["best", *(difference_text(setting.difference, by) for setting in settings[1:])]
    columns |= {score.header: means(score) for score in (VAL_ACCURACY, TEST_ACCURACY) if score.name != by.name}
    if len({len(setting.runs) for setting in settings}) > 1:
        columns["seeds"] = [str(len(setting.runs)) for setting in settings]
    columns["seconds"] = [f"{setting.mean('fit_seconds'):.1f}" for setting in settings]
    rows = zip(*([header, *cells] for header, cells in columns.items() if any(cells)))
    return Table(list(map(list, rows)), keep=len(factors) + 1)


def names(factors: list[str]) -> list[str]:
    """Returns each factor's name: the last part of its key, unless several end so."""
    last = [key.rpartition(".")[2] for key in factors]
    return [name if last.count(name) == 1 else key for key, name in zip(factors, last)]


def epochs_table(setting: Setting) -> Table:
    """Returns a table of the accuracies after 1, 2, 5, 10, ... epochs, and after the last."""
    runs = [run for run in setting.runs if run.rows]
    last = min((len(run.rows) for run in runs), default=0)
    epochs = sorted({n * 10**power for power in range(6) for n in (1, 2, 5) if n * 10**power < last} | {last} - {0})
    table = [["epochs", "validation %", "training %", "validation loss"]]
    for epoch in epochs:
        at_epoch = [run.rows[epoch - 1] for run in runs]
        cells = [str(epoch)]
        for name in ("val_accuracy", "train_accuracy"):
            values = [row[name] for row in at_epoch if name in row]
            cells.append(VAL_ACCURACY.text(statistics.fmean(values), interval(values)) if values else "")
        losses = [row["val_loss"] for row in at_epoch if "val_loss" in row]
        table.append([*cells, f"{statistics.fmean(losses):.4f}" if losses else ""])
    return Table(table, keep=2)


def write_csv(path: Path, runs: list[Run], factors: list[str]) -> None:
    """Writes a row for each run: the factors' values, the seed, the scores, and why there are none."""
    scored = [run.metrics for run in runs if run.metrics]
    names = [key.name for key in fields(Metrics) if key.name not in ("seed", "others")]
    names = [name for name in names if any(metrics.value(name) is not None for metrics in scored)]
    names += dict.fromkeys(name for metrics in scored for name in metrics.others)
    with replacing(path) as new, new.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["run", *factors, "seed", *names, "error"])
        for run in runs:
            chosen = [value_text(run.chosen(key)) for key in factors]
            scores = [run.metrics.value(name) if run.metrics else None for name in names]
            writer.writerow([run.folder.path.name, *chosen, run.config.get("seed"), *scores, run.problem])
