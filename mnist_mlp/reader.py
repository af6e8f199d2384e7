"""A finished run as a reader of digits: its network, labels and calibration, without what trained it."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mnist_mlp.components.targets import check_target, imported
from mnist_mlp.data.batches import logits_of
from mnist_mlp.data.splits import DIGITS, on_white, resize
from mnist_mlp.errors import InputError
from mnist_mlp.model.threads import usable_threads
from mnist_mlp.pictures.digits import Digit, digits_in
from mnist_mlp.pictures.geometry import check_grey
from mnist_mlp.pictures.mnist_form import SIDE
from mnist_mlp.runs.checkpoint import read_checkpoint, settings_of, trained_weights
from mnist_mlp.runs.folder import RunFolder, folder_of
from mnist_mlp.runs.metrics import Metrics
from mnist_mlp.runs.settings import nested

AS_DIGITS = (None, "mnist", "digits", "folder")  # data sets in MNIST's form, if data.as_digits does not say otherwise
MLP_TARGET = "mnist_mlp.model.mlp.MLP"


class Reader:
    """Reads 28x28 images with the network of a run.

    Args:
        run: A run folder, or a checkpoint in one.
        threshold: Probability in [0, 1] below which an image counts as unreadable. By default the run's own.

    Attributes:
        folder: The run folder.
        metrics: What the run reached; None if it is not finished.
        network: float32 (n, 784) in [0, 1] to logits (n, classes), in evaluation mode.
        classes: Name of each label.
        as_digits: Whether the run learned from images in MNIST's form, or from whole pictures that were only resized.
        on_white: Whether those pictures were dark on light; None if that does not matter.
        temperature: What the logits are divided by.

    Raises:
        InputError: There is no such run, its files are damaged, or the threshold is no probability.
    """

    def __init__(self, run: str | Path, threshold: float | None = None) -> None:
        if threshold is not None and not 0 <= threshold <= 1:
            raise InputError(f"threshold: must be a number from 0 to 1, and is {threshold}")
        run = Path(run)
        self.folder = folder_of(run)
        path = self.folder.best if run.is_dir() else run
        if not path.exists():
            raise InputError(f"{path}: no such file; a run's folder has checkpoints/best.ckpt")
        checkpoint = read_checkpoint(path)
        self.metrics = self.folder.read_metrics()
        try:
            self.network = trained_network(checkpoint)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        except Exception as error:  # a file of any content may be given
            raise InputError(f"{path}: not a checkpoint of a run of this project") from error
        torch.set_num_threads(usable_threads())
        outputs = self.network(torch.zeros(1, 784)).shape[1]
        reached = self.metrics or Metrics  # a checkpoint without metrics.json is read with their defaults
        self.classes = list(map(str, range(outputs))) if reached.classes is None else reached.classes
        if len(self.classes) != outputs:
            raise InputError(f"{self.folder.metrics_json}: classes: must be a list of {outputs} names")
        settings = settings_of(checkpoint)
        data = settings.get("data.dataset", reached.data)
        self.as_digits = data in AS_DIGITS and settings.get("data.as_digits", True)
        self.on_white = None if self.as_digits else reached.on_white
        self.temperature = reached.temperature
        self.threshold = reached.threshold if threshold is None else threshold

    def digits_in(self, picture: np.ndarray, several: bool | None = None, is_drawing: bool = False) -> list[Digit]:
        """Returns the digits in a picture in the form that the run was trained on, in reading order.

        Where that is a whole picture that was only resized, it is the one digit. It is inverted if all training images
        were light on dark and it is dark on light, or the other way round.

        Args:
            picture: Grey, uint8 (height, width).
            several: Whether there may be several digits, or all ink is one. By default there may be several if all of
                the run's classes are digits.
            is_drawing: Whether it is a drawing, dark on white, instead of a photo or scan.

        Raises:
            ValueError: The picture has another form.
        """
        check_grey(picture)
        if self.as_digits:
            several = set(self.classes) <= set(DIGITS) if several is None else several
            return digits_in(picture, several, self.probabilities, is_drawing)
        height, width = picture.shape
        image = resize(torch.from_numpy(picture.copy())[None])  # Pillow's arrays are read-only
        if self.on_white is not None and picture.shape != (SIDE, SIDE) and on_white(image).item() != self.on_white:
            image = 255 - image
        return [Digit((0, 0, width, height), image[0].numpy())]

    def logits(self, images: np.ndarray) -> Tensor:
        """Returns calibrated logits, float32 (n, classes), of images uint8 (n, 28, 28), white on black."""
        if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
            raise ValueError(f"images must be uint8 (n, {SIDE}, {SIDE}), and are {images.dtype} {images.shape}")
        return logits_of(self.network, torch.from_numpy(np.ascontiguousarray(images))) / self.temperature

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Returns class probabilities, float32 (n, classes), of images uint8 (n, 28, 28), white on black."""
        return self.logits(images).softmax(1).numpy()

    def labels(self, probabilities: np.ndarray) -> list[str | None]:
        """Returns the most probable class of each row of (n, classes), or None if it is below the threshold."""
        return [self.classes[row.argmax()] if row.max() >= self.threshold else None for row in probabilities]

    def evidence(self, images: np.ndarray) -> np.ndarray:
        """Returns how much each pixel speaks for the most probable class: float32 of the shape of ``images``.

        The logit's gradient times the pixel: positive speaks for the class, negative against it (Shrikumar et al.
        2016, arXiv:1605.01713).

        Args:
            images: uint8 (..., 28, 28), white on black.
        """
        pixels = (torch.from_numpy(np.ascontiguousarray(images)).reshape(-1, 784) / 255).requires_grad_()
        highest = self.network(pixels).amax(1) / self.temperature
        (gradient,) = torch.autograd.grad(highest.sum(), pixels)
        return (gradient * pixels).detach().numpy().reshape(images.shape)


def finished_runs(outputs: Path) -> dict[Path, Metrics]:
    """Returns the runs below a folder that can be read with, the newest first, and their metrics."""
    folders = [path.parents[1] for path in outputs.rglob("checkpoints/best.ckpt")]
    runs = ((folder, RunFolder(folder).metrics) for folder in sorted(folders, reverse=True))
    return {folder: metrics for folder, metrics in runs if metrics}


def best_run(outputs: Path) -> Path:
    """Returns the run below a folder with the highest validation accuracy on MNIST, or else on other digits.

    Raises:
        InputError: There is none.
    """
    digits = [run for run in finished_runs(outputs).items() if reads_digits(*run)]
    if not digits:
        raise InputError(f"no finished run below {outputs}: python train.py experiment=handwriting trains one")
    return max(digits, key=lambda run: (run[1].data == "mnist", run[1].val_accuracy or 0))[0]


def reads_digits(folder: Path, metrics: Metrics) -> bool:
    """Returns whether the run's classes are the ten digits, and it did not learn from whole pictures."""
    if metrics.data != "folder":
        return metrics.data == "mnist" or metrics.classes == DIGITS
    return metrics.classes == DIGITS and not learned_from_whole_pictures(RunFolder(folder))


def learned_from_whole_pictures(folder: RunFolder) -> bool:
    """Returns whether the config, if there is one, says that the run's pictures were only resized."""
    data: Any = None
    with suppress(InputError):
        data = folder.config.get("data")
    return isinstance(data, dict) and data.get("as_digits") is False


def trained_network(checkpoint: dict[str, Any]) -> nn.Module:
    """Returns the network of a checkpoint in evaluation mode, with the average of its weights if there is one.

    Raises:
        InputError: The network's class is none that may be constructed.
    """
    model = nested(settings_of(checkpoint)).get("model", {})
    target = str(model.pop("_target_", MLP_TARGET))
    if target.endswith(".MLP") and not target.startswith("mnist_mlp.own."):  # older runs name the module it was in
        target = MLP_TARGET
    check_target("model._target_", target)
    weights = trained_weights(checkpoint)
    classes = checkpoint.get("classes") or len(next(reversed(weights.values())))  # older runs do not say
    network = imported(target)(**model, num_classes=classes)
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)
