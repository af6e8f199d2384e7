"""The numbers by which runs are ranked and shown."""

import math
from collections.abc import Iterable
from typing import NamedTuple

NAMES = {"val_accuracy": "validation accuracy", "test_accuracy": "test accuracy"}


class Score(NamedTuple):
    """A number in the runs' metrics.json.

    Attributes:
        name: Its name there.
        mode: ``max`` or ``min``: whether more or less of it is better.
        is_fraction: Whether it lies between 0 and 1 and is shown in percent, as accuracies are.
    """

    name: str
    mode: str = "max"
    is_fraction: bool = True

    @classmethod
    def of(cls, name: str, values: Iterable[float], mode: str | None = None) -> "Score":
        """Returns the score of this name. Losses and errors are better if less, and no fractions.

        Args:
            name: Its name in metrics.json.
            values: Those that were measured.
            mode: Which is better, if it is known.
        """
        is_loss = "loss" in name or "error" in name
        is_fraction = not is_loss and all(0 <= value <= 1 for value in values)
        return cls(name, mode or ("min" if is_loss else "max"), is_fraction)

    @property
    def sign(self) -> int:
        """1 if more is better, otherwise -1."""
        return 1 if self.mode == "max" else -1

    @property
    def title(self) -> str:
        """The name in words, such as "validation accuracy"."""
        return NAMES.get(self.name, self.name)

    @property
    def header(self) -> str:
        """The name above a column, such as "validation %"."""
        return self.title.removesuffix(" accuracy") + (" %" if self.is_fraction else "")

    @property
    def of_epoch(self) -> str:
        """The column of metrics.csv that shows how it developed: the validation images' instead of the test images'."""
        return self.name.replace("test_", "val_", 1)

    def text(self, mean: float, half_width: float = math.nan) -> str:
        """Returns a mean and its interval as in "97.34 ± 0.13", or "0.1234 ± 0.0012", without what is NaN."""
        if math.isnan(mean):
            return ""
        factor, digits = (100, 2) if self.is_fraction else (1, 4)
        interval = "" if math.isnan(half_width) else f" ± {factor * half_width:.{digits}f}"
        return f"{factor * mean:.{digits}f}{interval}"


VAL_ACCURACY, TEST_ACCURACY = Score("val_accuracy"), Score("test_accuracy")
