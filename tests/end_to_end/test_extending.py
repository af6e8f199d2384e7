"""The recipes of docs/extending.md, whose files are docs/examples, and the lines of Python that README shows."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lightning import Trainer
from omegaconf import OmegaConf
from PIL import Image
from support.commands import PROJECT, command_here, train_here
from torch.utils.data import DataLoader, TensorDataset

import mnist_mlp.own
from mnist_mlp import MLP, Classifier, DigitsDataModule, Reader, compose, labelled, train
from mnist_mlp.command.resume import quoted
from mnist_mlp.components.signatures import signature_of
from mnist_mlp.draw.runs import Runs
from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder

EXAMPLES = PROJECT / "docs/examples"
TINY = [f"hydra.searchpath=['file://{EXAMPLES}/conf']", "data=digits", "model=perceptron", "trainer=cpu"]
TINY += ["trainer.max_epochs=2"]
RECIPES = [
    ["optimizer=nadam"],
    ["optimizer=lion"],
    ["scheduler=step", "scheduler.step_size=1"],
    ["scheduler=plateau"],
    ["scheduler=halving"],
    ["loss=focal"],
    ["callbacks=[early_stopping,l1]"],
    ["callbacks=grad_norms", "logger=csv"],
    ["metrics=[f1,top2]", "monitor=val_f1"],
    ["monitor=val_loss", "mode=min"],
    ["metrics=calibrated_loss", "monitor=val_calibrated_loss", "mode=min"],
]
QUICK = ("optimizer=lion", "callbacks=[early_stopping,l1]", "metrics=[f1,top2]")


@pytest.fixture(autouse=True)
def own(monkeypatch) -> None:
    """Makes the examples modules of mnist_mlp.own."""
    signature_of.cache_clear()
    monkeypatch.setattr(mnist_mlp.own, "__path__", [*mnist_mlp.own.__path__, str(EXAMPLES)])


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("typed", [pytest.param(t, marks=[pytest.mark.slow] * (t[0] not in QUICK)) for t in RECIPES])
def test_a_recipe_trains_and_is_read(tmp_path, typed):
    metrics = train(compose(*TINY, *typed), tmp_path)
    assert metrics.test_accuracy > 0.1
    assert Reader(str(tmp_path)).network(torch.zeros(1, 784)).shape == (1, 10)


def test_a_network_of_ones_own_is_trained_resumed_read_and_loaded(tmp_path):
    typed = [*TINY, "model=residual", "model.depth=2"]
    train(compose(*typed, "trainer.max_epochs=1"), tmp_path)
    train(compose(*typed, f"checkpoint={quoted(tmp_path / 'checkpoints/last.ckpt')}"), tmp_path)
    assert len(RunFolder(tmp_path).rows) == 2
    assert len(Reader(tmp_path).network.blocks) == 2
    classifier = Classifier.load_from_checkpoint(tmp_path / "checkpoints/best.ckpt")
    images = torch.rand(3, 784)
    assert torch.equal(classifier.eval()(images), Reader(tmp_path).network(images))


def test_what_is_logged_is_in_every_file(tmp_path):
    metrics = train(compose(*TINY, "metrics=[f1,calibrated_loss]", "callbacks=l1"), tmp_path)
    kept = json.loads((tmp_path / "metrics.json").read_text())
    assert {"val_f1", "train_f1", "test_f1", "val_calibrated_loss", "l1"} <= kept.keys() & metrics.others.keys()
    assert {"val_f1", "l1"} <= RunFolder(tmp_path).rows[0].keys()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("model=residual model.depth=0", "model.depth=0: must be an integer from 1 to 50"),
        ("model=residual model.deptth=2", "model.deptth"),
        ("optimizer._target_=os.system", "what you write yourself belongs in mnist_mlp/own"),
        ("loss._target_=mnist_mlp.own.nothing.Here", "there is no such class or function in mnist_mlp/own"),
        ("+model.num_classes=3", "the training gives it"),
        ("monitor=val_f2", "monitor=val_f2: nothing logs it; there are"),
    ],
)
def test_mistakes_are_one_line(tmp_path, typed, message):
    with pytest.raises(Exception, match=re.escape(message)) as caught:
        train(compose(*TINY, *typed.split()), tmp_path)
    assert isinstance(caught.value, InputError) or "deptth" in str(caught.value)


def test_an_own_data_set_of_47_classes(tmp_path, monkeypatch):
    from mnist_mlp.data.datasets import Dataset, Split
    from mnist_mlp.own.emnist import Emnist  # pyright: ignore

    part = Split(torch.randint(0, 255, (470, 28, 28), dtype=torch.uint8), torch.arange(470) % 47)
    monkeypatch.setattr(Emnist, "read", lambda self: Dataset(part, part, [str(i) for i in range(47)]))
    config = compose(*TINY, "data=emnist", f"data.root={quoted(tmp_path)}", "trainer.max_epochs=1")
    train(config, tmp_path / "run")
    (tmp_path / "run/.hydra").mkdir(exist_ok=True)
    OmegaConf.save(config, tmp_path / "run/.hydra/config.yaml")
    reader = Reader(tmp_path / "run")
    assert len(reader.classes) == 47
    found = labelled.test_images(reader)
    assert found.what == "test images of emnist" and found.labels.tolist() == part.labels.tolist()


def test_without_hydra_and_with_a_plain_dataloader():
    data = DigitsDataModule("digits", batch_size=64)
    trainer = Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, barebones=False)
    trainer.fit(Classifier(MLP([16])), data)
    images, labels = data.parts["train"]
    loader = DataLoader(TensorDataset(images.view(-1, 28, 28) / 255, labels), batch_size=64)
    trainer = Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False)
    trainer.fit(Classifier(MLP([16])), loader, loader)
    assert trainer.callback_metrics["val_accuracy"] > 0.1


def test_the_notebook_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = json.loads((PROJECT / "docs/first_steps.ipynb").read_text())["cells"]
    names: dict = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert Path("outputs/first/metrics.json").is_file()


@pytest.mark.slow
def test_an_activation_is_a_line(tmp_path):
    for part in ("mnist_mlp", "conf"):
        shutil.copytree(PROJECT / part, tmp_path / part)
    shutil.copy(PROJECT / "train.py", tmp_path)
    source = tmp_path / "mnist_mlp/model/mlp.py"
    source.write_text(source.read_text().replace('"gelu": nn.GELU', '"gelu": nn.GELU, "silu": nn.SiLU'))
    typed = ["data=digits", "model=mlp", "model.activation=silu", "trainer.max_epochs=1", "hydra.run.dir=run"]
    for command in (["train.py", *typed], ["-m", "mnist_mlp.evaluate", "run"]):
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        subprocess.run([sys.executable, *command], cwd=tmp_path, env=environment, check=True)


@pytest.mark.slow
def test_a_sweep_over_the_depth_of_ones_own_network_is_reported_read_and_exported(tmp_path):
    Image.new("L", (60, 60), 255).save(tmp_path / "empty.png")
    result = train_here(tmp_path, "-m", *TINY, "model=residual", "model.depth=1,3", "hydra.sweep.dir=s")
    assert result.returncode == 0, result.stderr
    assert "| 3 |" in (tmp_path / "s/summary.md").read_text()
    run = "s/model.depth=3"
    assert command_here(tmp_path, "predict", "empty.png", "--run", run).returncode == 0
    assert command_here(tmp_path, "export", run).returncode == 0
    assert len(Runs([tmp_path / run], tmp_path).reader(run).network.blocks) == 3


@pytest.mark.slow
def test_a_study_of_two_factors(tmp_path):
    result = train_here(tmp_path, *TINY, "study=momentum", "seed=0,1", "hydra.sweep.dir=s")
    assert result.returncode == 0, result.stderr
    summary = (tmp_path / "s/summary.md").read_text()
    assert "| lr | momentum | validation % |" in summary
    assert summary.count("\n| 0.") == 6


@pytest.mark.slow
def test_a_search_space_and_a_score_of_ones_own(tmp_path):
    result = train_here(tmp_path, *TINY, "model=mlp", "search=width", "hydra.sweeper.n_trials=3", "hydra.sweep.dir=s")
    assert result.returncode == 0, result.stderr
    summary = (tmp_path / "s/summary.md").read_text()
    assert "| val_f1 % |" in summary
    assert "Best of 3 trials by val_f1" in summary
    assert "model.hidden_sizes=[" in summary
