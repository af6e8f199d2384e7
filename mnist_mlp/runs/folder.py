"""What a run folder says of how the run ended."""

import json
from numbers import Real
from pathlib import Path
from typing import Any

from mnist_mlp.errors import one_line


def metrics_of(run: Path) -> dict[str, Any] | None:
    """What metrics.json says; None where there is none that is whole, and so the run is not finished."""
    try:
        metrics = json.loads((run / "metrics.json").read_text())
        whole = all(isinstance(metrics[name], Real) for name in ("test_accuracy", "test_loss", "fit_seconds"))
        accuracy = metrics["val_accuracy"]
        return metrics if whole and (accuracy is None or 0 <= accuracy <= 1) else None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def error_of(run: Path) -> str | None:
    """Why a sweep's job failed; None if it did not."""
    try:
        return one_line((run / "error.txt").read_text())
    except (OSError, ValueError):
        return None
