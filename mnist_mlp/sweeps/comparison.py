"""Comparing runs: what varies between them, means over seeds, and confidence intervals."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtrit

from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder, runs_below
from mnist_mlp.runs.metrics import Metrics
from mnist_mlp.sweeps.scores import Score

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


class Difference(NamedTuple):
    """How far a setting is from the best one.

    Attributes:
        mean: Of the differences, a seed at a time; NaN without a common seed.
        half_width: Of the mean's interval; NaN with fewer than two common seeds, or if nothing is random in them.
        is_worse: Whether the setting is told apart from the best.
    """

    mean: float
    half_width: float
    is_worse: bool = False


@dataclass
class Setting:
    """The finished runs that differ only in their seed.

    Attributes:
        values: The values of the factors, in their order.
        runs: One run for each seed.
        difference: To the best setting.
    """

    values: tuple
    runs: list[Run]
    difference: Difference = field(default=Difference(0, math.nan))

    def by_seed(self, metric: str) -> dict[str, float]:
        """Returns the runs' values of a field of Metrics by seed, without those that were not measured."""
        values = {str(run.config["seed"]): run.metrics.value(metric) for run in self.runs if run.metrics}
        return {seed: value for seed, value in values.items() if value is not None}

    def scores(self, metric: str) -> list[float]:
        return list(self.by_seed(metric).values())

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
    folders = list(folders)
    for folder in [folder for folder in folders if not folder.is_file()] or folders:  # a shell's SWEEP/* has files too
        below = runs_below(folder)
        if not below:
            what = "neither a run folder nor a folder that holds one" if folder.exists() else "no such folder"
            raise InputError(f"{folder}: {what}")
        for run in below:  # a run counts once, however often and by whatever path it is named
            found.setdefault(run.path.resolve(), run)
    return [Run.read(found[path]) for path in sorted(found)]


def factors_of(runs: list[Run]) -> list[str]:
    """Returns the keys whose values differ between the runs, if they were typed for at least one of them."""
    runs = [run for run in runs if run.config]
    typed = {override.partition("=")[0].lstrip("+~") for run in runs for override in run.overrides}
    return [key for key in sorted(typed - NOT_COMPARED) if len({str(run.chosen(key)) for run in runs}) > 1]


def settings_of(runs: list[Run], factors: list[str], by: Score) -> list[Setting]:
    """Returns the settings of the finished runs, the one with the best mean of ``by`` first.

    Of runs with the same values and seed only the last counts.
    """
    groups: dict[str, tuple[tuple, dict[str, Run]]] = {}
    for run in runs:
        if run.metrics:
            values = tuple(run.chosen(key) for key in factors)
            groups.setdefault(str(values), (values, {}))[1][str(run.config["seed"])] = run
    settings = [Setting(values, list(seeds.values())) for values, seeds in groups.values()]
    settings.sort(key=lambda setting: math.inf if math.isnan(mean := setting.mean(by.name)) else -by.sign * mean)
    for setting, difference in zip(settings, differences(settings, by)):
        setting.difference = difference
    return settings


def differences(settings: list[Setting], by: Score) -> list[Difference]:
    """Returns each setting's difference to the best, with intervals that all hold together with 95 % probability.

    Whether the intervals of two means overlap tells less (Schenker and Gentleman 2001, doi:10.1198/000313001317097960).
    The runs of a seed share what is random in them, so seeds are blocks: what they have in common is taken out. What
    remains, in all settings from the best down to the one compared, says how random a difference is; settings further
    down, such as runs that diverged, do not count. Bonferroni's correction is for all pairs of settings, because the
    data say which one is the best.

    Args:
        settings: The best first.
        by: What ranks them.
    """
    scores = [setting.by_seed(by.name) for setting in settings]
    pairs = math.comb(sum(len(values) > 1 for values in scores), 2)
    found = []
    for place, values in enumerate(scores):
        seeds = scores[0].keys() & values.keys()
        block = np.array([[other[seed] for seed in seeds] for other in scores[: place + 1] if seeds <= other.keys()])
        mean = float(np.mean(block[-1] - block[0])) if seeds else math.nan
        width = half_width(block, max(1, pairs))
        found.append(Difference(mean, width, is_worse=by.sign * mean + width < 0))
    return found


def half_width(block: np.ndarray, comparisons: int) -> float:
    """Returns half the width of the interval of a difference between two rows' means; NaN if it cannot be told.

    Args:
        block: Scores, (settings, seeds), without an interaction of the two.
        comparisons: How many such intervals are to hold together.
    """
    freedom = (block.shape[0] - 1) * (block.shape[1] - 1)
    if freedom < 1:
        return math.nan
    residuals = block - block.mean(1, keepdims=True) - block.mean(0) + block.mean()
    variance = round(float((residuals**2).sum()) / freedom, 16)  # below that it is the floats'
    return float(stdtrit(freedom, 1 - 0.025 / comparisons)) * math.sqrt(2 * variance / block.shape[1]) or math.nan
