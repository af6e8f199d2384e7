"""Axes of scores: those of fractions are logarithmic in the error, so that 90, 99 and 99.9 % are equally far apart."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator
from scipy.special import expit, logit

from mnist_mlp.sweeps.comparison import Setting
from mnist_mlp.sweeps.scores import Score

MIN_FRACTION, MAX_FRACTION = 0.01, 0.9999  # a logit axis can show neither 0 nor 1
TICKS = (0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)  # about equally far apart on such an axis
SCALE = "%, logarithmic in the error"  # what a logit axis is near 100 %


def axis_label(score: Score) -> str:
    """Returns the name of a score's axis."""
    return f"{score.title} ({SCALE})" if score.is_fraction else score.title


def shown(values: Any, score: Score) -> np.ndarray:
    """Returns the values limited to what the score's axis can show."""
    return np.clip(values, MIN_FRACTION, MAX_FRACTION) if score.is_fraction else np.asarray(values)


def view(settings: Sequence[Setting], score: Score) -> tuple[float, float]:
    """Returns the limits of a score's axis: all runs are in view, and of wider intervals a part."""
    to_axis, from_axis = (logit, expit) if score.is_fraction else (np.asarray, float)
    runs = to_axis(shown(np.concatenate([setting.scores(score.name) for setting in settings]), score))
    least = 0.1 if score.is_fraction else 0.01 * abs(runs).max() or 0.01  # of values that are nearly equal
    reach = max(np.ptp(runs), least)
    widths = [(setting.mean(score.name), np.nan_to_num(setting.interval(score.name))) for setting in settings]
    ends = to_axis(shown([mean + sign * width for mean, width in widths for sign in (-1, 1)], score))
    low = min(runs.min(), max(np.nanmin(ends), runs.min() - reach))
    high = max(runs.max(), min(np.nanmax(ends), runs.max() + reach))
    margin = 0.05 * max(high - low, least)
    return float(from_axis(low - margin)), float(from_axis(high + margin))


class FractionLocator(MaxNLocator):
    """Puts ticks at 80, 90, 95, 98, 99 % and so on, or at even steps if fewer than four of these are in view."""

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        ticks = [tick for tick in TICKS if vmin <= tick <= vmax]
        return ticks[:: 1 + len(ticks) // 8] if len(ticks) >= 4 else super().tick_values(vmin, vmax)

    def nonsingular(self, v0: float, v1: float) -> Sequence[float]:
        low, high = super().nonsingular(v0, v1)  # may go beyond 1 to widen an axis of equal values
        return max(low, MIN_FRACTION / 2), min(high, (1 + MAX_FRACTION) / 2)


def score_axis(axes: Axes, which: Literal["x", "y"], score: Score) -> None:
    """Gives the x or y axis the scale of a score: fractions a logit scale in percent."""
    if not score.is_fraction:
        return
    getattr(axes, f"set_{which}scale")("logit")
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(FractionLocator("auto", steps=[1, 2, 5, 10]))
    axis.set_major_formatter(lambda fraction, _: f"{100 * fraction:g}")
    axis.set_minor_locator(NullLocator())
    axes.autoscale(axis=which)  # set_scale has done so with its own locator
