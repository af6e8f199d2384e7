from types import SimpleNamespace

import pytest
import torch

from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.training.callbacks.checkpoints import AtomicCheckpoints, save_last_and_best
from mnist_mlp.training.callbacks.history import History


def test_last_is_every_epoch_and_best_the_earliest_of_the_highest(tmp_path):
    history = History(RunFolder(tmp_path))
    kept = []
    for epoch, accuracy in enumerate([0.2, 0.9, 0.9, 0.5], start=1):
        history.rows.append({"epoch": epoch, "val_accuracy": accuracy})

        def save(path, epoch=epoch):
            AtomicCheckpoints().save_checkpoint({"epoch": epoch}, str(path))

        save_last_and_best(SimpleNamespace(save_checkpoint=save, is_global_zero=True), history)
        kept.append([torch.load(path, weights_only=True)["epoch"] for path in (history.run.last, history.run.best)])
    assert kept == [[1, 1], [2, 2], [3, 2], [4, 2]]


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    AtomicCheckpoints().save_checkpoint({"epoch": 1}, str(path))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(InputError, match="last.ckpt: cannot be written: No space left"):
        AtomicCheckpoints().save_checkpoint({"epoch": 2}, str(path))
    assert torch.load(path, weights_only=True)["epoch"] == 1


def test_a_run_killed_between_best_and_last_does_the_epoch_again(tmp_path, monkeypatch):
    history = History(RunFolder(tmp_path))
    history.rows.append({"epoch": 1, "val_accuracy": 0.5})
    monkeypatch.setattr("shutil.copyfile", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):

        def save(path):
            AtomicCheckpoints().save_checkpoint({}, str(path))

        save_last_and_best(SimpleNamespace(save_checkpoint=save, is_global_zero=True), history)
    assert history.run.best.exists()
    assert not history.run.last.exists()
