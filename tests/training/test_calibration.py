import math

import pytest
import torch

from mnist_mlp.training.calibration import fit_temperature, fit_threshold


def test_the_temperature_undoes_overconfidence():
    """Labels drawn from a softmax, whose logits are then three times too large."""
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(20_000, 10, generator=random) * 2
    labels = torch.multinomial(logits.softmax(1), 1, generator=random)[:, 0]
    assert fit_temperature(logits * 3, labels) == pytest.approx(3, rel=0.03)
    assert fit_temperature(logits, labels) == pytest.approx(1, rel=0.03)


def test_a_temperature_stays_within_bounds_where_all_is_right():
    assert 0.04 < fit_temperature(torch.eye(3) * 5, torch.arange(3)) < 1


@pytest.mark.parametrize(("images", "refused"), [(1, 0), (49, 0), (50, 1), (99, 1), (100, 2), (12_000, 240)])
def test_a_threshold_refuses_the_share_and_is_the_highest_that_does(images, refused):
    highest = 0.5 + torch.rand(images, generator=torch.Generator().manual_seed(0)) / 2
    threshold = fit_threshold(torch.stack([1 - highest, highest], 1))
    assert (highest < threshold).sum() == refused
    assert (highest < threshold + 2e-6).sum() > refused


def test_a_threshold_of_equal_probabilities_refuses_none():
    assert fit_threshold(torch.full((1000, 3), 1 / 3)) == math.floor(1e6 / 3) / 1e6
    assert fit_threshold(torch.eye(10)) == 1
