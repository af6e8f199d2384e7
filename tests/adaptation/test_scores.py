import pytest

from mnist_mlp.adaptation.scores import in_words, interval

TEST = {"images": 1000, "before": None, "after": 990}


def test_the_interval_is_wilsons():
    assert interval(20, 20) == pytest.approx((0.8389, 1), abs=1e-4)
    assert interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, table I


def test_what_is_said_of_digits_kept_apart():
    learned = {"images": 80, "before": 60, "after": 80}
    text = in_words({"learned": learned, "apart": {"images": 20, "before": 18, "after": 20}, "test": TEST}, "mnist")
    first, _, last = text.splitlines()
    assert first == (
        "own digits kept apart: 18 (90.00%) read correctly before, 20 of 20 (100.00%) after,"
        " 95 % interval 83.89 to 100.00"
    )
    assert last.startswith("test images of mnist: 990 of 1,000 (99.00%) read correctly, 95 %")


def test_nothing_is_said_of_none_kept_apart():
    learned = {"images": 3, "before": 1, "after": 3}
    text = in_words({"learned": learned, "apart": {"images": 0, "before": 0, "after": 0}, "test": TEST}, "mnist")
    assert text.startswith("own digits it learned from, which says little of others: 1 (33.33%)")
