"""Run folders without a training, and the config of a sweep."""

import copy

import pytest
from hydra import compose, initialize_config_dir
from support.commands import PROJECT
from support.runs import save_run

from mnist_mlp.command.typed import plain

CONFIG = {
    "model": {"dropout": 0.3, "hidden_sizes": [128, 128]},
    "optimizer": {"lr": 0.001},
    "data": {"batch_size": 128},
    "trainer": {"max_epochs": 5},
    "seed": 0,
    "checkpoint": None,
}
ROWS = [
    {
        "epoch": epoch,
        "train_loss": 2 / epoch,
        "train_accuracy": 0.8 + epoch / 100,
        "val_loss": 1 / epoch,
        "val_accuracy": 0.79 + epoch / 100,
        "lr": 0.1,
    }
    for epoch in range(1, 13)
]


@pytest.fixture
def add_run(tmp_path):
    """Writes the folder of a run with these overrides. Without a test accuracy the run is not finished."""

    def write(test_accuracy=None, error=None, sweep="sweep", choices=None, warning=None, **overrides):
        overrides = {key.replace("__", "."): value for key, value in overrides.items()}
        typed = [f"{key}={value}" for key, value in overrides.items()]
        config = copy.deepcopy(CONFIG)
        for key, value in overrides.items():
            group, _, name = key.partition(".")
            if name:
                config[group][name] = value
            elif key == "seed":
                config[key] = value
        scores = {"test_loss": 0.1, "fit_seconds": 2.0, "warning": warning}
        if test_accuracy is not None:
            scores |= {"test_accuracy": test_accuracy, "val_accuracy": test_accuracy - 0.01}
        return save_run(
            tmp_path / sweep / ",".join(typed),
            overrides=typed,
            config=config,
            choices={"optimizer": "adam"} | (choices or {}),
            rows=ROWS if test_accuracy is not None else (),
            error=error,
            finished=test_accuracy is not None,
            **scores,
        )

    return write


@pytest.fixture
def multirun():
    """Composes the config of a sweep, Hydra's own settings included."""

    def composed(*overrides):
        with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
            return compose("config", [plain(word) for word in overrides], return_hydra_config=True)

    return composed
