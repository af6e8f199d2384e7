"""Run folders as training leaves them, most of them without a training."""

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from mnist_mlp.runs.atomic import replacing, write_text
from mnist_mlp.runs.folder import Row, RunFolder
from mnist_mlp.runs.metrics import Metrics

SCORES = {"test_accuracy": 0.9, "test_loss": 0.3, "val_accuracy": 0.9, "fit_seconds": 1.0}


def save_run(
    path: Path,
    checkpoint: dict[str, Any] | None = None,
    *,
    overrides: Sequence[str] = (),
    config: dict[str, Any] | None = None,
    choices: dict[str, str] | None = None,
    rows: Sequence[Row] = (),
    error: str | None = None,
    finished: bool = True,
    **metrics: object,
) -> RunFolder:
    """Writes a run folder, over what was there before.

    Args:
        path: The folder.
        checkpoint: The content of best.ckpt and last.ckpt. None writes neither.
        overrides: What was typed.
        config: The composed config.
        choices: The option chosen of each config group.
        rows: The rows of metrics.csv. Without any there is no such file.
        error: Why the run failed. None writes no error.txt.
        finished: Whether there is a metrics.json.
        metrics: Fields of ``Metrics``, right or wrong, that differ from ``SCORES``.
    """
    run = RunFolder(path)
    hydra = {"hydra": {"runtime": {"choices": choices or {}}}}
    write_text(run.overrides_yaml, yaml.safe_dump(list(overrides)))
    write_text(run.config_yaml, yaml.safe_dump(config or {}))
    write_text(run.config_yaml.with_name("hydra.yaml"), yaml.safe_dump(hydra))
    for file in (run.best, run.last) if checkpoint is not None else ():
        with replacing(file) as new:
            torch.save(checkpoint, new)
    if rows:
        run.write_rows(list(rows))
    if error is not None:
        write_text(run.error_file, error)
    if finished:
        write_text(run.metrics_json, json.dumps(SCORES | metrics))
    return run


def checkpoint_of(network: nn.Module, average: nn.Module | None = None, **settings: object) -> dict[str, Any]:
    """Returns a checkpoint as training saves it.

    Args:
        network: What was trained.
        average: The average of its weights, if one was kept.
        settings: The settings of the model, such as ``hidden_sizes``.
    """
    weights = prefixed(network, "network.")
    if average is not None:
        weights |= prefixed(average, "average.module.") | {"average.n_averaged": torch.tensor(3)}
    settings = {f"model.{name}": value for name, value in settings.items()}
    return {"state_dict": weights, "callbacks": {}, "hyper_parameters": settings}


def prefixed(network: nn.Module, prefix: str) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in network.state_dict().items()}


def perceptron(weights: Tensor | None = None, seed: int = 0) -> dict[str, Any]:
    """Returns the checkpoint of one layer without hidden ones.

    Args:
        weights: float32 (classes, 784); by default random numbers, for ten classes. All biases are 1.
        seed: Of the random numbers.
    """
    random = torch.Generator().manual_seed(seed)
    weights = torch.randn(10, 784, generator=random) if weights is None else weights
    layer = nn.Linear(784, len(weights))
    layer.weight.data, layer.bias.data = weights, torch.ones(len(weights))
    return checkpoint_of(nn.Sequential(layer), hidden_sizes=[])


class TrainedRun(NamedTuple):
    """A run that was trained: its folder, its config, what it reached, and what it printed on stdout."""

    folder: RunFolder
    config: DictConfig
    metrics: Metrics
    output: str


def trained_on(config: DictConfig, path: Path) -> TrainedRun:
    """Trains in ``path``, and writes the config there as Hydra does."""
    from mnist_mlp.training import run as training  # takes seconds, which most users of this module do not need

    run = RunFolder(path)
    write_text(run.config_yaml, OmegaConf.to_yaml(config))
    with redirect_stdout(io.StringIO()) as output:
        metrics = training.train(config, path)
    return TrainedRun(run, config, metrics, output.getvalue())
