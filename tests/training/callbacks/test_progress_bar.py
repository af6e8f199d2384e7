from types import SimpleNamespace

import pytest
import torch
from support.terminal import terminal

from mnist_mlp.training.callbacks.progress_bar import EpochProgress, interval
from mnist_mlp.training.classifier import MeanLoss

ROW = {"train_loss": 0.25, "train_accuracy": 0.91, "val_loss": 0.125, "val_accuracy": 0.925, "lr": 0.1}


def train(epochs: int, max_epochs: int, between=lambda epoch, progress: None, **row) -> None:
    """Lets the callback see a training of two batches an epoch."""
    progress, loss = EpochProgress(), MeanLoss()
    trainer = SimpleNamespace(max_epochs=max_epochs, num_training_batches=2, current_epoch=0)
    progress._trainer = trainer
    progress.on_train_start(trainer, SimpleNamespace(train_metrics={"loss": loss}))
    for epoch in range(epochs):
        trainer.current_epoch = epoch
        progress.on_train_epoch_start(trainer, None)
        for batch in range(2):
            loss.update(torch.tensor([2.0]), torch.tensor([8]))
            progress.on_train_batch_end(trainer, None, None, None, batch)
            between(epoch, progress)
        loss.reset()
        progress.on_epoch(trainer, SimpleNamespace(rows=[ROW | {"epoch": epoch + 1} | row]))
    progress.on_train_end(trainer, None)


@pytest.mark.parametrize(("loss", "shown"), [(43.90051, "43.9"), (1249.57, "1.25e+03"), (9.99999, "10")])
def test_a_large_loss_is_not_glued_to_the_epoch(capsys, loss, shown):
    train(1, 1, train_loss=loss)
    assert capsys.readouterr().out.splitlines()[-1].split()[:2] == ["1", shown]


def test_off_a_terminal_there_is_a_plain_row_for_each_epoch(capsys):
    train(2, 2)
    out, err = capsys.readouterr()
    header, columns, *rows = out.splitlines()
    assert header.split() == ["training", "validation"]
    assert columns.split() == ["epoch", "loss", "accuracy", "loss", "accuracy", "seconds"]
    assert [row.split() for row in rows] == [[n, "0.2500", "91.00%", "0.1250", "92.50%", "0.0"] for n in "12"]
    assert not err
    assert "\r" not in out


def test_without_validation_its_columns_are_empty(capsys):
    train(1, 1, val_loss=None, val_accuracy=None)
    assert capsys.readouterr().out.splitlines()[-1].split() == ["1", "0.2500", "91.00%", "0.0"]


@pytest.mark.parametrize(
    ("epochs", "max_epochs", "shown"),
    [(3, 3, [1, 2, 3]), (40, 40, list(range(1, 41))), (10, 50, [1, 2, 4, 6, 8, 10]), (7, 200, [1, 5, 7])],
)
def test_of_many_epochs_some_are_left_out_but_not_the_last(capsys, monkeypatch, epochs, max_epochs, shown):
    monkeypatch.setattr("mnist_mlp.training.callbacks.progress_bar.MAX_SILENCE", 1e9)
    train(epochs, max_epochs)
    assert [int(row.split()[0]) for row in capsys.readouterr().out.splitlines()[2:]] == shown


def test_no_epoch_is_left_out_after_a_long_silence(capsys, monkeypatch):
    monkeypatch.setattr("mnist_mlp.training.callbacks.progress_bar.MAX_SILENCE", 0)
    train(7, 200)
    assert len(capsys.readouterr().out.splitlines()) == 2 + 7


def test_there_are_never_more_rows_than_a_few_screens():
    for epochs in range(1, 3000):
        assert epochs / interval(epochs) <= 40


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
def test_the_line_shows_the_epoch_that_is_trained_and_the_validation_of_the_last(monkeypatch, columns):
    monkeypatch.setenv("TERM", "xterm")
    seen = []

    def look(epoch, progress):
        screen.read()
        progress.line.refresh()
        seen.append((epoch, screen.read()))

    with terminal(columns) as screen:
        train(2, 4, look)
        end = screen.read()
    assert all(f"epoch {epoch + 1}/4  " in text for epoch, text in seen)
    assert "loss 2.0000" in seen[0][1]  # within the first epoch
    assert "validation 92.50%" in seen[2][1]
    assert ("accuracy 91.00%" in seen[2][1]) == (columns >= 80)
    assert all(len(line) <= columns for line in end.split("\r")[-1].splitlines())


def test_the_other_processes_show_nothing(capsys):
    progress = EpochProgress()
    progress.disable()
    progress.on_train_start(SimpleNamespace(), None)
    progress.on_epoch(SimpleNamespace(), None)
    progress.on_train_end(None, None)
    assert capsys.readouterr() == ("", "")
