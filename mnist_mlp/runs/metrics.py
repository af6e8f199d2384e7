"""What a finished run reached: the content of metrics.json."""

import json
from dataclasses import asdict, dataclass, field, fields
from math import inf
from typing import Any

# The numbers, and between what they must lie
RANGES = {
    "test_accuracy": (0, 1),
    "test_loss": (-inf, inf),
    "test_calibration_error": (0, 1),
    "val_accuracy": (0, 1),
    "val_loss": (-inf, inf),
    "best_epoch": (1, inf),
    "epochs": (1, inf),
    "parameters": (1, inf),
    "fit_seconds": (0, inf),
    "seed": (0, inf),
    "temperature": (0.01, 100),  # wider than what calibration fits
    "threshold": (0, 1),
}


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Scores of a finished run and how to read with it.

    Attributes:
        data: Name of the data set.
        test_accuracy: Fraction of the test images that the best epoch classifies correctly.
        test_loss: Mean loss over the test images; None if it is not finite.
        test_calibration_error: Expected calibration error on the test images, in [0, 1].
        val_accuracy: Like ``test_accuracy``, on the validation images; None without validation.
        val_loss: Mean loss over the validation images; None without validation.
        best_epoch: Epoch, counted from 1, of the weights that were tested and are in best.ckpt.
        epochs: Number of epochs trained.
        parameters: Number of trained parameters of the network.
        fit_seconds: Seconds that the epochs took, validation included.
        seed: The run's seed.
        classes: Name of each label.
        temperature: What the logits are divided by to give calibrated probabilities.
        threshold: Probability below which a reading is refused.
        on_white: Whether the training images are dark on light; None if some are and some are not.
        own_digits: Of own digits that were ``learned`` or kept ``apart``, and the ``test`` images: how many ``images``,
            and how many were read correctly ``before`` and ``after``.
        warning: What to know before trusting these numbers, such as other data than asked for.
        monitor: The name of what made an epoch the best.
        mode: ``max`` or ``min``: whether the highest or the lowest was the best.
        others: Further numbers by name: what else was logged in the best epoch, and ``test_NAME`` of further scores.

    Raises:
        ValueError: A value is not what it must be; the message names its key.
    """

    data: str | None = None
    test_accuracy: float
    test_loss: float | None
    test_calibration_error: float | None = None
    val_accuracy: float | None
    val_loss: float | None = None
    best_epoch: int | None = None
    epochs: int | None = None
    parameters: int | None = None
    fit_seconds: float
    seed: int | None = None
    classes: list[str] | None = None
    temperature: float = 1.0
    threshold: float = 0.5
    on_white: bool | None = None
    own_digits: dict[str, Any] | None = None
    warning: str | None = None
    monitor: str = "val_accuracy"
    mode: str = "max"
    others: dict[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        types: dict[str, Any] = {each.name: each.type for each in fields(self)}
        for key, (low, high) in RANGES.items():
            value: Any = getattr(self, key)
            if value is None and isinstance(None, types[key]):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:  # or NaN
                bounds = f" from {low} to {high}" if high < inf else ""
                raise ValueError(f"{key}: must be a number{bounds}")
        classes: Any = self.classes
        if classes is not None and not (isinstance(classes, list) and all(type(name) is str for name in classes)):  # pyright: ignore
            raise ValueError("classes: must be a list of names")
        if not isinstance(self.on_white, bool | None):  # pyright: ignore
            raise ValueError("on_white: must be true, false or null")
        if not isinstance(self.own_digits, dict | None):  # pyright: ignore
            raise ValueError("own_digits: must be null or the counts of each part")
        for key in ("data", "warning", "monitor", "mode"):
            if not isinstance(getattr(self, key), str | None):
                raise ValueError(f"{key}: must be text")

    def value(self, name: str) -> Any:
        """Returns the value of a name in metrics.json; None if it was not measured."""
        return (self.others | vars(self)).get(name)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Metrics":
        """Returns the metrics in a metrics.json. Others are kept if numbers. Raises ValueError if it is damaged."""
        try:
            values: dict[str, Any] = dict(json.loads(text))
            names = values.keys() & {key.name for key in fields(cls)} - {"others"}
            own: dict[str, Any] = {name: values.pop(name) for name in names}
            others = {name: float(value) for name, value in values.items() if type(value) in (int, float)}
            return cls(**own, others=others)
        except (json.JSONDecodeError, UnicodeDecodeError, TypeError, RecursionError) as error:
            raise ValueError("damaged, or without a finished run's scores") from error

    def to_json(self) -> str:
        """Returns the text of a metrics.json, with ``warning`` and ``own_digits`` only if they are set."""
        values = asdict(self)
        values = values.pop("others") | values  # whatever a callback calls what it logs
        for key in ("warning", "own_digits"):
            if values[key] is None:
                del values[key]
        return json.dumps(values, indent=2) + "\n"
