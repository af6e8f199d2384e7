"""What several tests need: small real data in MNIST's format, composed configs, and train.py as a person runs it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = (
    "1"  # of torch, which tests side by side would otherwise wait for; before it is imported
)

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from mnist_mlp import datasets

PROJECT = Path(__file__).parents[1]
NO_REAL_MNIST = "set MNIST_ROOT to the folder that holds MNIST/raw/*-ubyte"


def pytest_configure(config: pytest.Config) -> None:
    config.hypothesis_home = tempfile.TemporaryDirectory()  # gone with the tests; otherwise .hypothesis stays
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = config.hypothesis_home.name


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --slow"))


@pytest.fixture
def real_mnist() -> Path:
    """The folder of the real MNIST."""
    if "MNIST_ROOT" not in os.environ:
        pytest.skip(NO_REAL_MNIST)
    return Path(os.environ["MNIST_ROOT"]).resolve()


def write_idx(path: Path, values: torch.Tensor) -> None:
    header = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    path.write_bytes(header + values.to(torch.uint8).numpy().tobytes())


@pytest.fixture
def mnist_root(tmp_path: Path) -> Path:
    """A small data set in MNIST's layout: 640 of scikit-learn's digits to train on, 200 to test."""
    digits = datasets.read("digits", None).train
    raw = tmp_path / "root/MNIST/raw"
    raw.mkdir(parents=True)
    for name, part in (("train", slice(0, 640)), ("t10k", slice(640, 840))):
        write_idx(raw / f"{name}-images-idx3-ubyte", digits.images[part])
        write_idx(raw / f"{name}-labels-idx1-ubyte", digits.labels[part])
    return tmp_path / "root"


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
