"""Pictures of what varied between runs: its effect on the accuracy, and the training curves of every setting."""

import math
import statistics
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

LEGEND = 12  # as many lines as a reader can tell apart
MOST_NAMES = 25  # and rows


def named(value: Any) -> str:
    """A setting's value as a reader would write it."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def picture(settings: list, factors: list[str], by: str) -> Figure:
    """``settings`` as in report.py, the best first: the effect at the left, the curves at the right."""
    figure = Figure(figsize=(13, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    if not factors:
        learning(left, settings[0], "accuracy")
        learning(right, settings[0], "loss")
        return figure
    label, numbers = sizes([setting.values[0] for setting in settings], factors[0]) if len(factors) == 1 else ("", None)
    if numbers:
        numbers, settings = zip(*sorted(zip(numbers, settings), key=lambda pair: pair[0]))
        names = [f"{number:g}" for number in numbers]
        colors = list(colormaps["viridis"](np.linspace(0, 0.9, len(settings))))
        effect_of_number(left, settings, numbers, label, by)
    else:
        label = ", ".join(factors)
        names = [textwrap.shorten(" ".join(map(named, setting.values)), 40) for setting in settings]
        palette = colormaps["tab10" if len(settings) <= 10 else "tab20"]
        colors = [palette(place % palette.N) for place in range(len(settings))]
        if len(factors) == 2:
            heat_map(left, settings, factors, by)
        else:
            effect_of_name(left, settings[:MOST_NAMES], names[:MOST_NAMES], colors, textwrap.shorten(label, 60), by)
    curves(right, settings, names, colors, textwrap.shorten(label, 40))
    return figure


def search_picture(accuracies: list[float], importances: dict[str, float]) -> Figure:
    """The trials of a search in their order with the best so far, and the share of each setting."""
    figure = Figure(figsize=(13, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    trials = range(1, len(accuracies) + 1)
    left.scatter(trials, accuracies, color="gray", label="a trial")
    left.step(trials, np.maximum.accumulate(accuracies), where="post", label="best so far")
    accuracy_axis(left, "y")
    left.grid(alpha=0.3)
    left.set(xlabel="finished trials", ylabel="validation accuracy (%)")
    left.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    left.legend()
    bars = right.barh(list(importances), list(importances.values()))
    right.bar_label(bars, fmt="{:.2f}", padding=3)
    right.invert_yaxis()
    right.set(xlim=(0, 1.1), xlabel="share of the differences in accuracy that a setting explains")
    return figure


def sizes(values: Sequence[Any], key: str) -> tuple[str, list[float] | None]:
    """Numbers to draw the values at, and what these mean: for layers of one width, the width or how many there are."""
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return key, [float(value) for value in values]
    if all(isinstance(value, list) and len(set(value)) <= 1 for value in values):
        if len({len(value) for value in values}) == 1:
            return f"units in each of {len(values[0])} hidden layers", [value[0] for value in values]
        if len({value[0] for value in values if value}) == 1:
            return f"hidden layers of {max(values, key=len)[0]} units", [len(value) for value in values]
    return key, None


def effect_of_number(axes: Axes, settings: Sequence, numbers: Sequence[float], label: str, by: str) -> None:
    """A curve through the means with the band of their intervals, and a dot a run."""
    means = np.array([setting.mean(by) for setting in settings])
    widths = np.array([setting.interval(by) for setting in settings])
    axes.plot(numbers, means, marker="o", label="mean over seeds")
    if not np.isnan(widths).all():
        axes.fill_between(numbers, means - widths, below_one(means + widths), alpha=0.2, label="95 % interval")
    for number, setting in zip(numbers, settings):
        axes.scatter([number] * len(setting.runs), setting.figures(by), color="black", s=8, zorder=3)
    axes.scatter([], [], color="black", s=8, label="a run")
    if min(numbers) > 0 and max(numbers) / min(numbers) >= 10:
        axes.set_xscale("log")
    if len(numbers) <= LEGEND:
        axes.set_xticks(numbers, [f"{number:g}" for number in numbers])
        axes.xaxis.set_minor_locator(NullLocator())
    accuracy_axis(axes, "y")
    axes.set(xlabel=label, ylabel=SPOKEN[by])
    axes.grid(alpha=0.3)
    axes.legend()


def effect_of_name(axes: Axes, settings: Sequence, names: list[str], colors: list, label: str, by: str) -> None:
    """A point a setting with its interval, the best at the top, and a dot a run."""
    for place, (setting, color) in enumerate(zip(settings, colors)):
        width = setting.interval(by)
        error = None if math.isnan(width) else width
        axes.errorbar(setting.mean(by), place, xerr=error, fmt="o", color=color, capsize=4)
        figures = setting.figures(by)
        axes.scatter(figures, [place + 0.15] * len(figures), color=color, s=8, alpha=0.6)
    axes.set_yticks(range(len(settings)), names)
    axes.set_ylim(len(settings) - 0.5, -0.5)
    accuracy_axis(axes, "x")
    axes.set(xlabel=f"{SPOKEN[by]}: mean, 95 % interval, runs", ylabel=label)
    axes.grid(alpha=0.3, axis="x")


def heat_map(axes: Axes, settings: list, factors: list[str], by: str) -> None:
    """Means in a table of the two factors."""
    across, down = (sorted_values([setting.values[place] for setting in settings]) for place in (1, 0))
    means = np.full((len(down), len(across)), math.nan)
    for setting in settings:
        row, column = down.index(setting.values[0]), across.index(setting.values[1])
        means[row, column] = 100 * setting.mean(by)
        width = 100 * setting.interval(by)
        text = f"{means[row, column]:.2f}" + ("" if math.isnan(width) else f"\n± {width:.2f}")
        weight = "bold" if setting is settings[0] else "normal"
        axes.text(column, row, text, ha="center", va="center", fontsize=9, weight=weight, bbox=CELL)
    image = axes.imshow(means, aspect="auto", cmap="viridis")
    axes.set_xticks(range(len(across)), map(named, across), rotation=90 if len(across) > 6 else 0)
    axes.set_yticks(range(len(down)), map(named, down))
    axes.set(xlabel=factors[1], ylabel=factors[0], title="bold: best")
    axes.figure.colorbar(image, label=SPOKEN[by])


CELL = {"boxstyle": "round", "facecolor": "white", "alpha": 0.7, "edgecolor": "none"}


def sorted_values(values: list) -> list:
    """Each value once: numbers by size, others in the order in which they come."""
    once = [value for place, value in enumerate(values) if value not in values[:place]]
    _, numbers = sizes(once, "")
    return [value for _, value in sorted(zip(numbers, once), key=lambda pair: pair[0])] if numbers else once


def curves(axes: Axes, settings: Sequence, names: list[str], colors: list, label: str) -> None:
    """Validation accuracy after each epoch, mean and standard deviation over seeds, a line a setting."""
    for setting, name, color in list(zip(settings, names, colors))[:LEGEND]:
        band(axes, setting, "val_accuracy", name, color)
    accuracy_axis(axes, "y")
    axes.set(xlabel="epoch", ylabel="validation accuracy (%): mean ± sd over seeds")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    beside = {"loc": "center left", "bbox_to_anchor": (1, 0.5)} if len(settings) > 5 else {}
    axes.legend(title=label if len(settings) <= LEGEND else f"{label} ({LEGEND} of {len(settings)})", **beside)


def learning(axes: Axes, setting: Any, name: str) -> None:
    """Training and validation after each epoch, mean and standard deviation over seeds."""
    for part, label in (("train", "training"), ("val", "validation")):
        band(axes, setting, f"{part}_{name}", label)
    unit = ""
    if name == "accuracy":
        accuracy_axis(axes, "y")
        unit = " (%)"
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel="epochs of training", ylabel=f"{name}{unit}: mean ± sd over {len(setting.runs)} seeds")
    axes.grid(alpha=0.3)
    axes.legend()


def band(axes: Axes, setting: Any, name: str, label: str, color: Any = None) -> None:
    """The mean of a column of metrics.csv after each epoch that every run has, within its standard deviation."""
    columns = [[row[name] for row in run.history if name in row] for run in setting.runs if run.history]
    after = list(zip(*columns))
    epochs = range(1, len(after) + 1)
    means = np.array([statistics.fmean(figures) for figures in after])
    spreads = np.array([statistics.stdev(figures) if len(figures) > 1 else 0.0 for figures in after])
    (line,) = axes.plot(epochs, means, color=color, label=label, marker="." if len(epochs) < 10 else "")
    high = below_one(means + spreads) if name.endswith("accuracy") else means + spreads
    axes.fill_between(epochs, means - spreads, high, color=line.get_color(), alpha=0.2)


def below_one(accuracies: np.ndarray) -> np.ndarray:
    return np.minimum(accuracies, MOST)


def accuracy_axis(axes: Axes, which: str) -> None:
    """Accuracies so that 90, 99 and 99.9 % are equally far apart, as errors on a logarithmic axis would be."""

    def nines(accuracy: np.ndarray) -> np.ndarray:
        return -np.log10(np.maximum(1 - accuracy, 1 - MOST))

    getattr(axes, f"set_{which}scale")("function", functions=(nines, lambda scaled: 1 - 10.0**-scaled))
    axes.autoscale(axis=which)
    low, high = getattr(axes, f"get_{which}lim")()
    least = (0.06 if which == "y" else 0.12) * abs(nines(high) - nines(low))  # between labels that can be read
    ticks: list[float] = []
    for finer in TICKS:
        for tick in finer if len(ticks) < 4 else ():
            if low <= tick <= high and all(abs(nines(tick) - nines(other)) >= least for other in ticks):
                ticks.append(tick)
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda accuracy, _: f"{100 * accuracy:g}"))
    axis.set_minor_locator(NullLocator())


MOST = 0.9999  # where an accuracy axis ends
TICKS = [  # from coarse to fine, until there are enough in sight
    [0.9, 0.99, 0.999, 0.5, 0.8, 0.95, 0.98, 0.995, 0.998, 0, 0.7, 0.97, 0.997],
    [*np.arange(90, 100) / 100, *np.arange(10) / 10],
    np.arange(0, 1000, 2) / 1000,
    np.arange(0, 10000, 5) / 10000,
]
SPOKEN = {"test_accuracy": "test accuracy (%)", "val_accuracy": "validation accuracy (%)"}
