import numpy as np
import pytest
import torch
from conftest import composed

from mnist_mlp import training
from mnist_mlp.errors import InputError
from mnist_mlp.reader import Reader


@pytest.mark.parametrize("options", [[], ["average=ema", "average.decay=0.9", "model.batch_norm=true"]])
def test_reads_what_the_run_tested(tmp_path, mnist_root, options):
    settings = [f"data.root={mnist_root}", "model.hidden_sizes=[32,16]", "trainer=cpu", "trainer.max_epochs=3"]
    config = composed(*settings, *options)
    metrics = training.train(config, tmp_path)
    reader = Reader(tmp_path)
    data = training.read_data(config)
    images, labels = data.parts["test"]
    probabilities = reader.probabilities(images.view(-1, 28, 28).numpy())
    assert probabilities.shape == (200, 10)
    assert (probabilities.argmax(1) == labels.numpy()).mean() == pytest.approx(metrics["test_accuracy"])
    assert reader.classes == [str(digit) for digit in range(10)]
    assert reader.temperature == metrics["temperature"] != 1
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


def test_images_in_any_layout(tmp_path, mnist_root):
    config = composed(f"data.root={mnist_root}", "model=perceptron", "trainer=cpu", "trainer.max_epochs=1")
    training.train(config, tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    reader = Reader(tmp_path)
    assert np.allclose(reader.probabilities(images[:, ::-1]), reader.probabilities(images[:, ::-1].copy()))
