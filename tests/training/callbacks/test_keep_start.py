"""Some of the weights that a training starts from stay in those that it ends with."""

import pytest
import torch
from support.commands import composed

from mnist_mlp.command.settings import check
from mnist_mlp.errors import InputError
from mnist_mlp.reader import Reader
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.training import run as training

pytestmark = pytest.mark.usefixtures("no_pictures")
TINY = [
    "data=digits",
    "model=mlp",
    "model.hidden_sizes=[8]",
    "data.batch_size=64",
    "trainer=cpu",
    "model.batch_norm=true",
]


def train(folder, *settings):
    training.train(composed(*TINY, *settings), folder)
    return Reader(folder).network.state_dict()


@pytest.fixture
def start(tmp_path):
    return train(tmp_path / "start", "trainer.max_epochs=1")


@pytest.mark.parametrize("average", ["none", "ema"])
def test_the_weights_lie_between_those_of_the_start_and_the_learned_ones(tmp_path, start, average):
    settings = [f"init={tmp_path}/start", f"average={average}", "trainer.max_epochs=2"]
    learned, kept = (train(tmp_path / share, *settings, f"init_share={share}") for share in ("0", "0.25"))
    for name, weight in kept.items():
        if weight.is_floating_point():
            torch.testing.assert_close(weight, 0.25 * start[name] + 0.75 * learned[name])
    row = RunFolder(tmp_path / "0.25").read_metrics()
    assert row.val_accuracy != RunFolder(tmp_path / "0").read_metrics().val_accuracy  # what is kept is validated


def test_a_training_that_ends_before_its_last_epoch_says_that_it_keeps_nothing(tmp_path, start, capsys):
    train(tmp_path / "run", f"init={tmp_path}/start", "init_share=0.2", "trainer.max_epochs=3", "+trainer.max_steps=20")
    assert "init_share=0.2: training ended without a validation of its last epoch" in capsys.readouterr().err


def test_it_needs_a_run():
    with pytest.raises(InputError, match=r"^init_share=0.2: of no effect without init=RUN"):
        check(composed(*TINY, "init_share=0.2"))
