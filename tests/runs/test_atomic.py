import pytest

from mnist_mlp.errors import InputError
from mnist_mlp.runs.atomic import replacing


def test_a_file_is_replaced_when_all_is_written(tmp_path):
    path = tmp_path / "new/metrics.csv"
    with replacing(path) as new:
        new.write_text("first")
        assert not path.exists()
    assert path.read_text() == "first"


def test_an_error_leaves_the_file_before_and_nothing_else(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), replacing(path) as new:
        new.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_an_input_error(tmp_path):
    with (
        pytest.raises(InputError, match="metrics.csv: cannot be written: No space left"),
        replacing(tmp_path / "metrics.csv"),
        open("/dev/full", "w") as full,
    ):
        full.write("x")
