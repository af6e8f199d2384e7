"""A run that goes on from a checkpoint."""

import shutil
from pathlib import Path

import pytest
from support.commands import composed

from mnist_mlp.errors import InputError
from mnist_mlp.runs.metrics import Metrics
from mnist_mlp.training import run as training


def train(folder: Path, root: Path, *settings: str) -> Metrics:
    small = ["model.hidden_sizes=[8]", "trainer=cpu", f"data.root={root}"]
    metrics = training.train(composed(*small, *settings), folder)
    assert metrics
    return metrics


def test_a_run_continued_in_another_folder_takes_its_best_epoch_along(tmp_path, mnist_root, no_pictures):
    begun, on = tmp_path / "begun", tmp_path / "on"
    still = "optimizer.lr=1e-12"  # so that the first epoch stays the best
    train(begun, mnist_root, still, "trainer.max_epochs=2")
    last = f"checkpoint={begun}/checkpoints/last.ckpt"
    assert train(on, mnist_root, still, "trainer.max_epochs=3", last).best_epoch == 1
    assert train(tmp_path / "no more", mnist_root, still, "trainer.max_epochs=2", last).best_epoch == 1
    (begun / "checkpoints/best.ckpt").unlink()
    with pytest.raises(InputError, match=r"begun/checkpoints/best.ckpt: No such file: epoch 1, the best of the run"):
        train(tmp_path / "lost", mnist_root, still, "trainer.max_epochs=3", last)
    assert not (tmp_path / "lost/checkpoints").exists()


def test_a_damaged_last_checkpoint_names_the_best(tmp_path, mnist_root, trained_run):
    shutil.copytree(trained_run.folder.path, tmp_path / "run")
    last = tmp_path / "run/checkpoints/last.ckpt"
    last.write_bytes(last.read_bytes()[:100])
    with pytest.raises(InputError, match=r"last.ckpt: damaged.*; resume=.*/best.ckpt goes on after the best epoch"):
        train(tmp_path / "run", mnist_root, f"checkpoint={last}")
