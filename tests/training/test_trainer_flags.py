"""Lightning's own settings: each has the effect that its manual promises, or is refused in one line before training."""

import random
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from omegaconf import DictConfig
from support.commands import composed

from mnist_mlp.command.settings import check
from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.training import run as training

pytestmark = pytest.mark.usefixtures("no_pictures")
TINY = ["data=digits", "model=mlp", "model.hidden_sizes=[8]", "trainer=cpu", "trainer.max_epochs=2"]
BATCHES = 9  # of 128 in 1,150 images


class Run(NamedTuple):
    """What a training left: its rows, the number of steps of the best epoch's checkpoint, and what it printed."""

    rows: list[dict]
    steps: int
    printed: str
    path: Path


def run_of(folder: Path, capsys, *overrides: str) -> Run:
    config: DictConfig = composed(*TINY, *overrides)
    check(config)
    training.train(config, folder)
    checkpoint = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)
    return Run(RunFolder(folder).rows, checkpoint["global_step"], capsys.readouterr().out, folder)


def is_plain(run: Run) -> bool:
    return "plain Lightning steps, a batch at a time, for trainer." in run.printed


def only_some_validation(run: Run) -> bool:
    return ["val_accuracy" in row for row in run.rows] == [False, True]


# What is typed, and what shows that it had its effect
WORK: dict[str, Any] = {
    "+trainer.fast_dev_run=true": lambda run: (len(run.rows), run.steps) == (1, 1),
    "+trainer.fast_dev_run=3": lambda run: (len(run.rows), run.steps) == (1, 3),
    "+trainer.limit_train_batches=3": lambda run: run.steps == 2 * 3 and is_plain(run),
    "+trainer.limit_train_batches=0.5": lambda run: run.steps == 2 * 4,
    "+trainer.limit_train_batches=1.0": lambda run: run.steps == 2 * BATCHES,
    "+trainer.limit_val_batches=0": lambda run: "val_accuracy" not in run.rows[0] and not is_plain(run),
    "+trainer.limit_val_batches=1": lambda run: "val_accuracy" in run.rows[0],
    "+trainer.max_steps=4": lambda run: (len(run.rows), run.steps) == (1, 4) and "val_accuracy" not in run.rows[0],
    "+trainer.max_steps=13": lambda run: run.steps == BATCHES and "epoch 2 was not finished" in run.printed,
    "+trainer.max_steps=18": lambda run: run.steps == 18 and len(run.rows) == 2,
    "+trainer.max_time=00:00:01:00": lambda run: len(run.rows) == 2 and is_plain(run),
    "+trainer.min_epochs=1": lambda run: len(run.rows) == 2,
    "+trainer.overfit_batches=2": lambda run: run.steps == 4,
    "+trainer.val_check_interval=3": lambda run: "val_accuracy" in run.rows[0] and is_plain(run),
    "+trainer.val_check_interval=0.5": lambda run: is_plain(run),
    "+trainer.check_val_every_n_epoch=2": only_some_validation,
    "+trainer.num_sanity_val_steps=2": lambda run: len(run.rows) == 2,
    "+trainer.accumulate_grad_batches=4": lambda run: run.steps == 2 * 3,
    "+trainer.reload_dataloaders_every_n_epochs=1": lambda run: run.steps == 2 * BATCHES,
    "+trainer.deterministic=true": lambda run: torch.are_deterministic_algorithms_enabled(),
    "+trainer.benchmark=true": lambda run: torch.backends.cudnn.benchmark,
    "+trainer.inference_mode=false": lambda run: len(run.rows) == 2,
    "+trainer.detect_anomaly=true": is_plain,
    "+trainer.log_every_n_steps=1": is_plain,
    "+trainer.profiler=simple": lambda run: "run_training_epoch" in next(run.path.glob("*profile*")).read_text(),
    "+trainer.enable_progress_bar=false": lambda run: len(run.rows) == 2,
    "+trainer.enable_model_summary=false": lambda run: "parameters" not in run.printed,
    "trainer.precision=bf16-true": is_plain,
    "trainer.precision=16-true": is_plain,
    "trainer.precision=64-true": is_plain,
    "trainer.precision=bf16-mixed": lambda run: not is_plain(run),
    "trainer.gradient_clip_val=0.5": lambda run: not is_plain(run),
    "trainer.gradient_clip_val=0.5 +trainer.gradient_clip_algorithm=value": is_plain,
    "trainer.strategy=ddp": is_plain,
}
REFUSED = {
    "+trainer.barebones=true": "trainer.barebones=True: it forbids",
    "+trainer.callbacks=[]": "the group callbacks",
    "+trainer.plugins=[]": "set here",
    "+trainer.enable_checkpointing=false": "best epoch's checkpoint",
    "+trainer.default_root_dir=x": "hydra.run.dir",
    "+trainer.use_distributed_sampler=false": "its part of every batch",
    "+trainer.limit_train_batches=0": "nothing would be trained",
    "+trainer.limit_test_batches=1": "all test images",
    "+trainer.limit_predict_batches=1": "predicts nothing",
    "+trainer.gradient_clip_algorithm=value": "without trainer.gradient_clip_val",
    "+trainer.val_check_interval=100": "trainer: `val_check_interval` (100) must be less than or equal",
    "+trainer.limit_train_batches=0.05": "0.05 * 9 < 1",
    "+trainer.limit_train_batches=2.5": "trainer: ",
    "+trainer.profiler=fast": "trainer.profiler=fast: must be simple, advanced, pytorch or null",
    "+trainer.profiler=[simple]": "trainer.profiler=['simple']: must be simple",
    "+trainer.max_time=soon": "trainer: ",
    "+trainer.strategi=ddp": "strategi",
    "trainer.precision=16-mixed": "not on this accelerator",
    "trainer.precision=8": "trainer: ",
    "trainer.precision=transformer-engine": "transformer_engine",
    "trainer.strategy=ddp_spawn": "trainer=ddp starts the processes",
    "trainer.strategy=nothing": "trainer: ",
    "trainer.accelerator=abacus": "trainer: ",
}
SAMPLE = ["+trainer.fast_dev_run=true", "+trainer.max_steps=4", "+trainer.max_steps=13", "+trainer.overfit_batches=2"]
SAMPLE += ["+trainer.check_val_every_n_epoch=2", "+trainer.accumulate_grad_batches=4", "trainer.precision=bf16-true"]


@pytest.fixture(autouse=True)
def torch_as_before(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    yield
    torch.use_deterministic_algorithms(False)
    torch.autograd.set_detect_anomaly(False)


@pytest.mark.parametrize("typed", [pytest.param(t, marks=[pytest.mark.slow] * (t not in SAMPLE)) for t in WORK])
def test_has_its_effect(tmp_path, capsys, typed):
    run = run_of(tmp_path, capsys, *typed.split())
    assert WORK[typed](run), run
    assert len({str(row) for row in run.rows}) == len(run.rows)


@pytest.mark.parametrize("typed", REFUSED)
def test_is_refused_before_training(tmp_path, capsys, typed):
    with pytest.raises(InputError, match=re.escape(REFUSED[typed])) as caught:
        run_of(tmp_path, capsys, *typed.split())
    assert "\n" not in str(caught.value)
    assert not any(tmp_path.iterdir())


def test_the_same_batches_are_overfitted(tmp_path, capsys):
    typed = ["+trainer.overfit_batches=1", "optimizer.lr=0.01", "trainer.max_epochs=30", "model.hidden_sizes=[64]"]
    assert run_of(tmp_path, capsys, *typed).rows[-1]["train_accuracy"] > 0.9


def test_a_schedule_of_the_run_counts_the_batches_that_are_left(tmp_path, capsys):
    run_of(tmp_path, capsys, "+trainer.limit_train_batches=2", "scheduler=cosine", "trainer.max_epochs=4")
    rates = [row["lr"] for row in RunFolder(tmp_path).rows]
    assert rates == pytest.approx([0.001 * f for f in (1, 0.853553, 0.5, 0.146447)], rel=1e-4)


def combinations(count: int) -> list[tuple[str, ...]]:
    """Settings of Lightning's Trainer with those of this project, some of them refused."""
    chance = random.Random(0)
    ours = ["optimizer=sgd", "optimizer=adamw", "scheduler=cosine", "scheduler=plateau", "scheduler=step", "loss=mse"]
    ours += ["average=ema", "augment=distort", "model.batch_norm=true", "model.dropout=0.2", "data.block_size=1"]
    flags = [*WORK, *REFUSED]
    return [(*chance.sample(flags, chance.choice([1, 2, 2])), chance.choice(ours)) for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("typed", combinations(300), ids=" ".join)
def test_combinations_end_well(tmp_path, capsys, typed):
    words = dict.fromkeys(word for part in typed for word in part.split())
    keys = {word.partition("=")[0]: word for word in words}
    try:
        run = run_of(tmp_path, capsys, *keys.values())
    except InputError as error:
        assert "\n" not in str(error)
        assert not (tmp_path / "metrics.csv").exists()
    else:
        assert run.rows
        assert len({str(row) for row in run.rows}) == len(run.rows)
        assert RunFolder(tmp_path).metrics.test_accuracy >= 0


def test_products_have_the_precision_that_is_typed_in_training_alone(tmp_path, monkeypatch, capsys):
    """The accuracy of a run is then what ``predict`` and ``evaluate`` find."""
    seen = []

    def seeing(function):
        return lambda *arguments: seen.append(torch.get_float32_matmul_precision()) or function(*arguments)

    for name in ("fit", "evaluate"):
        monkeypatch.setattr(training, name, seeing(getattr(training, name)))
    run_of(tmp_path, capsys, "matmul_precision=medium", "trainer.max_epochs=1")
    assert seen == ["medium", "highest"]


@pytest.mark.parametrize(("amx", "precision"), [(True, "bf16-mixed"), (False, "32-true")])
def test_auto_is_the_precision_that_is_fast_here(tmp_path, monkeypatch, capsys, amx, precision):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    auto = run_of(tmp_path / "auto", capsys, "trainer.precision=auto")
    typed = run_of(tmp_path / "typed", capsys, f"trainer.precision={precision}")
    assert auto.rows == typed.rows
    assert not is_plain(auto)
