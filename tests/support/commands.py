"""Composed configs, and train.py as a person runs it."""

import os
import subprocess
import sys
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

PROJECT = Path(__file__).parents[2]


def write_idx(path: Path, values: torch.Tensor) -> None:
    header = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    path.write_bytes(header + values.to(torch.uint8).numpy().tobytes())


def composed(*overrides: object) -> DictConfig:
    """The config that ``python train.py OVERRIDES`` would train."""
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        return compose("config", overrides=[str(override) for override in overrides])


def train_py(folder: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """Runs ``python train.py ARGUMENTS`` in ``folder``."""
    command = [sys.executable, str(PROJECT / "train.py"), *map(str, arguments)]
    inherited = {name: value for name, value in os.environ.items() if name != "MNIST_ROOT"}
    return subprocess.run(command, cwd=folder, env=inherited | environment, capture_output=True, text=True, timeout=300)


def assert_one_error_line(result: subprocess.CompletedProcess, *parts: str) -> None:
    """The run failed, said why in one line on stderr that holds ``parts``, and showed no traceback."""
    assert result.returncode == 2, result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in last
