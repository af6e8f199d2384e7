"""A run from config to run folder, in this process."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from support.commands import composed
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from mnist_mlp.data import datasets
from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.training import build
from mnist_mlp.training import run as training

SMALL = ["model.hidden_sizes=[32]", "data.batch_size=32", "trainer=cpu"]


def train(folder: Path, root: Path, *overrides: object) -> dict:
    config = composed(f"data.root={root}", "trainer.max_epochs=4", *SMALL, *overrides)
    return json.loads(training.train(config, folder).to_json())


def events(folder: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    accumulator.Reload()
    return accumulator


def test_the_run_folder(trained_run):
    run, _, metrics, _ = trained_run
    assert run.read_metrics() == metrics
    rows = run.rows
    assert [row["epoch"] for row in rows] == list(range(1, 9))
    best = max(rows, key=lambda row: row["val_accuracy"])
    assert (metrics.best_epoch, metrics.val_accuracy, metrics.val_loss) == tuple(
        best[key] for key in ("epoch", "val_accuracy", "val_loss")
    )
    assert (metrics.data, metrics.epochs, metrics.seed) == ("mnist", 8, 0)
    per_unit = 1 + 2  # a bias, and a scale and a shift of batch normalisation
    assert metrics.parameters == (784 + per_unit) * 64 + (64 + per_unit) * 32 + (32 + 1) * 10
    assert 0.8 < metrics.test_accuracy < 1
    assert metrics.fit_seconds > 0
    assert 0.1 < metrics.threshold < 1
    with Image.open(run.curves) as image:
        assert image.width > 500


def test_a_run_prints_its_data_network_result_and_folder(trained_run):
    shown = trained_run.output
    assert "512 images to train on, 128 to validate, 200 to test, 10 classes" in shown
    assert f"{trained_run.metrics.parameters:,}" in shown
    assert f"test accuracy {trained_run.metrics.test_accuracy:.2%}" in shown
    assert str(trained_run.folder.path) in shown
    assert "tensorboard --logdir" in shown


def test_the_checkpoints_are_plain_and_the_best_is_what_was_tested(tmp_path, mnist_root):
    metrics = train(tmp_path, mnist_root, "optimizer.lr=0.05")  # high, so that the last epoch is not the best
    best, last = (torch.load(tmp_path / f"checkpoints/{name}.ckpt", weights_only=True) for name in ("best", "last"))
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    assert (best["epoch"] + 1, last["epoch"] + 1) == (metrics["best_epoch"], 4)

    config = composed(f"data.root={mnist_root}", *SMALL)
    data = build.build_data(config)
    classifier = build.build_classifier(config, data)
    classifier.load_state_dict(best["state_dict"])
    images, labels = data.parts["test"]
    accuracy = (classifier.eval()(images / 255).argmax(1) == labels).float().mean().item()
    assert accuracy == pytest.approx(metrics["test_accuracy"])


def test_two_runs_of_a_seed_are_the_same_run(tmp_path, mnist_root):
    for name, seed in (("first", 0), ("same", 0), ("other", 1)):
        train(tmp_path / name, mnist_root, f"seed={seed}")
    table = {name: (tmp_path / name / "metrics.csv").read_text() for name in ("first", "same", "other")}
    assert table["first"] == table["same"] != table["other"]
    first, same = (
        torch.load(tmp_path / name / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
        for name in ("first", "same")
    )
    assert all(torch.equal(first[key], same[key]) for key in first)


def test_a_continued_run_is_the_run_that_never_stopped(tmp_path, mnist_root):
    train(tmp_path / "whole", mnist_root)
    train(tmp_path / "halves", mnist_root, "trainer.max_epochs=2")
    train(tmp_path / "halves", mnist_root, f"checkpoint={tmp_path}/halves/checkpoints/last.ckpt")
    whole, halves = (tmp_path / name for name in ("whole", "halves"))
    assert (whole / "metrics.csv").read_text() == (halves / "metrics.csv").read_text()
    assert json.loads((halves / "metrics.json").read_text())["epochs"] == 4


ALL_OPTIONS = ["augment=handwriting", "average=ema", "average.decay=0.9", "model.batch_norm=true", "model.dropout=0.1"]
ALL_OPTIONS += ["loss.label_smoothing=0.1", "trainer.gradient_clip_val=0.5", "trainer.precision=bf16-mixed"]
ALL_OPTIONS += ["data.outliers=0.1", "data.hands=0.2"]
ALL_OPTIONS += ["trainer.max_epochs=4"]  # as many in each part: a schedule covers the whole run


def test_a_run_with_all_options_that_is_stopped_and_continued(tmp_path, mnist_root, few_drawings, monkeypatch):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    options = [*ALL_OPTIONS, "scheduler=cosine"]
    train(whole, mnist_root, *options)
    save = training.save_last_and_best

    def stop_after_two(trainer, history):
        save(trainer, history)
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt, match="2 of 4 epochs are kept"):
        patch.setattr(training, "save_last_and_best", stop_after_two)
        train(stopped, mnist_root, *options)
    train(stopped, mnist_root, *options, f"checkpoint={stopped}/checkpoints/last.ckpt")
    assert (whole / "metrics.csv").read_text() == (stopped / "metrics.csv").read_text()
    states = [torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"] for run in (whole, stopped)]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    assert any(key.startswith("average.module") for key in states[0])


def test_distorted_training_shows_a_picture_of_it(tmp_path, mnist_root):
    train(tmp_path, mnist_root, "augment=distort", "trainer.max_epochs=1")
    assert (tmp_path / "augmentation.png").read_bytes().startswith(b"\x89PNG")
    images = events(tmp_path / "result").Tags()["images"]
    assert "augmentation" in images


def test_continuing_a_finished_run_tests_it_again(tmp_path, mnist_root):
    first = train(tmp_path, mnist_root)
    assert train(tmp_path, mnist_root, f"checkpoint={tmp_path}/checkpoints/last.ckpt") == first


def test_a_run_that_early_stopping_ended_is_finished(tmp_path, no_pictures, capsys):
    typed = ["data=digits", "model=perceptron", "trainer=cpu", "trainer.max_epochs=9", "callbacks=early_stopping"]
    typed += ["callbacks.early_stopping.patience=1", "+callbacks.early_stopping.min_delta=0.9"]
    training.train(composed(*typed), tmp_path)
    rows = RunFolder(tmp_path).rows
    assert len(rows) < 9
    last = tmp_path / "checkpoints/last.ckpt"
    training.train(composed(*typed, f"checkpoint={last}", "trainer.max_epochs=20"), tmp_path)
    assert RunFolder(tmp_path).rows == rows
    assert f"early stopping ended this run after epoch {len(rows)}" in capsys.readouterr().out


def test_fewer_epochs_than_are_done_are_refused(tmp_path, mnist_root):
    train(tmp_path, mnist_root)
    with pytest.raises(InputError, match="trainer.max_epochs=3: .*last.ckpt has 4 epochs already"):
        train(tmp_path, mnist_root, "trainer.max_epochs=3", f"checkpoint={tmp_path}/checkpoints/last.ckpt")


def test_a_test_loss_that_is_not_finite(tmp_path, mnist_root, monkeypatch, capsys):
    evaluate = training.evaluate
    monkeypatch.setattr(training, "evaluate", lambda *parts: evaluate(*parts)._replace(loss=float("nan")))
    metrics = train(tmp_path, mnist_root, "trainer.max_epochs=1")
    assert (metrics["test_loss"], metrics["warning"]) == (None, "test_loss is nan")
    assert "warning: test_loss is nan" in capsys.readouterr().err


@pytest.mark.parametrize("scheduler", ["cosine", "one_cycle", "warmup_cosine"])
def test_a_schedule_stretches_over_a_run_that_is_made_longer(tmp_path, mnist_root, scheduler):
    settings = [f"scheduler={scheduler}", "optimizer.lr=0.01"]
    train(tmp_path, mnist_root, *settings, "trainer.max_epochs=2")
    train(tmp_path, mnist_root, *settings, "trainer.max_epochs=4", f"checkpoint={tmp_path}/checkpoints/last.ckpt")
    rates = [row["lr"] for row in RunFolder(tmp_path).rows]
    assert len(rates) == 4
    assert rates[3] > 1e-4


def test_tensorboard(trained_run):
    path = trained_run.folder.path
    for part in ("train", "validation"):
        scalars = events(path / part)
        assert [event.step for event in scalars.Scalars("accuracy")] == list(range(1, 9))
        assert [event.step for event in scalars.Scalars("loss")] == list(range(1, 9))
    run = EventAccumulator(str(path / "result"), size_guidance={"scalars": 0, "images": 0, "tensors": 0}).Reload()
    tags = run.Tags()
    assert {"confusion", "misread"} <= set(tags["images"])
    assert tags["scalars"] == ["test_accuracy", "val_accuracy"]
    assert "config/text_summary" in tags["tensors"]
    assert b"hidden_sizes" in run.Tensors("config/text_summary")[0].tensor_proto.string_val[0]
    assert tags["graph"]
    assert run.Scalars("test_accuracy")[0].value == pytest.approx(trained_run.metrics.test_accuracy)
    plugin = run.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    hparams = HParamsPluginData.FromString(plugin).session_start_info.hparams
    assert hparams["optimizer.lr"].number_value == 0.001
    assert hparams["model.hidden_sizes"].string_value == "[64, 32]"
    assert hparams["optimizer"].string_value == "Adam"


def test_a_diverging_run_says_when_and_keeps_its_best_epoch(tmp_path, mnist_root):
    settings = ["optimizer=sgd", "trainer.max_epochs=30", "optimizer.momentum=1.9", "optimizer.lr=0.001"]
    with pytest.raises(InputError, match=r"loss became \w+ in epoch \d+.*optimizer.lr.*best.ckpt"):
        train(tmp_path, mnist_root, *settings)
    assert torch.load(tmp_path / "checkpoints/best.ckpt", weights_only=True)["epoch"] < 30
    assert "nan" not in (tmp_path / "metrics.csv").read_text()
    assert (tmp_path / "curves.png").exists()
    assert not (tmp_path / "metrics.json").exists()


def test_without_validation_the_last_epoch_is_kept(tmp_path, mnist_root):
    metrics = train(tmp_path, mnist_root, "+trainer.limit_val_batches=0")
    assert metrics["best_epoch"] == 4
    assert metrics["val_accuracy"] is None


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "damaged, or not a checkpoint"), (b"PK\x03\x04 junk", "damaged"), (None, "another model")],
)
def test_a_checkpoint_that_does_not_fit(tmp_path, mnist_root, content, message):
    path = tmp_path / "bad.ckpt"
    if content is None:
        torch.save({"state_dict": {"network.0.weight": torch.zeros(3, 3)}, "callbacks": {}}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        train(tmp_path / "run", mnist_root, f"checkpoint={path}")


def test_an_optimizer_rejects_an_argument(tmp_path, mnist_root):
    with pytest.raises(InputError, match="optimizer: Invalid weight_decay"):
        train(tmp_path, mnist_root, "optimizer.weight_decay=-1")


@pytest.mark.skipif(torch.cuda.is_available() or torch.mps.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(tmp_path, mnist_root):
    with pytest.raises(InputError, match="torch sees no GPU here; trainer=auto"):
        train(tmp_path, mnist_root, "trainer=gpu")


def test_digits_reach_96_percent_without_a_network(tmp_path):
    metrics = training.train(composed("data=digits", "data.batch_size=32", "trainer.max_epochs=20"), tmp_path)
    assert metrics.test_accuracy >= 0.96


def test_a_run_starts_from_another_and_is_resumed_without_it(tmp_path, mnist_root, trained_run, no_pictures, capsys):
    start = tmp_path / "start"
    shutil.copytree(trained_run.folder.path, start)
    settings = [f"init={start}", "model.hidden_sizes=[64,32]", "model.batch_norm=true", "optimizer.lr=1e-9"]
    config = composed(f"data.root={mnist_root}", *SMALL[1:], *settings, "trainer.max_epochs=1")
    begun = training.train(config, tmp_path / "run")
    assert f"starts from {start}" in capsys.readouterr().out
    assert begun.val_accuracy == pytest.approx(trained_run.metrics.val_accuracy, abs=0.02)
    shutil.rmtree(start)
    config.trainer.max_epochs, config.checkpoint = 2, str(RunFolder(tmp_path / "run").last)
    assert training.train(config, tmp_path / "run").epochs == 2


def test_own_digits_are_learned_and_resumed_exactly(
    tmp_path, mnist_root, trained_run, no_pictures, few_drawings, capsys
):
    start = tmp_path / "start"
    shutil.copytree(trained_run.folder.path, start)
    images = datasets.read("mnist", mnist_root).test.images
    for number, image in enumerate(255 - images[:12].numpy()):
        (tmp_path / "own" / str(number % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / f"own/{number % 2}/{number}.png")
    settings = [f"data.root={mnist_root}", f"data.extra={tmp_path}/own", f"init={start}"]
    settings += ["model.hidden_sizes=[64,32]", "model.batch_norm=true", "data.batch_size=32", "trainer=cpu"]
    settings += ["scheduler=none", "trainer.check_val_every_n_epoch=1"]  # the number of epochs then changes no epoch
    config = composed("experiment=learn", "trainer.max_epochs=2", *settings)
    metrics = training.train(config, tmp_path / "whole")
    shown = capsys.readouterr().out
    assert "12 to learn from, none kept apart" in shown
    assert "own digits it learned from" in shown
    own = metrics.own_digits
    assert own["learned"]["images"] == 12
    assert own["learned"]["after"] > own["learned"]["before"]
    assert own["test"]["before"] == round(200 * trained_run.metrics.test_accuracy)
    assert RunFolder(tmp_path / "whole").read_metrics().own_digits == own

    config.trainer.max_epochs = 1
    training.train(config, tmp_path / "stopped")
    config.trainer.max_epochs, config.checkpoint = 2, str(RunFolder(tmp_path / "stopped").last)
    resumed = training.train(config, tmp_path / "stopped")
    assert replace(resumed, fit_seconds=metrics.fit_seconds) == metrics
    assert "other digits" not in capsys.readouterr().err
    RunFolder(start).best.write_bytes(b"torn")
    config.trainer.max_epochs = 3
    assert training.train(config, tmp_path / "stopped").epochs == 3
    assert re.search(f"init={start} cannot be read.*damaged.*it may have found other digits", capsys.readouterr().err)
    shutil.rmtree(start)
    config.trainer.max_epochs = 4
    assert training.train(config, tmp_path / "stopped").epochs == 4
    assert f"init={start} cannot be read" in capsys.readouterr().err
