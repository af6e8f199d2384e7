from types import SimpleNamespace

import pytest
import torch

from mnist_mlp.checkpoints import LastAndBest, WholeCheckpoints
from mnist_mlp.errors import InputError
from mnist_mlp.history import History


def test_last_is_every_epoch_and_best_the_earliest_of_the_highest(tmp_path):
    history = History(tmp_path)
    checkpoints = LastAndBest(history)
    kept = []
    for epoch, accuracy in enumerate([0.2, 0.9, 0.9, 0.5], start=1):
        history.rows.append({"epoch": epoch, "val_accuracy": accuracy})

        def save(path, epoch=epoch):
            WholeCheckpoints().save_checkpoint({"epoch": epoch}, str(path))

        checkpoints.on_train_epoch_end(SimpleNamespace(save_checkpoint=save), None)
        kept.append([torch.load(path, weights_only=True)["epoch"] for path in (checkpoints.last, checkpoints.best)])
    assert kept == [[1, 1], [2, 2], [3, 2], [4, 2]]


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    WholeCheckpoints().save_checkpoint({"epoch": 1}, str(path))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(InputError, match="last.ckpt: cannot be written: No space left"):
        WholeCheckpoints().save_checkpoint({"epoch": 2}, str(path))
    assert torch.load(path, weights_only=True)["epoch"] == 1
