"""The tables of a report: settings, epochs and runs."""

import csv
import math
import statistics
from dataclasses import fields
from pathlib import Path
from typing import Any

from mnist_mlp.runs.atomic import replacing
from mnist_mlp.runs.metrics import Metrics
from mnist_mlp.sweeps.comparison import Run, Setting, interval, like_the_best


def value_text(value: Any) -> str:
    """Returns a setting's value as a reader would write it."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def percent(mean: float, half_width: float) -> str:
    """Returns a fraction and its interval in percent, as in "97.34 ± 0.13"; without the interval if that is NaN."""
    return f"{100 * mean:.2f}" + ("" if math.isnan(half_width) else f" ± {100 * half_width:.2f}")


def settings_table(settings: list[Setting], factors: list[str], by: str) -> str:
    """Returns a Markdown table with a row for each setting, the best of which comes first."""
    rows = [[*factors, "test accuracy %", "sd", "validation accuracy %", "seeds", "seconds", ""]]
    several = any(len(setting.runs) > 1 for setting in settings)
    for setting in settings:
        scores = setting.scores("test_accuracy")
        rows.append(
            [
                *map(value_text, setting.values),
                percent(setting.mean("test_accuracy"), setting.interval("test_accuracy")),
                f"{100 * statistics.stdev(scores):.2f}" if len(scores) > 1 else "",
                percent(setting.mean("val_accuracy"), setting.interval("val_accuracy")),
                str(len(setting.runs)),
                f"{setting.mean('fit_seconds'):.1f}",
                like_the_best(setting, settings[0], by) if several else "",
            ]
        )
    return markdown(rows)


def epochs_table(setting: Setting) -> str:
    """Returns a Markdown table of the accuracies after 1, 2, 5, 10, ... epochs, and after the last."""
    runs = [run for run in setting.runs if run.rows]
    last = min((len(run.rows) for run in runs), default=0)
    epochs = sorted({n * 10**power for power in range(6) for n in (1, 2, 5) if n * 10**power < last} | {last} - {0})
    table = [["epochs", "validation accuracy %", "training accuracy %", "validation loss"]]
    for epoch in epochs:
        at_epoch = [run.rows[epoch - 1] for run in runs]
        cells = [str(epoch)]
        for name in ("val_accuracy", "train_accuracy"):
            values = [row[name] for row in at_epoch if name in row]
            cells.append(percent(statistics.fmean(values), interval(values)) if values else "")
        losses = [row["val_loss"] for row in at_epoch if "val_loss" in row]
        table.append([*cells, f"{statistics.fmean(losses):.4f}" if losses else ""])
    return markdown(table)


def markdown(rows: list[list[str]]) -> str:
    """Returns the rows, header first, as a Markdown table whose columns are padded for a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def write_csv(path: Path, runs: list[Run], factors: list[str]) -> None:
    """Writes a row for each run: the factors' values, the seed, the scores, and why there are none."""
    scored = [run.metrics for run in runs if run.metrics]
    names = [key.name for key in fields(Metrics) if key.name != "seed"]
    names = [name for name in names if any(getattr(metrics, name) is not None for metrics in scored)]
    with replacing(path) as new, new.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["run", *factors, "seed", *names, "error"])
        for run in runs:
            chosen = [value_text(run.chosen(key)) for key in factors]
            scores = [getattr(run.metrics, name, None) for name in names]
            writer.writerow([run.folder.path.name, *chosen, run.config.get("seed"), *scores, run.problem])
