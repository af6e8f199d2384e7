"""The folder of a run and of a sweep: where each file lies, and what the files say."""

import csv
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from mnist_mlp.errors import InputError, one_line
from mnist_mlp.runs.atomic import replacing, write_text
from mnist_mlp.runs.metrics import Metrics

COLUMNS = ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr"]  # of metrics.csv
Row = dict[str, Any]  # one epoch, with the keys of COLUMNS; None for what was not measured
UNREADABLE = (InputError, LookupError, TypeError, ValueError)  # what a damaged file of Hydra's raises


class State(StrEnum):
    """How far a run is."""

    NEW = "new"  # no epoch is saved
    STARTED = "started"  # last.ckpt is there: running, or stopped and ready to be resumed
    FINISHED = "finished"
    FAILED = "failed"


class RunFolder:
    """A run's folder, which need not exist yet. Its attributes are the paths of what it holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metrics_json = path / "metrics.json"  # the scores; written last, so it marks a finished run
        self.metrics_csv = path / "metrics.csv"  # a row for each epoch
        self.best = path / "checkpoints/best.ckpt"  # the best by what is monitored: to test and use
        self.last = path / "checkpoints/last.ckpt"  # the last epoch: to resume from
        self.curves = path / "curves.png"
        self.augmentation = path / "augmentation.png"  # what distortions do to training images
        self.output = path / "output.txt"  # what a job of a sweep prints
        self.error_file = path / "error.txt"  # why a job of a sweep failed
        self.overrides_yaml = path / ".hydra/overrides.yaml"  # what was typed, or set by a sweep
        self.config_yaml = path / ".hydra/config.yaml"  # the composed config

    @property
    def state(self) -> State:
        """How far the run is."""
        if self.metrics:
            return State.FINISHED
        if self.error:
            return State.FAILED
        return State.STARTED if self.last.is_file() else State.NEW

    # What training writes

    def write_metrics(self, metrics: Metrics) -> None:
        """Writes metrics.json, which makes the run a finished one."""
        write_text(self.metrics_json, metrics.to_json())

    def write_rows(self, rows: list[Row]) -> None:
        """Writes metrics.csv."""
        with replacing(self.metrics_csv) as path, path.open("w", newline="") as file:
            columns = dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)])
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    # What others read

    def read_metrics(self) -> Metrics | None:
        """Returns the content of metrics.json, or None if there is no such file.

        Raises:
            InputError: The file is damaged; names the key where one is wrong.
        """
        try:
            return Metrics.from_json(self.metrics_json.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise InputError(f"{self.metrics_json}: {error.strerror}") from error
        except ValueError as error:
            raise InputError(f"{self.metrics_json}: {error}") from error

    @property
    def metrics(self) -> Metrics | None:
        """The content of metrics.json, or None if it is missing or damaged: then the run is not finished."""
        try:
            return self.read_metrics()
        except InputError:
            return None

    @property
    def rows(self) -> list[dict[str, float]]:
        """The rows of metrics.csv without what an epoch did not measure; empty if the file is missing or damaged."""
        try:
            with self.metrics_csv.open(newline="") as file:
                return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
        except (OSError, ValueError, TypeError):
            return []

    @property
    def error(self) -> str | None:
        """Why the job failed, or None."""
        try:
            return one_line(self.error_file.read_text())
        except (OSError, ValueError):
            return None

    @cached_property
    def overrides(self) -> list[str]:
        """What was typed, or set by a sweep. Raises InputError if Hydra's file is missing or damaged."""
        return read_yaml(self.overrides_yaml, list)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The composed config. Raises InputError if Hydra's file is missing or damaged."""
        return read_yaml(self.config_yaml, dict)

    @cached_property
    def choices(self) -> dict[str, Any]:
        """The option chosen of each config group; empty if Hydra's file is missing or damaged."""
        try:
            return dict(self.runtime()["choices"])
        except UNREADABLE:
            return {}

    @cached_property
    def option_folders(self) -> list[str]:
        """Folders of options that the command line named, beside conf/; none if Hydra's file is missing or damaged."""
        try:
            sources = self.runtime()["config_sources"]
            return [source["path"] for source in sources if "command-line" in source["provider"]]
        except UNREADABLE:
            return []

    def runtime(self) -> Any:
        """Returns what Hydra keeps of how the config was composed."""
        return read_yaml(self.path / ".hydra/hydra.yaml", dict)["hydra"]["runtime"]


class SweepFolder:
    """A sweep's folder, which holds a run folder for each job, and the report."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.multirun_yaml = path / "multirun.yaml"  # how the sweep was begun, as Hydra keeps it
        self.trials = path / "trials.db"  # a search's trials, as Optuna keeps them
        self.lock = path / ".running"  # locked while the sweep runs

    def summary(self, kind: str) -> Path:
        """The report's file of one kind: csv, md or png."""
        return self.path / f"summary.{kind}"

    def jobs(self) -> list[RunFolder]:
        """The jobs that have begun, sorted by name."""
        return [RunFolder(folder.parent) for folder in sorted(self.path.glob("*/.hydra"))]


def folder_of(run: Path) -> RunFolder:
    """Returns the folder of a run, given that or a checkpoint in it."""
    return RunFolder(run if run.is_dir() else run.absolute().parent.parent)


def runs_below(folder: Path) -> list[RunFolder]:
    """Returns the runs that the folder is or holds, at any depth, sorted by path."""
    return [RunFolder(path.parent) for path in sorted(folder.rglob(".hydra")) if path.is_dir()]


def read_yaml(path: Path, kind: type) -> Any:
    """Returns the content of a YAML file.

    Raises:
        InputError: The file cannot be read, is damaged, or does not hold a ``kind``.
    """
    try:
        content = yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: damaged: {one_line(error)}") from error
    if not isinstance(content, kind):
        raise InputError(f"{path}: damaged: not a {kind.__name__}")
    return content
