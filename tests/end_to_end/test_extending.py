"""The recipes of docs/extending.md, whose files are docs/examples, and the lines of Python that README shows."""

import json
import re
from pathlib import Path

import pytest
import torch
from lightning import Trainer
from support.commands import PROJECT
from torch.utils.data import DataLoader, TensorDataset

import mnist_mlp.own
from mnist_mlp import MLP, Classifier, DigitsDataModule, Reader, compose, train
from mnist_mlp.components.signatures import signature_of
from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder

EXAMPLES = PROJECT / "docs/examples"
TINY = [f"hydra.searchpath=[file://{EXAMPLES}/conf]", "data=digits", "model=perceptron", "trainer=cpu"]
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
    train(compose(*typed, f"checkpoint={tmp_path}/checkpoints/last.ckpt"), tmp_path)
    assert len(RunFolder(tmp_path).rows) == 2
    assert len(Reader(tmp_path).network.blocks) == 2
    classifier = Classifier.load_from_checkpoint(tmp_path / "checkpoints/best.ckpt")
    images = torch.rand(3, 784)
    assert torch.equal(classifier.eval()(images), Reader(tmp_path).network(images))


def test_what_is_logged_is_in_every_file(tmp_path):
    metrics = train(compose(*TINY, "metrics=f1", "callbacks=l1"), tmp_path)
    kept = json.loads((tmp_path / "metrics.json").read_text())
    assert {"val_f1", "train_f1", "test_f1", "l1"} <= kept.keys() & metrics.others.keys()
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
    train(compose(*TINY, "data=emnist", f"data.root={tmp_path}", "trainer.max_epochs=1"), tmp_path / "run")
    assert len(Reader(tmp_path / "run").classes) == 47


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
