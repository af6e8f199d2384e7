import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from support.commands import assert_one_error_line, composed

from mnist_mlp.errors import InputError
from mnist_mlp.reader import DIGITS, Reader, best_run
from mnist_mlp.training import run as training
from mnist_mlp.training.build import build_data


@pytest.mark.parametrize("options", [[], ["average=ema", "average.decay=0.9", "model.batch_norm=true"]])
def test_reads_what_the_run_tested(tmp_path, mnist_root, options):
    settings = [f"data.root={mnist_root}", "model.hidden_sizes=[32,16]", "trainer=cpu", "trainer.max_epochs=3"]
    config = composed(*settings, *options)
    metrics = training.train(config, tmp_path)
    reader = Reader(tmp_path)
    data = build_data(config)
    images, labels = data.parts["test"]
    probabilities = reader.probabilities(images.view(-1, 28, 28).numpy())
    assert probabilities.shape == (200, 10)
    assert (probabilities.argmax(1) == labels.numpy()).mean() == pytest.approx(metrics.test_accuracy)
    assert reader.classes == [str(digit) for digit in range(10)]
    assert reader.temperature == metrics.temperature != 1
    assert reader.threshold == metrics.threshold
    validation = reader.probabilities(data.parts["val"][0].view(-1, 28, 28).numpy())
    assert reader.labels(validation).count(None) == 2  # of 128, so that three were more than 2 %
    alone = tmp_path / "alone.ckpt"
    (tmp_path / "checkpoints/best.ckpt").rename(alone)
    moved = Reader(alone).probabilities(images.view(-1, 28, 28).numpy())  # without its folder not calibrated
    assert (moved.argmax(1) == probabilities.argmax(1)).all()


def test_what_is_no_run(tmp_path):
    with pytest.raises(InputError, match="best.ckpt: No such file"):
        Reader(tmp_path)
    path = tmp_path / "other.ckpt"
    torch.save({"state_dict": {"a": torch.zeros(2)}, "callbacks": {}}, path)
    with pytest.raises(InputError, match="other.ckpt: not a checkpoint of a run"):
        Reader(path)


@pytest.mark.parametrize("content", ["", '{"test_accuracy": 0.9', "[]", "null", "{}", "\xff", "[" * 100_000])
def test_a_damaged_metrics_json(tmp_path, content):
    run = save_perceptron(tmp_path / "run", torch.zeros(10, 784))
    (run / "metrics.json").write_text(content, "latin-1")
    for path in (run, run / "checkpoints/best.ckpt"):
        with pytest.raises(InputError, match="run/metrics.json: damaged, or without a finished run's scores$"):
            Reader(path)
    (run / "metrics.json").unlink()
    assert Reader(run).temperature == 1


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
    run = save_perceptron(tmp_path / "run", torch.zeros(10, 784), **{key: value})
    with pytest.raises(InputError, match=f"run/metrics.json: {key}: must be {expected}$"):
        Reader(run)


@pytest.mark.parametrize("command", [["predict", "a.png", "--run"], ["draw", "--no-browser", "--run"], ["export"]])
def test_a_wrong_value_in_metrics_json_is_one_line_of_each_command(tmp_path, command):
    save_perceptron(tmp_path / "run", torch.zeros(10, 784), temperature="high")
    typed = [sys.executable, "-m", f"mnist_mlp.{command[0]}", *command[1:], "run"]
    result = subprocess.run(typed, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert_one_error_line(result, "run/metrics.json: temperature: must be a number from 0.01 to 100")
    assert result.stdout == "" and result.stderr.count("\n") == 1


def test_images_in_any_layout(tmp_path, mnist_root):
    config = composed(f"data.root={mnist_root}", "model=perceptron", "trainer=cpu", "trainer.max_epochs=1")
    training.train(config, tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    reader = Reader(tmp_path)
    assert np.allclose(reader.probabilities(images[:, ::-1]), reader.probabilities(images[:, ::-1].copy()))


def save_perceptron(run: Path, weights: torch.Tensor, **metrics: object) -> Path:
    """A run of one layer without training, and what its metrics.json says."""
    (run / "checkpoints").mkdir(parents=True)
    state = {"network.0.weight": weights, "network.0.bias": torch.ones(len(weights))}
    callbacks = {"LastAndBest": {"settings": {"model.hidden_sizes": "[]"}}}
    torch.save({"state_dict": state, "callbacks": callbacks}, run / "checkpoints/best.ckpt")
    whole = {"test_accuracy": 0.9, "test_loss": 0.3, "val_accuracy": 0.9, "fit_seconds": 1}
    (run / "metrics.json").write_text(json.dumps(whole | metrics))
    return run


def test_evidence_of_a_perceptron_is_its_weight_times_the_pixel(tmp_path):
    weights = torch.randn(10, 784, generator=torch.Generator().manual_seed(0))
    reader = Reader(save_perceptron(tmp_path / "run", weights, temperature=2.0))
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
    weights[3] = 0.01  # the more is drawn, the surer it is a 3
    run = save_perceptron(tmp_path / "run", weights, threshold=0.9, classes=list("abcdefghij"))
    images = np.full((3, 28, 28), [[[40]], [[100]], [[200]]], np.uint8)
    probabilities = Reader(run).probabilities(images)
    assert 0.2 < probabilities[0, 3] < 0.5 < probabilities[1, 3] < 0.9 < probabilities[2, 3]
    older = save_perceptron(tmp_path / "older", weights)
    readers = [Reader(run), Reader(run, threshold=0.0), Reader(run / "checkpoints/best.ckpt"), Reader(older)]
    assert [reader.labels(probabilities) for reader in readers] == [
        [None, None, "d"],
        ["d", "d", "d"],
        [None, None, "d"],
        [None, "3", "3"],
    ]


def test_best_run(tmp_path):
    weights = torch.zeros(10, 784)
    with pytest.raises(InputError, match="no finished run below .*: python train.py experiment=handwriting trains one"):
        best_run(tmp_path)
    save_perceptron(tmp_path / "clothes", weights, data="fashion_mnist", val_accuracy=0.99, classes=["Shirt"])
    with pytest.raises(InputError, match="no finished run"):
        best_run(tmp_path)
    own = save_perceptron(tmp_path / "own", weights, data="folder", val_accuracy=0.98, classes=DIGITS)
    assert best_run(tmp_path) == own
    save_perceptron(tmp_path / "m/0", weights, data="mnist", val_accuracy=None)
    save_perceptron(tmp_path / "m/1", weights, data="mnist", val_accuracy=0.9)
    best = save_perceptron(tmp_path / "m/2", weights, data="mnist", val_accuracy=0.95)
    assert best_run(tmp_path) == best
    (best / "checkpoints/best.ckpt").unlink()
    assert best_run(tmp_path) == tmp_path / "m/1"
    (tmp_path / "m/1/metrics.json").write_text("{")
    assert best_run(tmp_path) == tmp_path / "m/0"
