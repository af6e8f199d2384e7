import pytest
import torch
from torch import nn

from mnist_mlp.model import dropout
from mnist_mlp.model.dropout import Dropout


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.999])
def test_drops_a_fraction_and_keeps_the_mean(p):
    dropped = Dropout(p)(torch.ones(1000, 1000))
    assert (dropped == 0).float().mean().item() == pytest.approx(p, abs=0.003)
    assert dropped.mean().item() == pytest.approx(1, abs=0.05 if p < 0.9 else 0.2)
    assert len(dropped.unique()) == 2


def test_masks_are_independent_of_each_other():
    layer = Dropout(0.5)
    first, second = (layer(torch.ones(500, 500)) > 0 for _ in range(2))
    for other in (second, first.roll(1, 0), first.roll(1, 1), first.roll(4, 1)):
        assert (first == other).float().mean().item() == pytest.approx(0.5, abs=0.01)


def test_the_gradient_passes_where_activations_did():
    activations = torch.rand(64, 33, requires_grad=True)  # a count that is no multiple of four
    dropped = Dropout(0.4)(activations)
    dropped.sum().backward()
    assert torch.equal(activations.grad == 0, dropped == 0)
    assert torch.allclose(activations.grad * activations, dropped)


def test_reseeding_repeats_the_masks():
    layer, ones = Dropout(0.5), torch.ones(10, 10)
    draws = []
    for seed in (1, 1, 2):
        layer.reseed(seed)
        draws.append(layer(ones))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_keeps_the_type_and_steps_aside_in_evaluation():
    layer = Dropout(0.5)
    assert layer(torch.ones(8, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert torch.equal(layer.eval()(torch.ones(8)), torch.ones(8))
    assert isinstance(layer, nn.Dropout)


def test_the_masks_do_not_depend_on_how_many_are_made_at_once(monkeypatch):
    def masks() -> list[torch.Tensor]:
        layer = Dropout(0.3)
        return [layer.mask(torch.Size(shape)) for shape in [(3, 7), (3, 7), (0, 7), (3, 7), (2, 5), (2, 5), (3, 7)]]

    together = masks()
    monkeypatch.setattr(dropout, "MAX_MASKS", 1)
    for one, other in zip(together, masks(), strict=True):
        assert torch.equal(one, other)


def test_a_changed_probability_holds_at_once():
    layer = Dropout(0.9)
    layer(torch.ones(10, 10))
    layer.p = 0.0
    assert torch.equal(layer(torch.ones(10, 10)), torch.ones(10, 10))
