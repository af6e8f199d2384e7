"""The one evaluation of a trained network: once over what it is calibrated on, once over the test images."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn
from torchmetrics.functional.classification import multiclass_calibration_error

from mnist_mlp.data.batches import logits_of
from mnist_mlp.data.module import DigitsDataModule
from mnist_mlp.errors import InputError
from mnist_mlp.training.calibration import best_threshold, fit_temperature, fit_threshold


class Evaluation(NamedTuple):
    """What a trained network reaches.

    Attributes:
        accuracy: Fraction of the test images classified correctly.
        loss: Mean loss over the test images.
        calibration_error: Expected calibration error of the calibrated probabilities on the test images, 15 bins.
        temperature: Fitted on the images to calibrate on.
        threshold: Of probability, fitted on them and on drawings of no digit, if there are any.
        test_logits: float32 (n, classes), on the CPU, not calibrated.
        others: Further scores on the test images, by name.
    """

    accuracy: float
    loss: float
    calibration_error: float
    temperature: float
    threshold: float
    test_logits: Tensor
    others: dict[str, float]


def evaluate(
    network: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    data: DigitsDataModule,
    metrics: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Evaluates a network in plain torch, after moving it to the CPU and to float32 whatever it was trained in.

    Raises:
        InputError: The network gives numbers that are not finite, with which nothing can be measured.
    """
    network = network.cpu().float().eval()
    images, labels, others = data.calibration()
    logits = finite_logits_of(network, images)
    temperature = fit_temperature(logits, labels)
    probabilities = (logits / temperature).softmax(1)
    if len(others):
        unsure = (finite_logits_of(network, others) / temperature).softmax(1)
        threshold = best_threshold(probabilities, unsure, data.outliers)
    else:
        threshold = fit_threshold(probabilities)

    images, labels = data.parts["test"]
    logits = finite_logits_of(network, images)
    probabilities = (logits / temperature).softmax(1)
    return Evaluation(
        accuracy=(logits.argmax(1) == labels).double().mean().item(),
        loss=loss(logits, labels).item(),
        calibration_error=multiclass_calibration_error(probabilities, labels, logits.shape[1]).item(),
        temperature=temperature,
        threshold=threshold,
        test_logits=logits,
        others={name: metric.clone().cpu()(logits, labels).item() for name, metric in (metrics or {}).items()},
    )


def finite_logits_of(network: nn.Module, images: Tensor) -> Tensor:
    """Returns the logits, (n, classes), of images uint8 (n, 784). Raises InputError if one is not finite."""
    logits = logits_of(network, images)
    if not logits.isfinite().all():
        raise InputError("the network of the best epoch gives nan or inf for some images: try a smaller optimizer.lr")
    return logits
