import pytest
import torch
from torch.nn import functional as F

from mnist_mlp.model.losses import BinaryCrossEntropy, MeanSquaredError

LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 3.0, 0.0]])
LABELS = torch.tensor([0, 2])


def test_mean_squared_error_of_probabilities():
    expected = (LOGITS.softmax(1) - torch.tensor([[1.0, 0, 0], [0, 0, 1]])).square().mean()
    assert MeanSquaredError()(LOGITS, LABELS).item() == pytest.approx(expected.item())


def test_binary_cross_entropy_of_probabilities():
    expected = F.binary_cross_entropy(LOGITS.softmax(1), torch.tensor([[1.0, 0, 0], [0, 0, 1]]))
    assert BinaryCrossEntropy()(LOGITS, LABELS).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("loss", [MeanSquaredError, BinaryCrossEntropy])
def test_smoothed_labels_move_the_least_loss_to_less_certain_outputs(loss):
    smoothed = loss(label_smoothing=0.3)
    best = torch.tensor([[0.8, 0.1, 0.1]]).log()  # 0.3 spread over three classes
    for other in ([0.9, 0.05, 0.05], [0.7, 0.15, 0.15]):
        assert smoothed(best, torch.tensor([0])) < smoothed(torch.tensor([other]).log(), torch.tensor([0]))


@pytest.mark.parametrize("loss", [MeanSquaredError(), BinaryCrossEntropy()])
def test_certain_and_wrong_stays_finite(loss):
    logits = torch.tensor([[200.0, 0, 0]], requires_grad=True)
    value = loss(logits, torch.tensor([1]))
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()
