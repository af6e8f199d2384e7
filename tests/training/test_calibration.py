import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from mnist_mlp.training.calibration import CalibratedLoss, best_threshold, fit_temperature, fit_threshold


def test_the_temperature_undoes_overconfidence():
    """Labels drawn from a softmax, whose logits are then three times too large."""
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(20_000, 10, generator=random) * 2
    labels = torch.multinomial(logits.softmax(1), 1, generator=random)[:, 0]
    assert fit_temperature(logits * 3, labels) == pytest.approx(3, rel=0.03)
    assert fit_temperature(logits, labels) == pytest.approx(1, rel=0.03)


def test_a_temperature_stays_within_bounds_where_all_is_right():
    assert 0.04 < fit_temperature(torch.eye(3) * 5, torch.arange(3)) < 1


def test_the_calibrated_loss_is_that_of_the_best_temperature_in_batches_too():
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(5000, 10, generator=random) * 2
    labels = torch.multinomial(logits.softmax(1), 1, generator=random)[:, 0]
    metric = CalibratedLoss()
    for part in (slice(0, 64), slice(64, 5000)):
        metric.update(7 * logits[part], labels[part])
    temperatures = torch.linspace(0.5, 2, 301)
    least = min(cross_entropy(logits / temperature, labels).item() for temperature in temperatures)
    assert metric.compute().item() == pytest.approx(least, rel=1e-4)


@pytest.mark.parametrize(("images", "refused"), [(1, 0), (49, 0), (50, 1), (99, 1), (100, 2), (12_000, 240)])
def test_a_threshold_refuses_the_share_and_is_the_highest_that_does(images, refused):
    highest = 0.5 + torch.rand(images, generator=torch.Generator().manual_seed(0)) / 2
    threshold = fit_threshold(torch.stack([1 - highest, highest], 1))
    assert (highest < threshold).sum() == refused
    assert (highest < threshold + 2e-6).sum() > refused


def test_a_threshold_of_equal_probabilities_refuses_none():
    assert fit_threshold(torch.full((1000, 3), 1 / 3)) == math.floor(1e6 / 3) / 1e6
    assert fit_threshold(torch.eye(10)) == 1


def test_the_best_threshold_makes_the_fewest_mistakes():
    random = torch.Generator().manual_seed(0)
    digits, others = (0.5 + torch.rand(4000, generator=random) ** power / 2 for power in (0.3, 2))
    rows = [torch.stack([1 - highest, highest], 1) for highest in (digits, others)]

    def mistakes(threshold: float, frequency: float) -> float:
        return ((digits < threshold).float().mean() + frequency * (others >= threshold).float().mean()).item()

    for frequency in (0.1, 1, 10):
        fewest = min(mistakes(level / 100, frequency) for level in range(101))
        assert mistakes(best_threshold(*rows, frequency), frequency) <= fewest + 1e-6
    thresholds = [best_threshold(*rows, frequency) for frequency in (0.01, 0.1, 1, 10)]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] < thresholds[-1]


def test_the_best_threshold_parts_what_can_be_parted():
    sure, unsure = torch.tensor([[0.9, 0.1], [0.2, 0.8]]), torch.tensor([[0.5, 0.5], [0.4, 0.6]])
    assert 0.6 < best_threshold(sure, unsure, 0.25) <= 0.8
