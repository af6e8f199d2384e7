import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from mnist_mlp.training.ema import ema


def averages(decay: float, values: list[float]) -> list[float]:
    """Returns the average after each of the ``values`` that a weight takes."""
    layer = nn.Linear(1, 1, bias=False)
    averaged = AveragedModel(layer, multi_avg_fn=ema(decay))
    seen = []
    for value in values:
        nn.init.constant_(layer.weight, value)
        averaged.update_parameters(layer)
        seen.append(averaged.module.weight.item())
    return seen


def test_begins_with_the_first_and_soon_follows():
    assert averages(0.999, [1.0, 0.0, 0.0]) == torch.tensor([1, 2 / 11, 2 / 11 * 3 / 12]).tolist()


def test_keeps_no_more_than_decay():
    _, second = averages(0.1, [1.0, 0.0])
    assert abs(second - 0.1) < 1e-7
