"""A finished run as a reader of digits: its network, its labels and its calibration, without what trained it."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from mnist_mlp.errors import InputError
from mnist_mlp.model.mlp import MLP
from mnist_mlp.runs.folder import metrics_of

DIGITS = [str(digit) for digit in range(10)]
BATCH_SIZE = 4096
THRESHOLD = 0.5  # of a run without one: it is older, or there is only its checkpoint


class Reader:
    """What ``run``, a run folder or a checkpoint of one, has learnt to read.

    ``classes`` are the labels' names; ``temperature`` is what its logits are divided by; ``threshold``, unless one is
    given, is the probability below which training refused 2 % of the validation images. Raises InputError where there
    is no such run.
    """

    def __init__(self, run: Path, threshold: float | None = None) -> None:
        self.folder = run if run.is_dir() else run.absolute().parent.parent
        path = run / "checkpoints/best.ckpt" if run.is_dir() else run
        checkpoint = read_checkpoint(path)
        self.metrics = metrics_of(self.folder) or {}
        if not self.metrics and (self.folder / "metrics.json").exists():
            raise self.wrong_metrics("damaged, or without a finished run's scores")
        try:
            self.network = trained_network(checkpoint)
        except Exception as error:  # a file of any content may be given
            raise InputError(f"{path}: not a checkpoint of a run of this project") from error
        labels = range(self.network[-1].out_features)
        self.classes = self.metrics.get("classes", [str(label) for label in labels])
        names = isinstance(self.classes, list) and all(isinstance(name, str) for name in self.classes)
        if not names or len(self.classes) != len(labels):
            raise self.wrong_metrics(f"classes: must be a list of {len(labels)} names")
        self.temperature = self.number("temperature", 1.0, least=0.01, most=100)  # wider than what is fitted
        own_threshold = self.number("threshold", THRESHOLD, least=0, most=1)
        self.threshold = own_threshold if threshold is None else threshold

    def number(self, key: str, otherwise: float, least: float, most: float) -> float:
        """What metrics.json says of ``key``. Raises InputError where that is no number from ``least`` to ``most``."""
        value = self.metrics.get(key, otherwise)
        if type(value) not in (int, float) or not least <= value <= most:  # True and NaN are neither
            raise self.wrong_metrics(f"{key}: must be a number from {least} to {most}")
        return value

    def wrong_metrics(self, what: str) -> InputError:
        return InputError(f"{self.folder / 'metrics.json'}: {what}")

    def logits(self, images: np.ndarray) -> Tensor:
        """Of images, uint8 (n, 28, 28), white on black: calibrated logits, float (n, classes)."""
        pixels = torch.from_numpy(np.ascontiguousarray(images)).flatten(1)
        with torch.inference_mode():
            parts = [self.network(part / 255) for part in pixels.split(BATCH_SIZE)]
        return torch.cat(parts) / self.temperature

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Of images, uint8 (n, 28, 28), white on black: how likely each is of each class, float (n, classes)."""
        return self.logits(images).softmax(1).numpy()

    def labels(self, probabilities: np.ndarray) -> list[str | None]:
        """The likeliest class of each image, None where it is less probable than the threshold; of (n, classes)."""
        return [self.classes[row.argmax()] if row.max() >= self.threshold else None for row in probabilities]

    def evidence(self, images: np.ndarray) -> np.ndarray:
        """How much each pixel of images, uint8 (..., 28, 28), speaks for the likeliest class: float32, the same shape.

        Positive speaks for it, negative against it, in units of its logit: the logit's gradient times the pixel
        (Shrikumar et al. 2016).
        """
        pixels = (torch.from_numpy(np.ascontiguousarray(images)).reshape(-1, 784) / 255).requires_grad_()
        likeliest = self.network(pixels).amax(1) / self.temperature
        (gradient,) = torch.autograd.grad(likeliest.sum(), pixels)
        return (gradient * pixels).detach().numpy().reshape(images.shape)


def finished_runs(outputs: Path) -> dict[Path, dict[str, Any]]:
    """The runs below a folder that can be read with, the newest first, and what their metrics.json says."""
    folders = [path.parents[1] for path in outputs.rglob("checkpoints/best.ckpt")]
    return {folder: metrics for folder in sorted(folders, reverse=True) if (metrics := metrics_of(folder))}


def best_run(outputs: Path) -> Path:
    """The run below a folder with the highest validation accuracy on MNIST, or else on other digits.

    Raises InputError where there is none.
    """
    digits = [(folder, metrics) for folder, metrics in finished_runs(outputs).items() if reads_digits(metrics)]
    if not digits:
        raise InputError(f"no finished run below {outputs}: python train.py experiment=handwriting trains one")
    return max(digits, key=lambda run: (run[1].get("data") == "mnist", run[1]["val_accuracy"] or 0))[0]


def reads_digits(metrics: dict[str, Any]) -> bool:
    return metrics.get("data") == "mnist" or metrics.get("classes") == DIGITS


def trained_network(checkpoint: dict[str, Any]) -> MLP:
    """The network of a checkpoint, ready to use; the average of its weights where there is one."""
    settings = checkpoint["callbacks"]["LastAndBest"]["settings"]
    model = {
        key.removeprefix("model."): yaml.safe_load(value)
        for key, value in settings.items()
        if key.startswith("model.") and key != "model._target_"
    }
    weights = checkpoint["state_dict"]
    prefix = "average.module." if "average.n_averaged" in weights else "network."
    weights = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
    network = MLP(**model, num_classes=len(next(reversed(weights.values()))))
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Raises InputError for what is not a whole checkpoint of tensors and plain values; code in it is never run."""
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        checkpoint["callbacks"].get, checkpoint["state_dict"].items
        return checkpoint
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except Exception as error:  # a file of any content raises errors of many types
        raise InputError(f"{path}: damaged, or not a checkpoint (nothing in it was run)") from error
