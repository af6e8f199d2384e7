from types import SimpleNamespace

import pytest

from mnist_mlp.sweeps import figures
from mnist_mlp.sweeps.axes import score_axis, shown
from mnist_mlp.sweeps.comparison import Difference, Setting
from mnist_mlp.sweeps.scores import TEST_ACCURACY, VAL_ACCURACY, Score


def setting(*values, accuracies=(0.97, 0.98), difference=0.0):
    rows = [
        {"epoch": n, "val_accuracy": 1 - 0.5 / n, "train_accuracy": 0.9, "train_loss": 1, "val_loss": 1 / n}
        for n in range(1, 6)
    ]
    runs = [
        SimpleNamespace(
            rows=rows, config={"seed": seed}, metrics=SimpleNamespace(value=lambda _, score=accuracy: score)
        )
        for seed, accuracy in enumerate(accuracies)
    ]
    return Setting(values, runs, Difference(difference, 0.01, difference + 0.01 < 0))


def drawn(settings, *factors, by=TEST_ACCURACY):
    figure = figures.draw_settings(settings, list(factors), by)
    figure.canvas.draw()  # some errors show only here
    return figure.axes


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize(
    ("values", "label", "numbers"),
    [
        ([0.1, 0, 0.3], "key", [0.1, 0, 0.3]),
        ([[64, 64], [128, 128]], "units in each of 2 hidden layers", [64, 128]),
        ([[], [128], [128, 128]], "hidden layers of 128 units", [0, 1, 2]),
        ([[64], [128, 128]], "key", None),
        ([[64, 32], [32, 16]], "key", None),
        (["sgd", "adam"], "key", None),
        ([True, False], "key", None),
    ],
)
def test_sizes(values, label, numbers):
    assert figures.sizes(values, "key") == (label, numbers)


def test_numbers_are_a_line_in_ascending_order():
    left, right = drawn([setting(0.3), setting(0.1), setting(0.5)], "model.dropout")
    assert list(left.lines[0].get_xdata()) == [0.1, 0.3, 0.5]
    assert left.get_xscale() == "linear"
    assert legend(right) == ["0.1", "0.3", "0.5"]


def test_numbers_over_a_decade_have_a_logarithmic_axis():
    left, _ = drawn([setting(16), setting(64), setting(256)], "data.batch_size")
    assert left.get_xscale() == "log"
    assert [text.get_text() for text in left.get_xticklabels()] == ["16", "64", "256"]


def test_names_are_rows_the_best_at_the_top():
    left, _ = drawn([setting("adam"), setting("sgd")], "optimizer")
    assert [text.get_text() for text in left.get_yticklabels()] == ["adam", "sgd"]
    assert left.yaxis_inverted()


def test_two_factors_are_a_heat_map():
    settings = [setting("adam", 0.3), setting("sgd", 0.1, difference=-0.1), setting("adam", 0.1)]
    left, *_ = drawn(settings, "optimizer", "model.dropout")
    assert left.images[0].get_array().shape == (2, 2)
    assert [text.get_text() for text in left.get_xticklabels()] == ["0.1", "0.3"]
    assert [text.get_weight() for text in left.texts] == ["bold", "normal", "bold"]
    assert [text.get_text().endswith("best") for text in left.texts] == [True, False, False]


def test_without_a_factor_training_is_drawn_by_epoch():
    left, right = drawn([setting()])
    assert left.get_xlabel() == "epochs of training"
    assert legend(right) == ["training", "validation"]


def test_one_seed_and_many_settings_can_be_drawn():
    settings = [setting(f"name{n}", accuracies=(0.9,)) for n in range(30)]
    _, right = drawn(settings, "model")
    assert len(legend(right)) == figures.MAX_LINES


@pytest.mark.parametrize("values", [("adam", "sgd"), (0.1, 0.3)])
def test_the_mark_of_a_setting_that_is_worse_is_hollow(values):
    best, worse = values
    left, _ = drawn([setting(best), setting(worse, difference=-0.1)], "some.key")
    marks = [line for line in left.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert [mark.get_markerfacecolor() == "white" for mark in marks] == [False, True]
    assert legend(left)[-2:] == ["not told apart from the best", "worse"]


def test_two_seeds_whose_interval_is_wide_leave_the_runs_in_view():
    settings = [setting("adam", accuracies=(0.975, 0.979)), setting("sgd", accuracies=(0.94, 0.941))]
    left, _ = drawn(settings, "optimizer")
    low, high = left.get_xlim()
    assert settings[0].interval("test_accuracy") > 0.02  # beyond 99.9 %
    assert 0.85 < low < 0.94
    assert 0.979 < high < 0.995


def test_an_accuracy_axis_says_that_it_is_logarithmic():
    left, right = drawn([setting("adam"), setting("sgd")], "optimizer")
    assert left.get_xlabel() == "test accuracy (%, logarithmic in the error)"
    assert right.get_ylabel() == "validation accuracy (%, logarithmic in the error)"


@pytest.mark.parametrize(("trials", "title"), [(3, "from 3 trials, which is a hint at best"), (20, "")])
def test_importances_from_few_trials_say_so(trials, title):
    _, right = figures.draw_search([0.9] * trials, {"optimizer.lr": 0.7, "model.dropout": 0.3}, VAL_ACCURACY).axes
    assert right.get_title() == title


def test_search():
    figure = figures.draw_search([0.9, 0.8, 0.95], {"optimizer.lr": 0.7, "model.dropout": 0.3}, VAL_ACCURACY)
    figure.canvas.draw()
    left, right = figure.axes
    assert list(left.lines[0].get_ydata()) == [0.9, 0.9, 0.95]
    assert [text.get_text() for text in right.get_yticklabels()] == ["optimizer.lr", "model.dropout"]


@pytest.mark.parametrize(
    ("accuracies", "labels"),
    [
        ((0.6, 0.984), ["80", "90", "95", "98"]),
        ((0.92, 0.984), ["92", "93", "94", "95", "96", "97", "98"]),
        ((0.97, 0.98), ["97", "97.2", "97.4", "97.6", "97.8", "98"]),
        ((0.9, 1), ["90", "95", "98", "99", "99.5", "99.8", "99.9"]),
        ((0, 1), ["10", "80", "95", "99", "99.8"]),
    ],
)
def test_accuracy_axis_has_labels_that_can_be_read(accuracies, labels):
    figure, axes, _ = figures.two_charts()
    axes.plot(shown(accuracies, TEST_ACCURACY))
    score_axis(axes, "y", TEST_ACCURACY)
    figure.canvas.draw()
    low, high = axes.get_ylim()
    ticks = [tick for tick in axes.yaxis.get_majorticklabels() if low <= tick.get_position()[1] <= high]
    assert [tick.get_text() for tick in ticks] == labels


@pytest.mark.parametrize("accuracy", [0, 0.1, 0.5, 0.97, 1])
def test_runs_of_equal_accuracy_are_in_view(accuracy):
    left, _ = drawn([setting(name, accuracies=(accuracy,)) for name in ("adam", "sgd")], "optimizer")
    low, high = left.get_xlim()
    assert 0 < low < shown(accuracy, TEST_ACCURACY) < high < 1


VAL_LOSS = Score("val_loss", "min", is_fraction=False)


def test_a_search_for_a_low_loss_shows_losses_and_the_lowest_so_far():
    left, right = figures.draw_search([0.9, 1.8, 0.7], {"optimizer.lr": 0.7}, VAL_LOSS).axes
    assert list(left.lines[0].get_ydata()) == [0.9, 0.9, 0.7]
    assert left.get_ylabel() == "val_loss"
    assert left.get_yscale() == "linear"
    assert "val_loss" in right.get_xlabel()


@pytest.mark.parametrize("factors", [("optimizer",), ("optimizer", "model")])
def test_a_loss_that_ranks_is_what_is_drawn(factors):
    settings = [setting("adam", "mlp", accuracies=(1.2, 1.4)), setting("sgd", "wide", accuracies=(2.5, 2.7))]
    left, right, *_ = drawn(settings, *factors, by=VAL_LOSS)
    assert right.get_ylabel() == "val_loss"
    assert list(right.lines[0].get_ydata()) == [1 / n for n in range(1, 6)]
    if factors == ("optimizer",):
        low, high = left.get_xlim()
        assert -1 < low < 1.2 and 2.7 < high < 5  # of the wide intervals of two seeds a part
    else:
        assert {text.get_text().splitlines()[0] for text in left.texts} == {"1.3000", "2.6000"}
