"""What a finished run reached: the content of metrics.json."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any


def _number(low: float = float("-inf"), high: float = float("inf"), **default: Any) -> Any:
    """Declares a field that must be a number from ``low`` to ``high``, or its default."""
    return field(metadata={"range": (low, high)}, **default)


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Scores of a finished run and how to read with it. Fields with a default may be missing in older files.

    Attributes:
        data: Name of the data set; None in a file of before data sets had names.
        test_accuracy: Fraction of the test images that the best epoch classifies correctly, in [0, 1].
        test_loss: Mean loss over the test images.
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
        threshold: Probability below which a reading is refused, in [0, 1].
        warning: What to know before trusting these numbers, such as other data than asked for.
    """

    data: str | None = None
    test_accuracy: float = _number(0, 1)
    test_loss: float = _number()
    test_calibration_error: float | None = _number(0, 1, default=None)
    val_accuracy: float | None = _number(0, 1)
    val_loss: float | None = _number(default=None)
    best_epoch: int | None = _number(1, default=None)
    epochs: int | None = _number(1, default=None)
    parameters: int | None = _number(1, default=None)
    fit_seconds: float = _number(0)
    seed: int | None = _number(0, default=None)
    classes: list[str] | None = None
    temperature: float = _number(0.01, 100, default=1.0)  # wider than what calibration fits
    threshold: float = _number(0, 1, default=0.5)
    warning: str | None = None

    @classmethod
    def from_json(cls, text: str | bytes) -> "Metrics":
        """Returns the metrics in the text of a metrics.json. Unknown keys are ignored.

        Raises:
            ValueError: The text is damaged, or a value is not what it must be; the message names the key.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError("damaged, or without a finished run's scores") from error
        if not isinstance(values, dict):
            raise ValueError("damaged, or without a finished run's scores")
        known = {}
        for key in fields(cls):
            if key.name in values:
                _check(key.name, values[key.name], key.metadata.get("range"), optional="None" in str(key.type))
                known[key.name] = values[key.name]
        try:
            return cls(**known)
        except TypeError as error:  # a required key is missing
            raise ValueError("damaged, or without a finished run's scores") from error

    def to_json(self) -> str:
        """Returns the text of a metrics.json, without a warning if there is none."""
        values = asdict(self)
        if self.warning is None:
            del values["warning"]
        return json.dumps(values, indent=2) + "\n"


def _check(key: str, value: Any, bounds: tuple[float, float] | None, optional: bool) -> None:
    if value is None and optional:
        return
    if bounds:
        low, high = bounds
        if type(value) not in (int, float) or not low <= value <= high:  # NaN is no number
            raise ValueError(f"{key}: must be a number" + (f" from {low} to {high}" if high < float("inf") else ""))
    elif key == "classes":
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise ValueError("classes: must be a list of names")
    elif not isinstance(value, str):
        raise ValueError(f"{key}: must be text")
