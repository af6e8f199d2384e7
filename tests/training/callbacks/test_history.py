from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.training.callbacks.history import History


def end_epoch(history: History, epoch: int, val_accuracy: float = 0.5, train_loss: float = 1.0) -> None:
    figures = {"train_loss": train_loss, "train_accuracy": 0.6, "val_loss": 2.0, "val_accuracy": val_accuracy}
    trainer = SimpleNamespace(
        current_epoch=epoch,
        is_global_zero=True,
        is_last_batch=True,
        sanity_checking=False,
        global_step=epoch,
        callback_metrics={name: torch.tensor(value) for name, value in figures.items()},
        optimizers=[SimpleNamespace(param_groups=[{"lr": 0.1}])],
    )
    history.on_train_epoch_start(trainer, None)
    history.on_validation_end(trainer, None)
    history.on_train_epoch_end(trainer, None)


def test_a_row_an_epoch(tmp_path):
    history = History(RunFolder(tmp_path))
    end_epoch(history, 0)
    end_epoch(history, 1)
    lines = (tmp_path / "metrics.csv").read_text().splitlines()
    assert lines[0] == "epoch,train_loss,train_accuracy,val_loss,val_accuracy,lr"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2"]
    assert lines[1].split(",")[1] == "1.0"
    assert history.seconds > 0


def test_best_is_the_earliest_of_the_highest(tmp_path):
    history = History(RunFolder(tmp_path))
    for epoch, accuracy in enumerate([0.2, 0.9, 0.9, 0.5]):
        end_epoch(history, epoch, accuracy)
    assert history.best()["epoch"] == 2


def test_a_loss_that_is_not_finite_ends_the_run_before_it_is_kept(tmp_path):
    history = History(RunFolder(tmp_path))
    end_epoch(history, 0)
    for loss in (float("nan"), float("inf")):
        with pytest.raises(InputError, match=r"train_loss became \w+ in epoch 2: try a smaller optimizer.lr than 0.1"):
            end_epoch(history, 1, train_loss=loss)
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 2


def test_a_continued_run_has_the_rows_before(tmp_path):
    history, continued = History(RunFolder(tmp_path)), History(RunFolder(tmp_path))
    end_epoch(history, 0)
    continued.load_state_dict(history.state_dict())
    end_epoch(continued, 1)
    assert [row["epoch"] for row in continued.rows] == [1, 2]


def test_a_file_that_cannot_be_written_costs_a_warning_until_it_can(tmp_path, capsys):
    history = History(RunFolder(tmp_path))
    (tmp_path / "metrics.csv").mkdir()
    for epoch in range(2):
        end_epoch(history, epoch)
    assert capsys.readouterr().err == f"warning: {tmp_path}/metrics.csv: cannot be written: Is a directory\n"
    (tmp_path / "metrics.csv").rmdir()
    end_epoch(history, 2)
    assert [row["epoch"] for row in history.run.rows] == [1, 2, 3]


def test_draws_the_curves(tmp_path):
    history = History(RunFolder(tmp_path))
    end_epoch(history, 0)
    history.draw()
    with Image.open(tmp_path / "curves.png") as image:
        assert image.width > image.height > 300
