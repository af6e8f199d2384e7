import math

import pytest

from mnist_mlp.sweeps.comparison import factors_of, interval, like_the_best, read_runs, settings_of


def test_interval_is_students_t():
    assert interval([1.0, 2.0, 3.0]) == pytest.approx(4.302653 / math.sqrt(3))  # t of 2 degrees, sd 1
    assert math.isnan(interval([1.0]))


def test_factors_were_typed_and_differ(tmp_path, add_run):
    add_run(0.9, model__dropout=0.3, seed=0, data__batch_size=64)
    add_run(0.9, model__dropout=0.3, seed=1, data__batch_size=64)
    add_run(0.9, model__dropout=0.5, seed=0, data__batch_size=64)
    assert factors_of(read_runs([tmp_path])) == ["model.dropout"]


def test_what_was_not_typed_for_a_run_is_read_from_its_config(tmp_path, add_run):
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
