import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mnist_mlp.sweeps.comparison import factors_of, half_width, interval, read_runs, settings_of
from mnist_mlp.sweeps.scores import TEST_ACCURACY, VAL_ACCURACY


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
    settings = settings_of(read_runs([tmp_path]), ["model.dropout"], TEST_ACCURACY)
    assert [(setting.values, len(setting.runs)) for setting in settings] == [((0.3,), 2), ((0.1,), 2), ((0.5,), 1)]
    assert settings[0].mean("test_accuracy") == pytest.approx(0.96)


def test_the_same_seed_twice_counts_once(tmp_path, add_run):
    for sweep in "ab":
        add_run(0.9, sweep=sweep, model__dropout=0.1, seed=0)
    (setting,) = settings_of(read_runs([tmp_path]), [], TEST_ACCURACY)
    assert len(setting.runs) == 1


@pytest.fixture
def differences(tmp_path, add_run):
    """The differences to the best, by dropout, of runs with the given test accuracies; None for a seed left out."""

    def found(**accuracies):
        for number, (_, seeds) in enumerate(accuracies.items()):
            for seed, accuracy in enumerate(seeds):
                if accuracy is not None:
                    add_run(accuracy, model__dropout=number, seed=seed)
        settings = settings_of(read_runs([tmp_path]), ["model.dropout"], TEST_ACCURACY)
        return {list(accuracies)[setting.values[0]]: setting.difference for setting in settings}

    return found


def test_two_settings_are_compared_seed_by_seed(differences):
    found = differences(a=(0.95, 0.93, 0.94), b=(0.947, 0.928, 0.936))
    assert found["b"].mean == pytest.approx(-0.003)  # of -0.003, -0.002, -0.004
    assert found["b"].half_width == pytest.approx(4.302653 * 0.001 / math.sqrt(3), rel=1e-5)
    assert found["b"].is_worse  # although the intervals of the means, 0.025 each, overlap
    assert not found["a"].is_worse


def test_more_settings_widen_the_interval_but_say_more_of_what_is_random(differences):
    found = differences(a=(0.95, 0.93, 0.94), b=(0.949, 0.929, 0.942), c=(0.947, 0.928, 0.936))
    freedom, pairs = 4, 3
    block = np.array([[0.95, 0.93, 0.94], [0.949, 0.929, 0.942], [0.947, 0.928, 0.936]])
    residuals = block - block.mean(1, keepdims=True) - block.mean(0) + block.mean()
    t = float(stats.t.ppf(1 - 0.025 / pairs, freedom))
    assert found["c"].half_width == pytest.approx(t * math.sqrt(2 * (residuals**2).sum() / freedom / 3))


def test_a_setting_that_diverged_does_not_hide_the_others(differences):
    without = differences(a=(0.95, 0.93, 0.94), b=(0.945, 0.926, 0.934))
    found = differences(a=(0.95, 0.93, 0.94), b=(0.945, 0.926, 0.934), c=(0.1, 0.9, 0.5))
    assert found["b"].mean == without["b"].mean
    assert found["b"].half_width < 3 * without["b"].half_width  # for the three pairs


@pytest.mark.parametrize(
    ("other", "mean"),
    [((0.9, None), -0.05), ((None, 0.9), -0.06), ((0.94, 0.95), -0.01), ((None, None, 0.9), math.nan)],
)
def test_what_cannot_be_told_is_not_called_worse(differences, other, mean):
    """One common seed; equal differences, as of few test images; no common seed."""
    found = differences(best=(0.95, 0.96), other=other)["other"]
    assert found.mean == pytest.approx(mean, nan_ok=True)
    assert math.isnan(found.half_width)
    assert not found.is_worse


def test_equal_settings_are_seldom_called_worse():
    """In 95 % of reports on equal settings none is: the best is chosen by the data."""
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(2000):
        block = random.normal(size=(4, 5))
        block = block[np.argsort(-block.mean(1))]
        wrong += any(
            block[place].mean() - block[0].mean() + half_width(block[: place + 1], 6) < 0 for place in (1, 2, 3)
        )
    assert wrong <= 0.05 * 2000


def test_settings_without_the_metric_come_last(tmp_path, add_run):
    add_run(0.9, model__dropout=0.1)
    run = add_run(0.95, model__dropout=0.3)
    run.write_metrics(replace(run.read_metrics(), val_accuracy=None))
    settings = settings_of(read_runs([tmp_path]), ["model.dropout"], VAL_ACCURACY)
    assert [setting.values for setting in settings] == [(0.1,), (0.3,)]
