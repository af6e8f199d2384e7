"""The weights that a training starts from: those of another run."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mnist_mlp.data.batches import logits_of
from mnist_mlp.data.splits import DIGITS
from mnist_mlp.errors import InputError, listed
from mnist_mlp.pictures.digits import Probabilities
from mnist_mlp.runs.checkpoint import read_checkpoint, settings_of, trained_weights
from mnist_mlp.runs.folder import folder_of
from mnist_mlp.runs.metrics import Metrics
from mnist_mlp.runs.settings import first_difference


def start_from(run: Path, network: nn.Module, classes: list[str], settings: dict[str, Any]) -> list[str]:
    """Gives a network the weights of a run, and returns the names of the classes that the run does not know.

    For these the network keeps its own rows of the last layer.

    Args:
        run: A run folder or a checkpoint.
        network: A new network, changed in place.
        classes: The names of its classes.
        settings: Its settings, with keys such as ``model.activation``; if there are none, shapes alone must fit.

    Raises:
        InputError: The run is missing or damaged, or has another model.
    """
    folder = folder_of(run)
    path = folder.best if run.is_dir() else run
    checkpoint = read_checkpoint(path)
    before, now = (relevant(values) for values in (settings_of(checkpoint), settings))
    if before and now and (key := first_difference(before, now)):
        raise InputError(
            f"init={run}: its model has {key}={before.get(key)}, not {now.get(key)}: another architecture's weights"
            " are of no use; leave the model out, and it is the run's"
        )
    weights, metrics = trained_weights(checkpoint), folder.read_metrics()
    try:
        known = metrics.classes if metrics and metrics.classes else default_classes(weights)
        fill(network, weights, classes, known)
    except (ValueError, AttributeError, TypeError, IndexError) as error:
        raise InputError(f"init={run}: {path} does not hold the weights of such a model ({error})") from error
    return [name for name in classes if name not in known]


def probabilities_of(run: Path, network: nn.Module, settings: dict[str, Any]) -> Probabilities | None:
    """Returns what a run makes of images, calibrated; None if its classes are not the digits.

    Args:
        run: A run folder or a checkpoint.
        network: A new network of ten classes, which is given the run's weights.
        settings: Its settings.

    Raises:
        InputError: The run is missing or damaged, or has another model.
    """
    unknown = start_from(run, network.eval(), DIGITS, settings)
    temperature = (folder_of(run).read_metrics() or Metrics).temperature

    def probabilities(images: np.ndarray) -> np.ndarray:
        return (logits_of(network, torch.from_numpy(images)) / temperature).softmax(1).numpy()

    return None if unknown else probabilities


def relevant(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings that the weights depend on: dropout may be another."""
    return {key: value for key, value in settings.items() if key.startswith("model.") and key != "model.dropout"}


def default_classes(weights: dict[str, Any]) -> list[str]:
    """Returns the names of a run's classes where nothing says them: numbers."""
    return [str(number) for number in range(len(list(weights.values())[-1]))]


@torch.no_grad()
def fill(network: nn.Module, weights: dict[str, Any], classes: list[str], known: list[str]) -> None:
    """Copies weights into a network in their order: dropout changes names. Of the last layer, row by class.

    Raises:
        ValueError: They do not fit.
    """
    own = network.state_dict()
    last = last_layer(network)
    rows = [(place, known.index(name)) for place, name in enumerate(classes) if name in known]
    new, old = torch.tensor(rows, dtype=torch.long).view(-1, 2).unbind(1)
    if len(own) != len(weights):
        raise ValueError(f"{len(weights)} tensors instead of {len(own)}")
    for (name, tensor), saved in zip(own.items(), weights.values()):
        is_last = name.rpartition(".")[0] == last
        shape = (len(known), *tensor.shape[1:]) if is_last else tensor.shape
        if saved.shape != shape:
            raise ValueError(f"{name}: {tuple(saved.shape)} instead of {tuple(shape)}")
        if is_last:
            tensor[new] = saved[old].to(tensor)
        else:
            tensor.copy_(saved)


def last_layer(network: nn.Module) -> str:
    """Returns the name of the last layer that has parameters."""
    names: list[tuple[str, Tensor]] = list(network.named_parameters())  # pyright: ignore
    return names[-1][0].rpartition(".")[0]


def in_words(run: Path, classes: list[str], unknown: list[str]) -> str:
    """Returns what a training prints of a run that it starts from."""
    if not unknown:
        return f"starts from {run}"
    if unknown == classes:
        return f"starts from {run}; its classes are others, so the last layer is new"
    return f"starts from {run}; it does not know {listed(unknown)}, so these have new weights in the last layer"
