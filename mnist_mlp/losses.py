"""Losses on softmax outputs and one-hot labels, as the tutorial names them.

Each takes logits, float (batch, classes), and labels, int64 (batch,), and gives the mean over images and classes.
"""

from torch import Tensor, nn
from torch.nn import functional as F


class MeanSquaredError(nn.Module):
    """Mean squared error of the class probabilities."""

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.mse_loss(logits.softmax(-1), one_hot(logits, labels))


class BinaryCrossEntropy(nn.Module):
    """Binary cross-entropy of each class probability, clipped to [1e-7, 1 - 1e-7] as Keras does."""

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        probabilities = logits.float().softmax(-1).clamp(1e-7, 1 - 1e-7)
        right = one_hot(probabilities, labels)
        return -(right * probabilities.log() + (1 - right) * (1 - probabilities).log()).mean()


def one_hot(logits: Tensor, labels: Tensor) -> Tensor:
    """Rows with a 1 at the label, of the logits' shape and type."""
    return F.one_hot(labels, logits.shape[-1]).to(logits.dtype)
