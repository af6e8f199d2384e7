"""Comparing runs: what varies between them, means over seeds, and confidence intervals."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from scipy.special import stdtrit

from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder, runs_below
from mnist_mlp.runs.metrics import Metrics

NOT_COMPARED = {"seed", "checkpoint", "launcher"}  # runs of one setting may differ in these


@dataclass
class Run:
    """A run with its scores, or with the reason why there are none.

    Attributes:
        folder: The run's folder.
        overrides: What was typed, or set by a sweep; empty if Hydra's files are damaged.
        config: The composed config; empty if Hydra's files are damaged.
        metrics: The scores; None without a result.
        problem: Why there is no result; empty if there is one.
    """

    folder: RunFolder
    overrides: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    metrics: Metrics | None = None
    problem: str = ""

    @classmethod
    def read(cls, folder: RunFolder) -> "Run":
        run = cls(folder)
        try:
            if "seed" not in folder.config:
                raise InputError(f"{folder.config_yaml}: damaged: no seed")
            run.overrides, run.config = list(map(str, folder.overrides)), folder.config
            run.metrics = folder.read_metrics()
            run.problem = "" if run.metrics else folder.error or "not finished"
        except InputError as error:
            run.problem = str(error)
        return run

    @cached_property
    def rows(self) -> list[dict[str, float]]:
        """The rows of metrics.csv."""
        return self.folder.rows

    def chosen(self, key: str) -> Any:
        """Returns the setting's value, or for a config group the name of the chosen option."""
        value: Any = self.config
        for name in key.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return self.folder.choices.get(key, value) if value is None or isinstance(value, dict) else value


@dataclass
class Setting:
    """The finished runs that differ only in their seed.

    Attributes:
        values: The values of the factors, in their order.
        runs: One run for each seed.
    """

    values: tuple
    runs: list[Run]

    def scores(self, metric: str) -> list[float]:
        """Returns the runs' values of a field of Metrics, without those that were not measured."""
        values = [getattr(run.metrics, metric) for run in self.runs]
        return [value for value in values if value is not None]

    def mean(self, metric: str) -> float:
        scores = self.scores(metric)
        return statistics.fmean(scores) if scores else math.nan

    def interval(self, metric: str) -> float:
        return interval(self.scores(metric))


def interval(values: list[float]) -> float:
    """Returns half the width of the mean's 95 % confidence interval by Student's t; NaN for fewer than two values."""
    if len(values) < 2:
        return math.nan
    return float(stdtrit(len(values) - 1, 0.975)) * statistics.stdev(values) / math.sqrt(len(values))


def read_runs(folders: Iterable[Path]) -> list[Run]:
    """Returns the runs that the folders are or hold, sorted by path.

    Raises:
        InputError: A folder holds no run.
    """
    found: dict[Path, RunFolder] = {}
    for folder in folders:
        below = runs_below(folder)
        if not below:
            raise InputError(f"{folder}: neither a run folder nor a folder that holds one")
        found |= {run.path: run for run in below}
    return [Run.read(found[path]) for path in sorted(found)]


def factors_of(runs: list[Run]) -> list[str]:
    """Returns the keys whose values differ between the runs, if they were typed for at least one of them."""
    runs = [run for run in runs if run.config]
    typed = {override.partition("=")[0].lstrip("+~") for run in runs for override in run.overrides}
    return [key for key in sorted(typed - NOT_COMPARED) if len({str(run.chosen(key)) for run in runs}) > 1]


def settings_of(runs: list[Run], factors: list[str], by: str) -> list[Setting]:
    """Returns the settings of the finished runs, the one with the highest mean of ``by`` first.

    Of runs with the same values and seed only the last counts.
    """
    groups: dict[str, tuple[tuple, dict[str, Run]]] = {}
    for run in runs:
        if run.metrics:
            values = tuple(run.chosen(key) for key in factors)
            groups.setdefault(str(values), (values, {}))[1][str(run.config["seed"])] = run
    settings = [Setting(values, list(seeds.values())) for values, seeds in groups.values()]
    return sorted(settings, key=lambda setting: setting.mean(by), reverse=True)


def like_the_best(setting: Setting, best: Setting, by: str) -> str:
    """Returns in words whether the intervals of the two means overlap; empty if they do not."""
    if setting is best:
        return "best"
    gap = best.mean(by) - setting.mean(by)
    reach = best.interval(by) + setting.interval(by)
    if math.isnan(reach):
        return "one seed, cannot be told"
    return "not distinguishable from the best" if gap <= reach else ""
