"""Figures of what varied between runs: its effect on the accuracy, and the training curves of each setting."""

import math
import statistics
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from mnist_mlp.sweeps.axes import axis_label, score_axis, shown, view
from mnist_mlp.sweeps.comparison import Setting
from mnist_mlp.sweeps.scores import VAL_ACCURACY, Score
from mnist_mlp.sweeps.tables import value_text

MAX_LINES = 12  # more lines in one chart cannot be told apart
MAX_NAMES = 25  # more rows in one chart cannot be read
MIN_TRIALS = 10  # for each setting of a search: from fewer, a random forest hardly tells importance from chance
SPREAD = "mean ± standard deviation over seeds"
CELL = {"boxstyle": "round", "facecolor": "white", "alpha": 0.7, "edgecolor": "none"}  # behind a heat map's numbers


def draw_settings(settings: Sequence[Setting], factors: list[str], by: Score) -> Figure:
    """Returns a figure of what the factors do: at the left to the accuracy, at the right to the training curves.

    Args:
        settings: At least one, the best first.
        factors: The keys that vary; without any, the figure shows the one setting's accuracy and loss by epoch.
        by: What ranks the settings.
    """
    figure, left, right = two_charts()
    if not factors:
        draw_training(left, settings[0], Score("accuracy"))
        draw_training(right, settings[0], Score("loss", "min", is_fraction=False))
        return figure
    label, numbers = sizes([setting.values[0] for setting in settings], factors[0]) if len(factors) == 1 else ("", None)
    if numbers:
        numbers, settings = zip(*sorted(zip(numbers, settings), key=lambda pair: pair[0]))
        names = [f"{number:g}" for number in numbers]
        colors = list(colormaps["viridis"](np.linspace(0, 0.9, len(settings))))
        draw_numeric_effect(left, settings, numbers, label, by)
    else:
        label = ", ".join(factors)
        names = [textwrap.shorten(" ".join(map(value_text, setting.values)), 40) for setting in settings]
        palette = colormaps["tab10" if len(settings) <= 10 else "tab20"]
        colors = [palette(place % palette.N) for place in range(len(settings))]
        if len(factors) == 2:
            draw_heat_map(left, settings, factors, by)
        else:
            draw_named_effect(left, settings[:MAX_NAMES], names, colors, textwrap.shorten(label, 60), by)
    draw_curves(right, settings, names, colors, textwrap.shorten(label, 40), by)
    return figure


def draw_search(results: list[float], importances: dict[str, float], by: Score) -> Figure:
    """Returns a figure of a search: its trials in order with the best so far, and each setting's importance.

    Args:
        results: What the finished trials reached.
        importances: Fraction, by key, of the differences between the results that a setting explains.
        by: What the results are.
    """
    figure, left, right = two_charts()
    trials, values = range(1, len(results) + 1), shown(results, by)
    best_so_far = np.maximum if by.mode == "max" else np.minimum
    left.scatter(trials, values, color="gray", label="a trial")
    left.step(trials, best_so_far.accumulate(values), where="post", label="best so far")
    score_axis(left, "y", by)
    left.grid(alpha=0.3)
    left.set(xlabel="finished trials", ylabel=axis_label(by))
    left.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    left.legend()
    bars = right.barh(list(importances), list(importances.values()))
    right.bar_label(bars, fmt="{:.2f}", padding=3)
    right.invert_yaxis()
    right.set(xlim=(0, 1.1), xlabel=f"share of the differences in {by.title} that a setting explains")
    if len(results) < MIN_TRIALS * len(importances):
        right.set_title(f"from {len(results)} trials, which is a hint at best", fontsize=10)
    return figure


def two_charts() -> tuple[Figure, Axes, Axes]:
    """Returns a figure with two charts side by side."""
    figure = Figure(figsize=(13, 5), layout="constrained")
    return figure, *figure.subplots(1, 2)


def sizes(values: Sequence[Any], key: str) -> tuple[str, list[float] | None]:
    """Returns (axis label, x positions) for swept values, or (key, None) if they are not numeric.

    Lists of hidden layers are numeric if only the width or only the number of layers varies.
    """
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return key, [float(value) for value in values]
    if all(isinstance(value, list) and len(set(value)) <= 1 for value in values):
        if len({len(value) for value in values}) == 1:
            return f"units in each of {len(values[0])} hidden layers", [value[0] for value in values]
        if len({value[0] for value in values if value}) == 1:
            return f"hidden layers of {max(values, key=len)[0]} units", [len(value) for value in values]
    return key, None


def draw_numeric_effect(
    axes: Axes, settings: Sequence[Setting], numbers: Sequence[float], label: str, by: Score
) -> None:
    """Draws a line through the means, a band of their intervals, and a dot for each run."""
    means = np.array([setting.mean(by.name) for setting in settings])
    widths = np.array([setting.interval(by.name) for setting in settings])
    axes.plot(numbers, shown(means, by), label="mean over seeds")
    if not np.isnan(widths).all():
        axes.fill_between(
            numbers, shown(means - widths, by), shown(means + widths, by), alpha=0.2, label="95 % interval"
        )
    for number, setting in zip(numbers, settings):
        scores = shown(setting.scores(by.name), by)
        axes.scatter([number] * len(scores), scores, color="black", s=8, zorder=3)
        axes.plot(number, shown(setting.mean(by.name), by), **marker(setting), color="tab:blue")
    axes.scatter([], [], color="black", s=8, label="a run")
    name_markers(axes, settings)
    if min(numbers) > 0 and max(numbers) / min(numbers) >= 10:
        axes.set_xscale("log")
    if len(numbers) <= MAX_LINES:
        axes.set_xticks(numbers, [f"{number:g}" for number in numbers])
        axes.xaxis.set_minor_locator(NullLocator())
    score_axis(axes, "y", by)
    axes.set(xlabel=label, ylabel=axis_label(by), ylim=view(settings, by))
    axes.grid(alpha=0.3)
    axes.legend()


def draw_named_effect(
    axes: Axes, settings: Sequence[Setting], names: list[str], colors: list, label: str, by: Score
) -> None:
    """Draws a row for each setting, the best at the top: its mean and interval, and a dot for each run."""
    for row, (setting, color) in enumerate(zip(settings, colors)):
        mean, width = setting.mean(by.name), setting.interval(by.name)
        axes.plot(shown(mean, by), row, **marker(setting), color=color)
        axes.plot(shown([mean - width, mean + width], by), [row, row], marker="|", markersize=9, color=color)
        scores = shown(setting.scores(by.name), by)
        axes.scatter(scores, [row + 0.15] * len(scores), color=color, s=8, alpha=0.6)
    axes.set_yticks(range(len(settings)), names[: len(settings)])
    axes.set_ylim(len(settings) - 0.5, -0.5)
    score_axis(axes, "x", by)
    axes.set(xlabel=axis_label(by), ylabel=label, xlim=view(settings, by), title="mean, 95 % interval, runs")
    axes.grid(alpha=0.3, axis="x")
    name_markers(axes, settings)
    if any(setting.difference.is_worse for setting in settings):
        axes.legend()


def draw_heat_map(axes: Axes, settings: Sequence[Setting], factors: list[str], by: Score) -> None:
    """Draws the means as a coloured table of two factors."""
    down, across = (distinct([setting.values[place] for setting in settings]) for place in (0, 1))
    means = np.full((len(down), len(across)), math.nan)
    for setting in settings:
        row, column = down.index(setting.values[0]), across.index(setting.values[1])
        mean = setting.mean(by.name)
        means[row, column] = 100 * mean if by.is_fraction else mean
        text = by.text(mean, setting.interval(by.name)).replace(" ±", "\n±")
        text += "\nbest" if setting is settings[0] else ""
        weight = "normal" if setting.difference.is_worse else "bold"
        axes.text(column, row, text, ha="center", va="center", fontsize=9, weight=weight, bbox=CELL)
    image = axes.imshow(means, aspect="auto", cmap="viridis")
    axes.set_xticks(range(len(across)), map(value_text, across), rotation=90 if len(across) > 6 else 0)
    axes.set_yticks(range(len(down)), map(value_text, down))
    axes.set(xlabel=factors[1], ylabel=factors[0], title="bold: not told apart from the best")
    axes.figure.colorbar(image, label=by.header)


def marker(setting: Setting) -> dict[str, Any]:
    """Returns how a mean is marked: hollow if the setting is told apart from the best."""
    return {"marker": "o", "zorder": 4} | ({"markerfacecolor": "white"} if setting.difference.is_worse else {})


def name_markers(axes: Axes, settings: Sequence[Setting]) -> None:
    """Adds what the marks mean to the legend, if some settings are told apart from the best."""
    if any(setting.difference.is_worse for setting in settings):
        axes.plot([], [], "o", color="tab:gray", label="not told apart from the best")
        axes.plot([], [], "o", color="tab:gray", markerfacecolor="white", label="worse")


def distinct(values: list) -> list:
    """Returns each value once: numbers in ascending order, others in the order given."""
    once = [value for place, value in enumerate(values) if value not in values[:place]]
    _, numbers = sizes(once, "")
    return [value for _, value in sorted(zip(numbers, once), key=lambda pair: pair[0])] if numbers else once


def draw_curves(axes: Axes, settings: Sequence[Setting], names: list[str], colors: list, label: str, by: Score) -> None:
    """Draws what ranks the settings, on the validation images, after each epoch, a line for each setting."""
    has_column = any(by.of_epoch in row for setting in settings for run in setting.runs for row in run.rows[:1])
    score = by._replace(name=by.of_epoch) if has_column else VAL_ACCURACY
    for setting, name, color in list(zip(settings, names, colors))[:MAX_LINES]:
        draw_band(axes, setting, score, name, color)
    score_axis(axes, "y", score)
    axes.set(xlabel="epoch", ylabel=axis_label(score), title=SPREAD)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    beside = {"loc": "center left", "bbox_to_anchor": (1, 0.5)} if len(settings) > 5 else {}
    some = f" ({MAX_LINES} of {len(settings)})" if len(settings) > MAX_LINES else ""
    axes.legend(title=label + some, **beside)


def draw_training(axes: Axes, setting: Setting, score: Score) -> None:
    """Draws training and validation after each epoch; the score's name is accuracy or loss."""
    for split, label in (("train", "training"), ("val", "validation")):
        draw_band(axes, setting, score._replace(name=f"{split}_{score.name}"), label)
    score_axis(axes, "y", score)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel="epochs of training", ylabel=axis_label(score), title=SPREAD)
    axes.grid(alpha=0.3)
    axes.legend()


def draw_band(axes: Axes, setting: Setting, score: Score, label: str, color: Any = None) -> None:
    """Draws the mean of a column of metrics.csv within one standard deviation, for the epochs that every run has."""
    columns = [[row[score.name] for row in run.rows if score.name in row] for run in setting.runs if run.rows]
    by_epoch = list(zip(*columns))
    epochs = range(1, len(by_epoch) + 1)
    means = np.array([statistics.fmean(values) for values in by_epoch])
    spreads = np.array([statistics.stdev(values) if len(values) > 1 else 0.0 for values in by_epoch])
    middle, low, high = (shown(values, score) for values in (means, means - spreads, means + spreads))
    (line,) = axes.plot(epochs, middle, color=color, label=label, marker="." if len(epochs) < 10 else "")
    axes.fill_between(epochs, low, high, color=line.get_color(), alpha=0.2)
