import csv
import json
import math

import pytest
import yaml

from mnist_mlp.errors import InputError
from mnist_mlp.sweeps.report import (
    Run,
    command,
    epoch_rows,
    factors_of,
    interval,
    like_the_best,
    read_runs,
    report,
    settings_of,
)

CONFIG = {
    "model": {"dropout": 0.3, "hidden_sizes": [128, 128]},
    "optimizer": {"lr": 0.001},
    "data": {"batch_size": 128},
    "trainer": {"max_epochs": 5},
    "seed": 0,
    "checkpoint": None,
}


@pytest.fixture
def add_run(tmp_path):
    """Writes the folder of a run with these overrides and test accuracy, or of a failed one without."""

    def write(test_accuracy=None, error=None, sweep="sweep", choices=None, **overrides):
        overrides = {key.replace("__", "."): value for key, value in overrides.items()}
        folder = tmp_path / sweep / ",".join(f"{key}={value}" for key, value in overrides.items())
        (folder / ".hydra").mkdir(parents=True)
        config = json.loads(json.dumps(CONFIG))
        for key, value in overrides.items():
            group, _, name = key.partition(".")
            if name:
                config[group][name] = value
            elif key == "seed":
                config[key] = value
        hydra = {"hydra": {"runtime": {"choices": {"optimizer": "adam", **(choices or {})}}}}
        typed = [f"{key}={value}" for key, value in overrides.items()]
        for name, content in (("overrides", typed), ("config", config), ("hydra", hydra)):
            (folder / f".hydra/{name}.yaml").write_text(yaml.safe_dump(content))
        if error:
            (folder / "error.txt").write_text(error)
        if test_accuracy is not None:
            metrics = {"test_accuracy": test_accuracy, "test_loss": 0.1, "fit_seconds": 2.0}
            metrics["val_accuracy"] = test_accuracy - 0.01
            (folder / "metrics.json").write_text(json.dumps(metrics))
            rows = [f"{epoch},{2 / epoch},0.{80 + epoch},{1 / epoch},0.{79 + epoch},0.1" for epoch in range(1, 13)]
            header = "epoch,train_loss,train_accuracy,val_loss,val_accuracy,lr"
            (folder / "metrics.csv").write_text("\n".join([header, *rows]) + "\n")
        return folder

    return write


def test_interval_is_students():
    assert interval([1.0, 2.0, 3.0]) == pytest.approx(4.302653 / math.sqrt(3))  # t of 2 degrees, sd 1
    assert math.isnan(interval([1.0]))


def test_factors_are_what_someone_typed_and_what_differs(tmp_path, add_run):
    add_run(0.9, model__dropout=0.3, seed=0, data__batch_size=64)
    add_run(0.9, model__dropout=0.3, seed=1, data__batch_size=64)
    add_run(0.9, model__dropout=0.5, seed=0, data__batch_size=64)
    assert factors_of(read_runs([tmp_path])) == ["model.dropout"]


def test_what_one_run_does_not_say_is_read_from_its_config(tmp_path, add_run):
    add_run(0.9, sweep="a", seed=0)
    add_run(0.9, sweep="b", seed=0, optimizer="sgd", choices={"optimizer": "sgd"})
    add_run(0.9, sweep="c", seed=0, model__dropout=0.3)
    add_run(0.9, sweep="d", seed=0, model__dropout=0.1)
    runs = read_runs([tmp_path / name for name in "abcd"])
    assert factors_of(runs) == ["model.dropout", "optimizer"]
    assert [tuple(map(run.chosen, ("model.dropout", "optimizer"))) for run in runs] == [
        (0.3, "adam"),
        (0.3, "sgd"),
        (0.3, "adam"),
        (0.1, "adam"),
    ]


def test_settings_are_means_over_seeds_the_best_first(tmp_path, add_run):
    for dropout, accuracies in ((0.1, (0.90, 0.92)), (0.3, (0.95, 0.97)), (0.5, (0.5,))):
        for seed, accuracy in enumerate(accuracies):
            add_run(accuracy, model__dropout=dropout, seed=seed)
    add_run(error="nan", model__dropout=0.5, seed=1)
    settings = settings_of(read_runs([tmp_path]), ["model.dropout"], "test_accuracy")
    assert [(setting.values, len(setting.runs)) for setting in settings] == [((0.3,), 2), ((0.1,), 2), ((0.5,), 1)]
    assert settings[0].mean("test_accuracy") == pytest.approx(0.96)


def test_the_same_seed_twice_counts_once(tmp_path, add_run):
    for sweep in "ab":
        add_run(0.9, sweep=sweep, model__dropout=0.1, seed=0)
    (setting,) = settings_of(read_runs([tmp_path]), [], "test_accuracy")
    assert len(setting.runs) == 1


def test_settings_whose_intervals_overlap_are_not_distinguishable(tmp_path, add_run):
    for dropout, accuracies in (
        (0.1, (0.950, 0.951, 0.952)),
        (0.3, (0.951, 0.952, 0.953)),
        (0.5, (0.90, 0.901, 0.902)),
    ):
        for seed, accuracy in enumerate(accuracies):
            add_run(accuracy, model__dropout=dropout, seed=seed)
    add_run(0.94, model__dropout=0.0, seed=0)
    settings = settings_of(read_runs([tmp_path]), ["model.dropout"], "test_accuracy")
    said = {setting.values[0]: like_the_best(setting, settings[0], "test_accuracy") for setting in settings}
    assert said == {
        0.3: "best",
        0.1: "not distinguishable from the best",
        0.0: "one seed, cannot be told",
        0.5: "",
    }


def test_epochs_of_one_setting(tmp_path, add_run):
    add_run(0.9, seed=0)
    add_run(0.9, seed=1)
    (setting,) = settings_of(read_runs([tmp_path]), [], "test_accuracy")
    rows = epoch_rows(setting)
    assert [row[0] for row in rows] == ["epochs", "1", "2", "5", "10", "12"]
    assert rows[2][1:] == ["81.00 ± 0.00", "82.00 ± 0.00", "0.5000"]


def test_report_of_a_sweep(tmp_path, add_run, capsys):
    for seed, accuracy in enumerate((0.95, 0.96, 0.97)):
        add_run(accuracy, model__dropout=0.1, seed=seed)
    add_run(0.8, model__dropout=0.5, seed=0)
    add_run(error="train_loss became nan", model__dropout=0.5, seed=1)
    add_run(model__dropout=0.5, seed=2)
    sweep = tmp_path / "sweep"
    (sweep / "multirun.yaml").write_text(
        yaml.safe_dump({"hydra": {"overrides": {"hydra": ["hydra.mode=MULTIRUN"], "task": ["study=x", "seed=0,1,2"]}}})
    )
    assert report([sweep]) == 2

    shown = capsys.readouterr().out
    summary = (sweep / "summary.md").read_text()
    assert summary.startswith("# python train.py study=x seed=0,1,2\n")
    for text in (shown, summary):
        assert "| 0.1           | 96.00 ± 2.48    | 1.00 | 95.00 ± 2.48          | 3     | 2.0     | best " in text
        assert "| 0.5           | 80.00           |      |" in text
        assert "| one seed, cannot be told |" in text
        assert "- model.dropout=0.5,seed=1: train_loss became nan" in text
        assert "- model.dropout=0.5,seed=2: not finished" in text
    with (sweep / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["model.dropout"], row["seed"], row["test_accuracy"]) for row in rows[:3]] == [
        ("0.1", "0", "0.95"),
        ("0.1", "1", "0.96"),
        ("0.1", "2", "0.97"),
    ]
    assert [row["error"] for row in rows[3:]] == ["", "train_loss became nan", "not finished"]
    assert (sweep / "summary.png").read_bytes().startswith(b"\x89PNG")


def test_report_of_several_folders_lies_above_them(tmp_path, add_run):
    add_run(0.9, sweep="all/a", model__dropout=0.1)
    add_run(0.9, sweep="all/b", model__dropout=0.5)
    assert report([tmp_path / "all/a", tmp_path / "all/b"]) == 0
    assert "| 0.5 " in (tmp_path / "all/summary.md").read_text()


def test_a_trials_command_trains_it_again(tmp_path, add_run):
    folder = add_run(0.9, search="optuna", model="mlp", optimizer__lr=0.01)
    assert command(Run.read(folder)) == "python train.py model=mlp optimizer.lr=0.01 trainer.max_epochs=5"


def test_no_runs(tmp_path):
    with pytest.raises(InputError, match="no run folder, nor one that holds any"):
        report([tmp_path])


@pytest.mark.parametrize(
    "content", ["", "{", "[1, 2]", "{}", '{"test_accuracy": "high", "val_accuracy": 1}', "[" * 9999]
)
def test_a_run_whose_metrics_are_damaged_is_without_result(tmp_path, add_run, content):
    add_run(0.9, seed=0)
    (add_run(0.9, seed=1) / "metrics.json").write_text(content)
    runs = read_runs([tmp_path])
    assert [bool(run.metrics) for run in runs] == [True, False]
    assert report([tmp_path]) == 1


@pytest.mark.parametrize("file", ["metrics.csv", ".hydra/overrides.yaml", ".hydra/config.yaml", ".hydra/hydra.yaml"])
@pytest.mark.parametrize("content", [None, "", "a,b\n1", "[", "{}"])
def test_one_damaged_run_costs_no_other_its_place_in_the_report(tmp_path, add_run, file, content):
    add_run(0.9, model__dropout=0.1)
    add_run(0.9, model__dropout=0.3)
    path = add_run(0.9, model__dropout=0.5) / file
    path.write_text(content) if content is not None else path.unlink()
    report([tmp_path])
    assert "| 0.3 " in (tmp_path / "summary.md").read_text()
    assert (tmp_path / "summary.png").exists()
