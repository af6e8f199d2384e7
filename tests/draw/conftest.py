"""What the tests in a browser share: a run to read with, and Chromium."""

import os
from pathlib import Path

import pytest
from support.commands import train_py


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    if "MNIST_MLP_RUN" in os.environ:
        return Path(os.environ["MNIST_MLP_RUN"]).resolve()
    if "MNIST_ROOT" not in os.environ:
        pytest.skip("set MNIST_MLP_RUN to a run to read with, or MNIST_ROOT to train one")
    folder = tmp_path_factory.mktemp("run")
    settings = ["experiment=record", "average=none", "trainer.max_epochs=6", f"hydra.run.dir={folder}"]
    train_py(folder, *settings, MNIST_ROOT=str(Path(os.environ["MNIST_ROOT"]).resolve())).check_returncode()
    return folder


@pytest.fixture(scope="module")
def chromium():
    from support.browser import launch, playwright  # skips the tests without it

    with playwright.sync_playwright() as driver:
        browser = launch(driver)
        yield browser
        browser.close()
