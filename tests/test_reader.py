import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from support.commands import assert_one_error_line, command_here, composed
from support.runs import TrainedRun, perceptron, prefixed, save_run, trained_on
from support.sketches import one_seven

from mnist_mlp.data.splits import resize
from mnist_mlp.errors import InputError
from mnist_mlp.model.mlp import MLP
from mnist_mlp.reader import DIGITS, Reader, best_run
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.training.build import build_data


@pytest.fixture(scope="session")
def plain_run(small_mnist, tmp_path_factory) -> TrainedRun:
    """A run without average and batch normalisation. YAML reads its dropout, as Python prints it, as text: 5e-05."""
    settings = [f"data.root={small_mnist}", "model.hidden_sizes=[32]", "model.dropout=5e-5", "trainer.max_epochs=3"]
    return trained_on(composed(*settings, "trainer=cpu"), tmp_path_factory.mktemp("plain") / "run")


@pytest.mark.parametrize("fixture", ["plain_run", "trained_run"])
def test_reads_what_the_run_tested(tmp_path, request, fixture):
    folder, config, metrics, _ = request.getfixturevalue(fixture)
    reader = Reader(folder.path)
    data = build_data(config)
    images, labels = data.parts["test"]
    probabilities = reader.probabilities(images.view(-1, 28, 28).numpy())
    assert probabilities.shape == (200, 10)
    assert (probabilities.argmax(1) == labels.numpy()).mean() == pytest.approx(metrics.test_accuracy)
    assert reader.classes == [str(digit) for digit in range(10)]
    assert reader.temperature == metrics.temperature != 1
    assert reader.threshold == metrics.threshold
    validation = reader.probabilities(data.parts["val"][0].view(-1, 28, 28).numpy())
    assert reader.labels(validation).count(None) == 2  # of 128: three would be more than 2 %
    alone = shutil.copy(folder.best, tmp_path / "alone.ckpt")  # without its folder it is not calibrated
    moved = Reader(alone).probabilities(images.view(-1, 28, 28).numpy())
    assert (moved.argmax(1) == probabilities.argmax(1)).all()


def test_a_checkpoint_of_version_0_1_0_kept_settings_as_text(tmp_path):
    torch.manual_seed(0)
    network = MLP([20, 12], "tanh", dropout=5e-05, batch_norm=True)
    texts = {"model._target_": "mnist_mlp.model.MLP", "model.hidden_sizes": "[20, 12]", "model.activation": "tanh"}
    texts |= {"model.dropout": "5e-05", "model.batch_norm": "True", "seed": "0"}
    old = {"state_dict": prefixed(network, "network."), "callbacks": {"LastAndBest": {"settings": texts}}}
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    logits = Reader(save_run(tmp_path, old).path).logits(images)
    assert torch.equal(logits, network.eval()(torch.from_numpy(images).flatten(1) / 255))


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="best.ckpt: no such file"):
        Reader(tmp_path)
    path = tmp_path / "other.ckpt"
    torch.save({"state_dict": {"a": torch.zeros(2)}, "callbacks": {}}, path)
    with pytest.raises(InputError, match="other.ckpt: not a checkpoint of a run"):
        Reader(path)


@pytest.mark.parametrize("content", ["", '{"test_accuracy": 0.9', "[]", "null", "{}", "\xff", "[" * 100_000])
def test_a_damaged_metrics_json(tmp_path, content):
    run = save_run(tmp_path / "run", perceptron())
    run.metrics_json.write_text(content, "latin-1")
    for path in (run.path, run.best):
        with pytest.raises(InputError, match="run/metrics.json: damaged, or without a finished run's scores$"):
            Reader(path)
    run.metrics_json.unlink()
    assert Reader(run.path).temperature == 1


NO_NUMBERS = ["1", None, [1], {}, True, math.nan, math.inf, -math.inf, 10**400, -1]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [("temperature", value, "a number from 0.01 to 100") for value in [*NO_NUMBERS, 0, 1e-9, 101]]
    + [("threshold", value, "a number from 0 to 1") for value in [*NO_NUMBERS, -0.1, 1.1]]
    + [
        ("classes", value, "a list of (10 )?names")
        for value in [[], DIGITS[:9], [*DIGITS, "10"], list(range(10)), "0123456789", dict.fromkeys(DIGITS, 1)]
    ],
)
def test_a_wrong_value_in_metrics_json(tmp_path, key, value, expected):
    run = save_run(tmp_path / "run", perceptron(), **{key: value})
    with pytest.raises(InputError, match=f"run/metrics.json: {key}: must be {expected}$"):
        Reader(run.path)


@pytest.mark.parametrize(
    "command", [["predict", "a.png", "--run"], ["draw", "--no-browser", "--port=0", "--run"], ["export"]]
)
def test_a_wrong_value_in_metrics_json_is_one_line_of_each_command(tmp_path, command):
    save_run(tmp_path / "run", perceptron(), temperature="high")
    result = command_here(tmp_path, *command, "run")
    assert_one_error_line(result, "run/metrics.json: temperature: must be a number from 0.01 to 100")
    assert result.stdout == "" and result.stderr.count("\n") == 1


def test_images_in_any_layout(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    reader = Reader(save_run(tmp_path, perceptron()).path)
    assert np.allclose(reader.probabilities(images[:, ::-1]), reader.probabilities(images[:, ::-1].copy()))


def test_evidence_of_a_perceptron_is_its_weight_times_the_pixel(tmp_path):
    weights = torch.randn(10, 784, generator=torch.Generator().manual_seed(0))
    reader = Reader(save_run(tmp_path / "run", perceptron(weights), temperature=2.0).path)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    logits = reader.logits(images)
    evidence = reader.evidence(images)
    own = weights[logits.argmax(1)].view(3, 28, 28).numpy() / 2 * images / 255
    assert np.allclose(evidence, own, atol=1e-5)
    assert np.allclose(evidence.sum((1, 2)) + 1 / 2, logits.amax(1), atol=1e-4)  # the rest is the bias
    assert np.allclose(reader.evidence(images[1]), evidence[1], atol=1e-6)
    assert reader.evidence(images[:0]).shape == (0, 28, 28)


def test_the_threshold(tmp_path):
    weights = torch.zeros(10, 784)
    weights[3] = 0.01  # more ink makes a 3 more probable
    run = save_run(tmp_path / "run", perceptron(weights), threshold=0.9, classes=list("abcdefghij"))
    images = np.full((3, 28, 28), [[[40]], [[100]], [[200]]], np.uint8)
    probabilities = Reader(run.path).probabilities(images)
    assert 0.2 < probabilities[0, 3] < 0.5 < probabilities[1, 3] < 0.9 < probabilities[2, 3]
    unfinished = save_run(tmp_path / "unfinished", perceptron(weights), finished=False)
    readers = [Reader(run.path), Reader(run.path, threshold=0.0), Reader(run.best), Reader(unfinished.path)]
    assert [reader.labels(probabilities) for reader in readers] == [
        [None, None, "d"],
        ["d", "d", "d"],
        [None, None, "d"],
        [None, "3", "3"],
    ]


def test_best_run(tmp_path):
    def add_run(name: str, **metrics: object) -> Path:
        return save_run(tmp_path / name, perceptron(), **metrics).path

    with pytest.raises(InputError, match="no finished run below .*: python train.py experiment=handwriting trains one"):
        best_run(tmp_path)
    add_run("clothes", data="fashion_mnist", val_accuracy=0.99, classes=["Shirt"])
    with pytest.raises(InputError, match="no finished run"):
        best_run(tmp_path)
    own = add_run("own", data="folder", val_accuracy=0.98, classes=DIGITS)
    assert best_run(tmp_path) == own
    unknown = add_run("m/0", data="mnist", val_accuracy=None)
    second = add_run("m/1", data="mnist", val_accuracy=0.9)
    best = add_run("m/2", data="mnist", val_accuracy=0.95)
    assert best_run(tmp_path) == best
    RunFolder(best).best.unlink()
    assert best_run(tmp_path) == second
    RunFolder(second).metrics_json.write_text("{")
    assert best_run(tmp_path) == unknown


def reader_of(tmp_path, data: str, as_digits: bool, **metrics) -> Reader:
    checkpoint = perceptron()
    checkpoint["hyper_parameters"] |= {"data.dataset": data, "data.as_digits": as_digits}
    return Reader(save_run(tmp_path / "run", checkpoint, data=data, **metrics).path)


@pytest.mark.parametrize(
    ("data", "as_digits"), [("folder", False), ("fashion_mnist", True), ("kmnist", True), ("fashion_mnist", False)]
)
def test_a_run_that_learned_from_whole_pictures_reads_whole_pictures(tmp_path, data, as_digits):
    picture = one_seven()
    dark_on_light = reader_of(tmp_path, data, as_digits, on_white=True)
    light_on_dark = reader_of(tmp_path, data, as_digits, on_white=False)
    unknown = reader_of(tmp_path, data, as_digits)
    expected = resize(torch.from_numpy(picture)[None])[0].numpy()
    (digit,) = dark_on_light.digits_in(picture)
    assert digit.box == (0, 0, 300, 200)
    assert (digit.image == expected).all()
    assert (unknown.digits_in(picture)[0].image == expected).all()
    assert (light_on_dark.digits_in(picture)[0].image == 255 - expected).all()
    for reader in (dark_on_light, light_on_dark, unknown):  # an image of the data set itself stays as it is
        assert (reader.digits_in(expected)[0].image == expected).all()


def test_a_run_that_learned_digits_finds_them(tmp_path):
    two = np.hstack([one_seven(), one_seven()])
    for data in ("mnist", "digits", "folder"):
        assert len(reader_of(tmp_path, data, True).digits_in(two)) == 2
    letters = reader_of(tmp_path, "folder", True, classes=list("abcdefghij"))
    assert len(letters.digits_in(two)) == 1  # all ink is one letter, as in training
    assert len(letters.digits_in(two, several=True)) == 2


def test_the_best_run_is_none_that_learned_from_whole_pictures(tmp_path):
    config = {"data": {"as_digits": False}}
    save_run(tmp_path / "whole", perceptron(), config=config, data="folder", classes=DIGITS, val_accuracy=0.99)
    with pytest.raises(InputError, match="no finished run"):
        best_run(tmp_path)


@pytest.mark.parametrize("images", [np.zeros((2, 28, 28)), np.zeros((28, 28), np.uint8), np.zeros((2, 784), np.uint8)])
def test_images_of_another_form_are_refused(trained_run, images):
    with pytest.raises(ValueError, match=r"images must be uint8 \(n, 28, 28\), and are"):
        Reader(trained_run.folder.path).probabilities(images)


@pytest.mark.parametrize("threshold", [-0.1, 2, math.nan])
def test_a_threshold_is_a_probability(trained_run, threshold):
    with pytest.raises(InputError, match="threshold: must be a number from 0 to 1"):
        Reader(trained_run.folder.path, threshold)
