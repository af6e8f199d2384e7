from types import SimpleNamespace

import pytest

from mnist_mlp.sweeps import figures as effects


def setting(*values, accuracies=(0.97, 0.98)):
    history = [
        {"epoch": n, "val_accuracy": 1 - 0.5 / n, "train_accuracy": 0.9, "train_loss": 1, "val_loss": 1 / n}
        for n in range(1, 6)
    ]
    return SimpleNamespace(
        values=values,
        runs=[SimpleNamespace(history=history) for _ in accuracies],
        figures=lambda metric: list(accuracies),
        mean=lambda metric: sum(accuracies) / len(accuracies),
        interval=lambda metric: 0.002 if len(accuracies) > 1 else float("nan"),
    )


def drawn(settings, *factors):
    figure = effects.picture(settings, list(factors), "test_accuracy")
    figure.canvas.draw()  # what is wrong in a picture often fails only here
    return figure.axes


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
    assert effects.sizes(values, "key") == (label, numbers)


def test_a_number_is_a_curve_in_its_order(capsys):
    left, right = drawn([setting(0.3), setting(0.1), setting(0.5)], "model.dropout")
    assert list(left.lines[0].get_xdata()) == [0.1, 0.3, 0.5]
    assert left.get_xscale() == "linear"
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["0.1", "0.3", "0.5"]


def test_a_number_over_decades_has_a_logarithmic_axis():
    left, _ = drawn([setting(16), setting(64), setting(256)], "data.batch_size")
    assert left.get_xscale() == "log"
    assert [text.get_text() for text in left.get_xticklabels()] == ["16", "64", "256"]


def test_names_are_points_the_best_at_the_top():
    left, _ = drawn([setting("adam"), setting("sgd")], "optimizer")
    assert [text.get_text() for text in left.get_yticklabels()] == ["adam", "sgd"]
    assert left.yaxis_inverted()


def test_two_factors_are_a_table_in_colours():
    left, *_ = drawn([setting("adam", 0.3), setting("sgd", 0.1), setting("adam", 0.1)], "optimizer", "model.dropout")
    assert left.images[0].get_array().shape == (2, 2)
    assert [text.get_text() for text in left.get_xticklabels()] == ["0.1", "0.3"]
    assert left.texts[0].get_weight() == "bold"
    assert left.texts[1].get_weight() == "normal"


def test_without_a_factor_the_length_of_the_training_is_the_effect():
    left, right = drawn([setting()])
    assert left.get_xlabel() == "epochs of training"
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["training", "validation"]


def test_one_seed_and_many_settings_can_be_drawn():
    settings = [setting(f"name{n}", accuracies=(0.9,)) for n in range(30)]
    _, right = drawn(settings, "model")
    assert len(right.get_legend().get_texts()) == effects.LEGEND


def test_a_search():
    figure = effects.search_picture([0.9, 0.8, 0.95], {"optimizer.lr": 0.7, "model.dropout": 0.3})
    figure.canvas.draw()
    left, right = figure.axes
    assert list(left.lines[0].get_ydata()) == [0.9, 0.9, 0.95]
    assert [text.get_text() for text in right.get_yticklabels()] == ["optimizer.lr", "model.dropout"]
