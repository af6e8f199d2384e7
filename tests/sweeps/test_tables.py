import pytest

from mnist_mlp.sweeps.comparison import read_runs, settings_of
from mnist_mlp.sweeps.scores import TEST_ACCURACY, VAL_ACCURACY
from mnist_mlp.sweeps.tables import Table, epochs_table, settings_table, value_text


def test_epochs_of_one_setting(tmp_path, add_run):
    add_run(0.9, seed=0)
    add_run(0.9, seed=1)
    (setting,) = settings_of(read_runs([tmp_path]), [], TEST_ACCURACY)
    rows = epochs_table(setting).rows
    assert [row[0] for row in rows] == ["epochs", "1", "2", "5", "10", "12"]
    assert rows[2][1:] == ["81.00 ± 0.00", "82.00 ± 0.00", "0.5000"]


def test_value_text():
    assert [value_text(value) for value in ([64, 32], [], 0.1 + 0.2, 5, None)] == ["64, 32", "none", "0.3", "5", "None"]


TABLE = Table([["lr", "validation %", "test %", "seconds"], ["0.1", "97.00 ± 0.10", "96.00", "2.0"]], keep=2)


@pytest.mark.parametrize(
    ("width", "header"),
    [
        (None, "lr   validation %  test %  seconds"),
        (80, "lr   validation %  test %  seconds"),
        (34, "lr   validation %  test %  seconds"),
        (33, "lr   validation %  test %"),
        (10, "lr   validation %"),
    ],
)
def test_a_narrow_terminal_leaves_out_what_matters_least(width, header):
    assert TABLE.plain(width).splitlines()[0] == header


def test_markdown():
    assert TABLE.markdown().splitlines() == [
        "| lr | validation % | test % | seconds |",
        "| --- | --- | --- | --- |",
        "| 0.1 | 97.00 ± 0.10 | 96.00 | 2.0 |",
    ]


def header(tmp_path, factors):
    return settings_table(settings_of(read_runs([tmp_path]), factors, VAL_ACCURACY), factors, VAL_ACCURACY).rows[0]


def test_columns_that_say_nothing_are_left_out(tmp_path, add_run):
    for dropout in (0.1, 0.3):
        add_run(0.9, model__dropout=dropout, seed=0)
    assert header(tmp_path, ["model.dropout"]) == ["dropout", "validation %", "to the best", "test %", "seconds"]
    add_run(0.9, model__dropout=0.3, seed=1)  # a second seed of one setting
    columns = header(tmp_path, ["model.dropout", "data.dropout"])
    assert columns[:2] == ["model.dropout", "data.dropout"]  # the last parts would be equal
    assert columns[-2:] == ["seeds", "seconds"]


def test_a_table_of_one_setting_compares_nothing(tmp_path, add_run):
    add_run(0.9, seed=0)
    assert header(tmp_path, []) == ["validation %", "test %", "seconds"]
