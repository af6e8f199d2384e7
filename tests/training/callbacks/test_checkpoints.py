from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mnist_mlp.errors import InputError
from mnist_mlp.reader import read_checkpoint
from mnist_mlp.training.callbacks.checkpoints import LastAndBest, WholeCheckpoints, check_settings
from mnist_mlp.training.callbacks.history import History


def test_last_is_every_epoch_and_best_the_earliest_of_the_highest(tmp_path):
    history = History(tmp_path)
    checkpoints = LastAndBest(history, {})
    kept = []
    for epoch, accuracy in enumerate([0.2, 0.9, 0.9, 0.5], start=1):
        history.rows.append({"epoch": epoch, "val_accuracy": accuracy})

        def save(path, epoch=epoch):
            WholeCheckpoints().save_checkpoint({"epoch": epoch}, str(path))

        checkpoints.on_train_epoch_end(SimpleNamespace(save_checkpoint=save, is_global_zero=True), None)
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


def test_a_run_killed_between_best_and_last_does_the_epoch_again(tmp_path, monkeypatch):
    history = History(tmp_path)
    history.rows.append({"epoch": 1, "val_accuracy": 0.5})
    checkpoints = LastAndBest(history, {})
    monkeypatch.setattr("shutil.copyfile", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):

        def save(path):
            WholeCheckpoints().save_checkpoint({}, str(path))

        checkpoints.on_train_epoch_end(SimpleNamespace(save_checkpoint=save, is_global_zero=True), None)
    assert checkpoints.best.exists()
    assert not checkpoints.last.exists()


@pytest.mark.parametrize("content", [b"", b"not one", {"state_dict": {}}, {"state_dict": 1, "callbacks": {}}, [1, 2]])
def test_what_is_no_checkpoint(tmp_path, content):
    path = tmp_path / "last.ckpt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(InputError, match="last.ckpt: damaged, or not a checkpoint"):
        read_checkpoint(path)


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path):
    torch.save({"state_dict": {}, "callbacks": Payload(tmp_path / "ran")}, tmp_path / "last.ckpt")
    with pytest.raises(InputError, match="damaged, or not a checkpoint"):
        read_checkpoint(tmp_path / "last.ckpt")
    assert not (tmp_path / "ran").exists()


def test_other_settings_than_the_checkpoints_are_named():
    settings = {"seed": "0", "optimizer.lr": "0.1"}
    saved = {"callbacks": {"LastAndBest": LastAndBest(History(Path()), settings).state_dict()}}
    check_settings(Path("last.ckpt"), saved, dict(settings))
    check_settings(Path("last.ckpt"), {"callbacks": {}}, {"seed": "1"})
    with pytest.raises(InputError, match=r"last.ckpt: its run has optimizer.lr=0.1, not 0.2"):
        check_settings(Path("last.ckpt"), saved, settings | {"optimizer.lr": "0.2"})
    with pytest.raises(InputError, match=r"its run has data.augment=None, not distort"):
        check_settings(Path("last.ckpt"), saved, settings | {"data.augment": "distort"})
