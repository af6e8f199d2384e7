from mnist_mlp.sweeps.comparison import read_runs, settings_of
from mnist_mlp.sweeps.tables import epochs_table, value_text


def test_epochs_of_one_setting(tmp_path, add_run):
    add_run(0.9, seed=0)
    add_run(0.9, seed=1)
    (setting,) = settings_of(read_runs([tmp_path]), [], "test_accuracy")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in epochs_table(setting).splitlines()]
    assert [row[0] for row in rows if not row[0].startswith("-")] == ["epochs", "1", "2", "5", "10", "12"]
    assert rows[3][1:] == ["81.00 ± 0.00", "82.00 ± 0.00", "0.5000"]


def test_value_text():
    assert [value_text(value) for value in ([64, 32], [], 0.1 + 0.2, 5, None)] == ["64, 32", "none", "0.3", "5", "None"]
