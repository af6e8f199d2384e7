"""Fixtures that several tests share: small real data in MNIST's format, a run trained on it, and the real MNIST."""

import os
import random
import shutil
import tempfile
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # torch reads it when imported: tests side by side would wait for each other
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")  # as the package sets it when it is imported before torch
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # otherwise onnxruntime writes into the home

import pytest
from support.commands import composed, write_idx
from support.runs import TrainedRun, trained_on

from mnist_mlp.data import datasets, module

NO_REAL_MNIST = "set MNIST_ROOT to the folder that holds MNIST/raw/*-ubyte"


def pytest_configure(config: pytest.Config) -> None:
    config.hypothesis_home = tempfile.TemporaryDirectory()  # gone with the tests; otherwise .hypothesis stays
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = config.hypothesis_home.name
    if config.getoption("--slow"):
        os.environ.setdefault("SEED", str(random.randrange(2**32)))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests that take minutes; random seeds")


def pytest_terminal_summary(terminalreporter) -> None:
    if "SEED" in os.environ:
        terminalreporter.write_line(f"SEED={os.environ['SEED']} repeats the bad inputs and the kills")


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


@pytest.fixture(scope="session")
def small_mnist(tmp_path_factory) -> Path:
    """A small data set in MNIST's layout, only to be read: 640 of scikit-learn's digits to train on, 200 to test."""
    digits = datasets.read("digits", None).train
    root = tmp_path_factory.mktemp("small_mnist")
    raw = root / "MNIST/raw"
    raw.mkdir(parents=True)
    for name, part in (("train", slice(0, 640)), ("t10k", slice(640, 840))):
        write_idx(raw / f"{name}-images-idx3-ubyte", digits.images[part])
        write_idx(raw / f"{name}-labels-idx1-ubyte", digits.labels[part])
    return root


@pytest.fixture
def mnist_root(small_mnist, tmp_path: Path) -> Path:
    """A copy of the small data set, which a test may damage or move."""
    return Path(shutil.copytree(small_mnist, tmp_path / "root"))


@pytest.fixture(scope="session")
def trained_run(small_mnist, tmp_path_factory) -> TrainedRun:
    """A run that was trained on the small data set, only to be read."""
    settings = ["model.hidden_sizes=[64,32]", "model.batch_norm=true", "average=ema", "average.decay=0.9"]
    settings += [f"data.root={small_mnist}", "data.batch_size=32", "trainer=cpu", "trainer.max_epochs=8"]
    return trained_on(composed(*settings), tmp_path_factory.mktemp("trained") / "run")


@pytest.fixture
def few_drawings(monkeypatch) -> None:
    """Makes drawings that are no digits quickly: the usual 5,000 take seconds."""
    monkeypatch.setattr(module, "DRAWINGS", 200)


@pytest.fixture
def no_pictures(monkeypatch) -> None:
    """Draws nothing of a run, which takes longer than a short training."""
    from mnist_mlp.training import run as training  # imports Lightning

    for name in ("begin", "show", "show_test", "finish"):
        monkeypatch.setattr(training.Dashboard, name, lambda *_: None)
    monkeypatch.setattr(training.History, "draw", lambda _: None)
