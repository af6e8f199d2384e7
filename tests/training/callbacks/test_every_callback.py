"""Lightning's own callbacks train, are resumed and read, or are refused by name with the reason."""

import re
from importlib.util import find_spec
from pathlib import Path

import lightning.pytorch.callbacks
import pytest
import torch
from support.commands import composed

from mnist_mlp.command.settings import check
from mnist_mlp.components.refused import CALLBACKS as REFUSED
from mnist_mlp.errors import InputError
from mnist_mlp.reader import Reader
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.training import run as training

pytestmark = pytest.mark.usefixtures("no_pictures")
TINY = ["data=digits", "model=mlp", "model.hidden_sizes=[8]", "data.batch_size=64", "trainer=cpu"]
ARGUMENTS = {
    "EarlyStopping": ["monitor=val_loss"],
    "GradientAccumulationScheduler": ["scheduling={0:3}"],
    "LearningRateMonitor": [],
    "ModelCheckpoint": ["monitor=val_loss"],
    "ModelSummary": [],
    "OnExceptionCheckpoint": ["dirpath=FOLDER"],
    "RichModelSummary": [],
    "RichProgressBar": [],
    "TQDMProgressBar": [],
    "Timer": ["duration=00:01:00:00"],
}
NEED_MORE = {  # and what is missing here
    "ThroughputMonitor": "callbacks.mine.batch_size_fn is missing",
    "DeviceStatsMonitor": "psutil",
}


def train(folder: Path, name: str, epochs: int = 2, *overrides: str) -> RunFolder:
    mine = [f"_target_=lightning.pytorch.callbacks.{name}", *ARGUMENTS.get(name, [])]
    typed = [f"+callbacks.mine.{argument.replace('FOLDER', str(folder))}" for argument in mine]
    config = composed(*TINY, *typed, *overrides, f"trainer.max_epochs={epochs}")
    check(config)
    training.train(config, folder)
    return RunFolder(folder)


def test_each_is_known_here():
    assert {*ARGUMENTS, *NEED_MORE, *REFUSED} == set(lightning.pytorch.callbacks.__all__) | {"LambdaCallback"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ARGUMENTS)
def test_trains_is_resumed_exactly_and_read(tmp_path, name):
    whole = train(tmp_path / "whole", name)
    parts = train(tmp_path / "parts", name, 1)
    train(tmp_path / "parts", name, 2, f"checkpoint={parts.last}")
    assert len(whole.rows) == 2
    assert whole.metrics_csv.read_text() == parts.metrics_csv.read_text()
    assert Reader(parts.path).network(torch.zeros(1, 784)).shape == (1, 10)


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_by_name(tmp_path, name):
    with pytest.raises(InputError, match=re.escape(f".{name}: {REFUSED[name]}")):
        train(tmp_path, name)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", NEED_MORE)
def test_what_is_missing_is_named(tmp_path, name):
    if name == "DeviceStatsMonitor" and find_spec("psutil"):
        pytest.skip("psutil is there")
    with pytest.raises(InputError, match=NEED_MORE[name]):
        train(tmp_path, name)


def test_gradients_are_accumulated_as_scheduled(tmp_path):
    steps = torch.load(train(tmp_path, "GradientAccumulationScheduler").last, weights_only=True)["global_step"]
    assert steps == 2 * 6  # of 18 batches an epoch
