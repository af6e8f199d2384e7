"""Every optimizer and schedule of torch trains, is resumed bit for bit, and is read."""

from pathlib import Path

import pytest
import torch
from support.commands import composed

from mnist_mlp.command.settings import check
from mnist_mlp.errors import InputError
from mnist_mlp.reader import Reader
from mnist_mlp.training import run as training

TINY = ["data=digits", "model=mlp", "model.hidden_sizes=[8]", "data.batch_size=64", "trainer=cpu"]
NEED_MORE = {"LBFGS": "goes through each batch several times", "SparseAdam": "needs sparse gradients"}
NEED_MORE |= {"Muon": "Muon only supports 2D parameters", "Optimizer": "optimizer.defaults is missing"}
OPTIMIZERS = [name for name, kind in vars(torch.optim).items() if isinstance(kind, type)]
STEPLR = "{_target_: torch.optim.lr_scheduler.StepLR, _partial_: true, step_size: 1}"
CONSTANT = "{_target_: torch.optim.lr_scheduler.ConstantLR, _partial_: true, total_iters: 5}"
ARGUMENTS = {
    "MultiplicativeLR": None,  # needs a function: docs/extending.md has one's own
    "LambdaLR": None,
    "StepLR": "+scheduler.step_size=1",
    "MultiStepLR": "+scheduler.milestones=[1]",
    "ConstantLR": "+scheduler.total_iters=5",
    "LinearLR": "+scheduler.total_iters=5",
    "ExponentialLR": "+scheduler.gamma=0.5",
    "PolynomialLR": "+scheduler.total_iters=3",
    "CosineAnnealingLR": "+scheduler.T_max=3",
    "CosineAnnealingWarmRestarts": "+scheduler.T_0=3",
    "ReduceLROnPlateau": "+scheduler.patience=0 +scheduler.threshold=0.9",
    "CyclicLR": "+scheduler.base_lr=0.01 +scheduler.max_lr=0.1 +scheduler.step_size_up=3 +scheduler.interval=step",
    "OneCycleLR": "+scheduler.max_lr=0.1 +scheduler.total_steps=100 +scheduler.interval=step",
    "ChainedScheduler": f"'+scheduler.schedulers=[{STEPLR},{CONSTANT}]'",
    "SequentialLR": f"'+scheduler.schedulers=[{STEPLR},{CONSTANT}]' +scheduler.milestones=[1]",
}
OURS = ["cosine", "one_cycle", "warmup_cosine", "step", "plateau"]


pytestmark = pytest.mark.usefixtures("no_pictures")


def train(folder: Path, *overrides: str, epochs: int = 2) -> dict:
    config = composed(*TINY, *overrides, f"trainer.max_epochs={epochs}")
    check(config)
    training.train(config, folder)
    return torch.load(folder / "checkpoints/last.ckpt", weights_only=True)


def assert_resumes_exactly(folder: Path, *overrides: str) -> None:
    """Two epochs are one epoch and another, after a resume."""
    whole = train(folder / "whole", *overrides)
    train(folder / "parts", *overrides, epochs=1)
    parts = train(folder / "parts", *overrides, f"checkpoint={folder}/parts/checkpoints/last.ckpt")
    assert (folder / "whole/metrics.csv").read_text() == (folder / "parts/metrics.csv").read_text()
    assert str(parts["lr_schedulers"]) == str(whole["lr_schedulers"])
    for name in ("state_dict", "optimizer_states"):
        torch.testing.assert_close(parts[name], whole[name], rtol=0, atol=0, equal_nan=True)
    assert Reader(folder / "parts").network(torch.zeros(1, 784)).shape == (1, 10)


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n != "NAdam")) for n in OPTIMIZERS])
def test_every_optimizer_of_torch(tmp_path, name):
    overrides = [
        "optimizer=sgd",
        "~optimizer.momentum",
        "~optimizer.weight_decay",
        f"optimizer._target_=torch.optim.{name}",
    ]
    if name in NEED_MORE:
        with pytest.raises(InputError, match=NEED_MORE[name]):
            train(tmp_path, *overrides)
        assert not list(tmp_path.rglob("*.ckpt"))
    else:
        assert_resumes_exactly(tmp_path, *overrides)


QUICK = {"StepLR", "ReduceLROnPlateau"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in QUICK)) for n in ARGUMENTS])
def test_every_schedule_of_torch(tmp_path, name):
    if ARGUMENTS[name] is None:
        pytest.skip("needs a function")
    arguments = [part.strip("'") for part in ARGUMENTS[name].split(" +")]
    arguments = [part if part.startswith("+") else f"+{part}" for part in arguments]
    scheduler = f"scheduler._target_=torch.optim.lr_scheduler.{name}"
    assert_resumes_exactly(tmp_path, "scheduler=cosine", scheduler, *arguments)
    first = torch.load(tmp_path / "whole/checkpoints/last.ckpt", weights_only=True)["optimizer_states"][0]
    assert first["param_groups"][0]["lr"] != 0.001


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name != "plateau")) for name in OURS])
@pytest.mark.parametrize("steps", ["blocks", "single batches"])
def test_schedules_of_this_project(tmp_path, name, steps):
    block = ["data.block_size=1"] if steps == "single batches" else []
    whole = train(tmp_path / "whole", f"scheduler={name}", *block)
    assert whole["lr_schedulers"]
    if name in ("step", "plateau"):
        assert_resumes_exactly(tmp_path, f"scheduler={name}", *block)


def test_no_schedule_of_torch_is_forgotten():
    there = {name for name in torch.optim.lr_scheduler.__all__ if name != "LRScheduler"}
    assert there == ARGUMENTS.keys()


def test_what_cannot_be_read_back_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(training.History, "state_dict", lambda self: {"rows": self.rows, "seconds": Path("x")})
    with pytest.raises(InputError, match="could not be read back: its callbacks hold pathlib"):
        train(tmp_path)
    assert not list(tmp_path.rglob("*.ckpt"))
