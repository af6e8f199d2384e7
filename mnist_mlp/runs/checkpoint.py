"""Checkpoints: reading one without running code in it, and the settings it keeps."""

import ast
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import torch

from mnist_mlp.errors import InputError
from mnist_mlp.runs.settings import first_difference


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Returns a checkpoint as Lightning saves it, on the CPU.

    Raises:
        InputError: The file is missing, or not a complete checkpoint of tensors and plain values. Code in a file is
            never run.
    """
    try:
        with ZipFile(path) as file:  # as torch writes it; torch does not compare the checksums
            if damaged := file.testzip():
                raise ValueError(damaged)
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        parts = checkpoint["callbacks"], checkpoint["state_dict"], checkpoint.get("hyper_parameters", {})
        if not all(isinstance(part, dict) for part in parts):
            raise TypeError
        return checkpoint
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except Exception as error:  # a file of any content raises errors of many types
        raise InputError(f"{path}: damaged, or not a checkpoint (nothing in it was run)") from error


def settings_of(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Returns the run's settings by dotted keys; empty for a checkpoint that keeps none."""
    if "hyper_parameters" in checkpoint:
        return checkpoint["hyper_parameters"]
    texts = checkpoint["callbacks"].get("LastAndBest", {}).get("settings", {})  # version 0.1.0 kept text
    return {key: _value(text) for key, text in texts.items()}


def trained_weights(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Returns the network's weights, or the average of them if one was kept, by their names in the network."""
    weights = checkpoint["state_dict"]
    prefix = "average.module." if "average.n_averaged" in weights else "network."
    return {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}


def _value(text: str) -> Any:
    """Returns what ``str`` was given: not by YAML, which takes 5e-05 for text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def check_settings(path: Path, checkpoint: dict[str, Any], settings: dict[str, Any]) -> None:
    """Raises InputError naming the first of ``settings`` that differs from those of the checkpoint's run."""
    before = settings_of(checkpoint)
    if before and (key := first_difference(before, settings)):
        raise InputError(
            f"{path}: its run has {key}={before.get(key)}, not {settings.get(key)}; a run is continued as it was begun"
            " (docs/resume.md says what may change)"
        )
