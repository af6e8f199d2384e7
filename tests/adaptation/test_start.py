import numpy as np
import pytest
import torch
from support.runs import checkpoint_of, save_run

from mnist_mlp.adaptation.start import in_words, probabilities_of, start_from
from mnist_mlp.errors import InputError
from mnist_mlp.model.mlp import MLP
from mnist_mlp.reader import Reader

DIGITS = [str(digit) for digit in range(10)]
SIZES = {"hidden_sizes": [8, 6]}


def network(classes=10, seed=1, **settings):
    torch.manual_seed(seed)
    return MLP(**(SIZES | settings), num_classes=classes)


@pytest.fixture
def trained():
    return network(seed=0)


@pytest.fixture
def run(trained, tmp_path):
    return save_run(tmp_path / "run", checkpoint_of(trained, **SIZES), classes=DIGITS)


def start(run, new, classes=DIGITS, **settings):
    unknown = start_from(run.path, new, classes, {f"model.{key}": value for key, value in (SIZES | settings).items()})
    return in_words(run.path, classes, unknown)


def test_the_weights_are_the_runs(run, trained):
    new = network()
    assert start(run, new) == f"starts from {run.path}"
    assert all(torch.equal(*pair) for pair in zip(new.parameters(), trained.parameters()))


def test_dropout_may_be_another(run, trained):
    new = network(dropout=0.5)
    start(run, new, dropout=0.5)
    assert all(torch.equal(*pair) for pair in zip(new.parameters(), trained.parameters()))


def test_a_checkpoint_and_the_average_of_weights(trained, tmp_path):
    run = save_run(tmp_path / "run", checkpoint_of(network(seed=5), trained, **SIZES), finished=False)
    new = network()
    start_from(run.last, new, DIGITS, {})
    assert torch.equal(new[0].weight, trained[0].weight)


def test_other_classes_get_a_new_last_layer(run, trained):
    new, fresh = network(classes=3), network(classes=3)
    assert "so the last layer is new" in start(run, new, ["shirt", "coat", "bag"])
    assert torch.equal(new[0].weight, trained[0].weight)
    assert torch.equal(new[-1].weight, fresh[-1].weight)


def test_a_class_that_the_run_knows_keeps_its_weights(run, trained):
    new, fresh = network(classes=3), network(classes=3)
    assert "it does not know a, so these" in start(run, new, ["7", "a", "2"])
    assert torch.equal(new[-1].weight, torch.stack([trained[-1].weight[7], fresh[-1].weight[1], trained[-1].weight[2]]))


@pytest.mark.parametrize("setting", [{"hidden_sizes": [8, 7]}, {"activation": "tanh"}, {"batch_norm": True}])
def test_another_architecture_is_refused(run, setting, trained):
    with pytest.raises(InputError, match=f"its model has model.{next(iter(setting))}="):
        start(run, network(**setting), **(setting))


@pytest.mark.parametrize("change", ["missing", "shape", "classes", "text"])
def test_a_damaged_run_is_refused(run, trained, tmp_path, change):
    checkpoint = checkpoint_of(trained, **SIZES)
    weights = checkpoint["state_dict"]
    name = next(iter(weights))
    if change == "missing":
        del weights[name]
    elif change == "shape":
        weights[name] = weights[name][:3]
    elif change == "text":
        weights[name] = "weights"
    run = save_run(run.path, checkpoint, classes=DIGITS[:4] if change == "classes" else DIGITS)
    with pytest.raises(InputError, match="does not hold the weights of such a model"):
        start(run, network())


@pytest.mark.parametrize("content", [b"", b"no checkpoint"])
def test_a_damaged_file_is_refused(run, content):
    run.best.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        start(run, network())


def test_what_a_run_makes_of_images_is_what_its_reader_does(run):
    settings = {f"model.{key}": value for key, value in SIZES.items()}
    images = torch.randint(0, 256, (3, 28, 28), dtype=torch.uint8).numpy()
    probabilities = probabilities_of(run.path, network(), settings)
    assert np.array_equal(probabilities(images), Reader(run.path).probabilities(images))


def test_a_run_of_other_classes_finds_no_digits(trained, tmp_path):
    run = save_run(tmp_path / "run", checkpoint_of(trained, **SIZES), classes=list("abcdefghij"))
    assert probabilities_of(run.path, network(), {}) is None
