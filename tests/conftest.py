"""Fixtures that several tests share: small real data in MNIST's format, and the real MNIST."""

import os
import tempfile
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = (
    "1"  # of torch, which tests side by side would otherwise wait for; before it is imported
)

import pytest
from support.commands import write_idx

from mnist_mlp.data import datasets

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
