import pytest

from mnist_mlp.pictures.finding.order import lines_of


def row(
    count: int, slope: float = 0, left: int = 0, top: int = 200, height: int = 40
) -> list[tuple[int, int, int, int]]:
    """Boxes of digits beside each other, of which each lies lower than the one before by `slope` times its step."""
    steps = range(left, left + 50 * count, 50)
    return [(x, round(top + slope * (x - left)), x + 25, round(top + slope * (x - left)) + height) for x in steps]


@pytest.mark.parametrize("slope", [-0.7, -0.3, 0, 0.3, 0.7])
def test_a_line_may_rise_and_fall(slope):
    assert lines_of(row(6, slope)) == [[0, 1, 2, 3, 4, 5]]


@pytest.mark.parametrize("slope", [-0.2, 0, 0.2])
def test_lines_that_rise_alike(slope):
    assert lines_of([*row(5, slope, top=260), *row(5, slope, left=20, top=200)]) == [[5, 6, 7, 8, 9], [0, 1, 2, 3, 4]]


def test_a_column_is_read_downwards():
    boxes = [(10 + 3 * (number % 2), 60 * number, 40, 60 * number + 40) for number in range(5)]
    assert lines_of(boxes[::-1]) == [[4], [3], [2], [1], [0]]


def test_a_small_digit_beside_a_large_one_is_in_its_line():
    assert lines_of([(0, 0, 60, 100), (80, 0, 100, 30), (80, 70, 100, 100)][:2]) == [[0, 1]]


def test_no_digits():
    assert lines_of([]) == []
