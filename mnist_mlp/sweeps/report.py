"""The report of a sweep, or of any runs: a row a setting with means over seeds and their intervals, and a picture."""

import csv
import math
import os
import statistics
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from scipy.special import stdtrit

from mnist_mlp.errors import InputError
from mnist_mlp.runs.atomic import replacing
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.sweeps import figures as effects
from mnist_mlp.sweeps import search

CAPTION = (
    "± is the 95 % interval of a mean over seeds (Student's t), sd the standard deviation, seconds the training alone."
    " Not distinguishable: its interval overlaps the best's."
)
ONE_SEED = "One seed a setting: small differences mean nothing. Seconds are those of the training alone."
METRICS = ("test_accuracy", "val_accuracy")
NOT_COMPARED = {"seed", "checkpoint", "launcher"}  # what runs of one setting may differ in


@dataclass
class Run:
    """A run folder: what it was told and what it reached, or ``error``, why it did not."""

    folder: Path
    overrides: list[str] = field(default_factory=list)  # as they were typed, or set by a sweep
    config: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @classmethod
    def read(cls, folder: Path) -> "Run":
        try:
            overrides, config = (read_yaml(folder / f".hydra/{name}.yaml") for name in ("overrides", "config"))
            if not isinstance(overrides, list) or not isinstance(config, dict) or "seed" not in config:
                raise InputError(f"{folder / '.hydra'}: damaged")
        except InputError as error:
            return cls(folder, error=str(error))
        run = RunFolder(folder)
        metrics = run.metrics
        error = "" if metrics else run.error or "not finished"
        return cls(folder, overrides, config, vars(metrics) if metrics else {}, error)

    @cached_property
    def history(self) -> list[dict[str, float]]:
        """The rows of metrics.csv, without what an epoch did not measure; none where there is no such file."""
        try:
            with (self.folder / "metrics.csv").open(newline="") as file:
                return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
        except (OSError, ValueError, TypeError):
            return []

    @property
    def seed(self) -> int | None:
        return self.config.get("seed")

    def chosen(self, key: str) -> Any:
        """The setting's value, or the name of the option that was chosen of a group."""
        value: Any = self.config
        for name in key.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is None or isinstance(value, dict):
            try:
                return read_yaml(self.folder / ".hydra/hydra.yaml")["hydra"]["runtime"]["choices"].get(key, value)
            except (InputError, LookupError, TypeError, AttributeError):
                return None
        return value


@dataclass
class Setting:
    """The finished runs of one setting, one a seed; ``values`` are those of the factors."""

    values: tuple
    runs: list[Run]

    def figures(self, metric: str) -> list[float]:
        return [run.metrics[metric] for run in self.runs if run.metrics[metric] is not None]

    def mean(self, metric: str) -> float:
        figures = self.figures(metric)
        return statistics.fmean(figures) if figures else math.nan

    def interval(self, metric: str) -> float:
        return interval(self.figures(metric))


def read_yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: damaged: {error}") from error


def interval(figures: list[float]) -> float:
    """Half the 95 % confidence interval of a mean, by Student's t; not a number for less than two figures."""
    if len(figures) < 2:
        return math.nan
    return float(stdtrit(len(figures) - 1, 0.975)) * statistics.stdev(figures) / math.sqrt(len(figures))


def read_runs(folders: Iterable[Path]) -> list[Run]:
    """The runs that the folders are or hold, in the order of their paths. Raises InputError where there is none."""
    found: set[Path] = set()
    for folder in folders:
        inside = {path.parent for path in folder.rglob(".hydra") if path.is_dir()}
        if not inside:
            raise InputError(f"{folder}: no run folder, nor one that holds any")
        found |= inside
    return [Run.read(folder) for folder in sorted(found)]


def factors_of(runs: list[Run]) -> list[str]:
    """The keys in whose values the runs differ, as far as someone typed them for one of the runs."""
    runs = [run for run in runs if run.config]
    typed = {override.partition("=")[0].lstrip("+~") for run in runs for override in run.overrides}
    return [key for key in sorted(typed - NOT_COMPARED) if len({str(run.chosen(key)) for run in runs}) > 1]


def settings_of(runs: list[Run], factors: list[str], by: str) -> list[Setting]:
    """The settings of the finished runs, the one with the highest mean first; of runs with equal seeds, the last."""
    groups: dict[str, tuple[tuple, dict[int, Run]]] = {}
    for run in runs:
        if run.metrics:
            values = tuple(run.chosen(key) for key in factors)
            groups.setdefault(str(values), (values, {}))[1][run.seed] = run
    settings = [Setting(values, list(seeds.values())) for values, seeds in groups.values()]
    return sorted(settings, key=lambda setting: setting.mean(by), reverse=True)


def like_the_best(setting: Setting, best: Setting, by: str) -> str:
    """Whether the intervals of the two means overlap, in words."""
    if setting is best:
        return "best"
    gap = best.mean(by) - setting.mean(by)
    reach = best.interval(by) + setting.interval(by)
    if math.isnan(reach):
        return "one seed, cannot be told"
    return "not distinguishable from the best" if gap <= reach else ""


def percent(mean: float, half_width: float) -> str:
    return f"{100 * mean:.2f}" + ("" if math.isnan(half_width) else f" ± {100 * half_width:.2f}")


def rows_of(settings: list[Setting], factors: list[str], by: str) -> list[list[str]]:
    """The table of the settings, its header first."""
    header = [*factors, "test accuracy %", "sd", "validation accuracy %", "seeds", "seconds", ""]
    rows = [header]
    several = any(len(setting.runs) > 1 for setting in settings)
    for setting in settings:
        figures = setting.figures("test_accuracy")
        rows.append(
            [
                *map(effects.named, setting.values),
                percent(setting.mean("test_accuracy"), setting.interval("test_accuracy")),
                f"{100 * statistics.stdev(figures):.2f}" if len(figures) > 1 else "",
                percent(setting.mean("val_accuracy"), setting.interval("val_accuracy")),
                str(len(setting.runs)),
                f"{statistics.fmean(run.metrics['fit_seconds'] for run in setting.runs):.1f}",
                like_the_best(setting, settings[0], by) if several else "",
            ]
        )
    return rows


def epoch_rows(setting: Setting) -> list[list[str]]:
    """Accuracies after 1, 2, 5, 10, ... epochs: what the length of a training does, read from one training a seed."""
    runs = [run for run in setting.runs if run.history]
    last = min((len(run.history) for run in runs), default=0)
    epochs = sorted({n * 10**power for power in range(6) for n in (1, 2, 5) if n * 10**power < last} | {last} - {0})
    rows = [["epochs", "validation accuracy %", "training accuracy %", "validation loss"]]
    for epoch in epochs:
        at = [run.history[epoch - 1] for run in runs]
        cells = [str(epoch)]
        for name in ("val_accuracy", "train_accuracy"):
            figures = [row[name] for row in at if name in row]
            cells.append(percent(statistics.fmean(figures), interval(figures)) if figures else "")
        losses = [row["val_loss"] for row in at if "val_loss" in row]
        rows.append([*cells, f"{statistics.fmean(losses):.4f}" if losses else ""])
    return rows


def table(rows: list[list[str]]) -> str:
    """In Markdown, with columns padded for a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def write_csv(path: Path, runs: list[Run], factors: list[str]) -> None:
    """A row a run: what varied, its seed, what metrics.json says, and the error of one without."""
    fields = list(dict.fromkeys(name for run in runs for name in run.metrics if name != "seed"))
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["run", *factors, "seed", *fields, "error"])
        for run in runs:
            chosen = [effects.named(run.chosen(key)) for key in factors]
            writer.writerow(
                [run.folder.name, *chosen, run.seed, *(run.metrics.get(name) for name in fields), run.error]
            )


def title(folders: list[Path]) -> str:
    """The command of a sweep, if the report is of one."""
    begun = folders[0] / "multirun.yaml"
    if len(folders) > 1 or not begun.is_file():
        return "Runs in " + ", ".join(map(str, folders))
    try:
        overrides = read_yaml(begun)["hydra"]["overrides"]
        of_hydra = [word for word in overrides["hydra"] if word.startswith(("hydra.sweeper.", "hydra.launcher."))]
        task = overrides["task"]
    except (InputError, LookupError, TypeError, AttributeError):
        return f"Runs in {folders[0]}"
    multirun = [] if any(word.startswith(("study=", "search=")) for word in task) else ["-m"]
    return " ".join(["python train.py", *multirun, *task, *of_hydra])


def report(folders: list[Path], by: str = METRICS[0], to: Path | None = None) -> int:
    """Prints the table and writes summary.csv, summary.md and summary.png; gives the number of runs without result.

    They go to the folder ``to``: by default the folder, or the one that holds them all.
    """
    to = to or Path(os.path.commonpath(folders))
    searched = len(folders) == 1 and (folders[0] / search.TRIALS).exists()
    by = "val_accuracy" if searched else by
    runs = read_runs(folders)
    factors = factors_of(runs)
    settings = settings_of(runs, factors, by)
    failed = [run for run in runs if not run.metrics]

    parts = []
    if settings:
        parts.append(table(rows_of(settings, factors, by)))
        if not factors:
            parts.append(table(epoch_rows(settings[0])))
        parts.append(CAPTION if any(len(setting.runs) > 1 for setting in settings) else ONE_SEED)
        if searched:
            accuracies, importances = search.found(folders[0])
            figure = effects.search_picture(accuracies, importances)
            best = settings[0].runs[0]
            parts.append(f"Best of {len(accuracies)} trials on the validation images: {command(best)}")
        else:
            figure = effects.picture(settings, factors, by)
    parts += sorted({f"Warning: {run.metrics['warning']}" for run in runs if run.metrics.get("warning")})
    if failed:
        parts.append("Without result:\n\n" + "\n".join(f"- {run.folder.name}: {run.error}" for run in failed))
    print("\n" + "\n\n".join(parts) + "\n")

    with replacing(to / "summary.csv") as path:
        write_csv(path, runs, factors)
    if settings:
        figure.suptitle(textwrap.fill(title(folders), 130))
        with replacing(to / "summary.png") as path:
            figure.savefig(path, format="png", dpi=110)
        parts.insert(0, "![the table's picture](summary.png)")
    with replacing(to / "summary.md") as path:
        path.write_text("\n\n".join([f"# {title(folders)}", *parts]) + "\n")
    print(f"report:    {to}/summary.md, .csv and .png\ndashboard: tensorboard --logdir {to}")
    return len(failed)


def command(trial: Run) -> str:
    """What trains a search's trial again."""
    typed = [override for override in trial.overrides if not override.startswith(("search=", "launcher="))]
    epochs = f"trainer.max_epochs={trial.config['trainer']['max_epochs']}"  # which the search may have chosen
    return " ".join(["python train.py", *typed, *([] if epochs in typed else [epochs])])
