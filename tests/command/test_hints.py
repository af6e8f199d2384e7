import pytest

from mnist_mlp.command.hints import ELSEWHERE, meant
from mnist_mlp.command.options import options
from mnist_mlp.command.settings import rules


@pytest.mark.parametrize(
    ("typed", "here"),
    [
        ("lr", "optimizer.lr"),
        ("learning_rate", "optimizer.lr"),
        ("optimizer.learning_rate", "optimizer.lr"),
        ("trainer.lr", "optimizer.lr"),
        ("epochs", "trainer.max_epochs"),
        ("num_epochs", "trainer.max_epochs"),
        ("max_epochs", "trainer.max_epochs"),
        ("batch_size", "data.batch_size"),
        ("data.batchsize", "data.batch_size"),
        ("batch-size", "data.batch_size"),
        ("units", "model.hidden_sizes"),
        ("model.layers", "model.hidden_sizes"),
        ("model.hidden_size", "model.hidden_sizes"),
        ("dropout", "model.dropout"),
        ("model.dropot", "model.dropout"),
        ("dataset", "data"),
        ("optimiser", "optimizer"),
        ("optimizers", "optimizer"),
        ("modle", "model"),
        ("Model", "model"),
        ("SEED", "seed"),
        ("device", "trainer=gpu or trainer=cpu"),
        ("gpus", "trainer.devices"),
        ("validation_split", "data.val_fraction"),
        ("momentum", "optimizer.momentum"),
        ("data.path", "data.root"),
        ("ckpt_path", "resume"),
        ("output_dir", "hydra.run.dir"),
    ],
)
def test_a_name_from_elsewhere_or_mistyped(typed, here):
    assert meant(typed, rules()) == here


@pytest.mark.parametrize("typed", ["workers", "data.num_workers", "verbose", "trainer.foo", "x", "hydra.foo"])
def test_no_hint_is_better_than_a_wrong_one(typed):
    assert meant(typed, rules()) is None


def test_what_is_hinted_at_exists():
    elsewhere = {"resume", "hydra.run.dir", "trainer=gpu or trainer=cpu", "optimizer.weight_decay", ""}
    assert {here for here in ELSEWHERE if here not in rules() and here not in options()} <= elsewhere


def test_each_option_says_in_a_line_what_it_is():
    assert {name: told for group in options().values() for name, told in group.items() if not told} == {}
    assert options()["model"]["mlp"].startswith("Two hidden layers of 64")
