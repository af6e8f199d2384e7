"""Losses on softmax outputs and one-hot labels, as the tutorial names them.

Each takes logits, float (batch, classes), and labels, int64 (batch,), and gives the mean over images and classes.
"""

from torch import Tensor, nn
from torch.nn import functional as F


class SoftmaxLoss(nn.Module):
    """``label_smoothing`` is the part of each label that is spread over all classes (Szegedy et al. 2016)."""

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def targets(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Rows with a 1 at the label, smoothed, of the logits' shape and type."""
        one_hot = F.one_hot(labels, logits.shape[-1]).to(logits.dtype)
        return one_hot * (1 - self.label_smoothing) + self.label_smoothing / logits.shape[-1]


class MeanSquaredError(SoftmaxLoss):
    """Mean squared error of the class probabilities."""

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.mse_loss(logits.softmax(-1), self.targets(logits, labels))


class BinaryCrossEntropy(SoftmaxLoss):
    """Binary cross-entropy of each class probability, clipped to [1e-7, 1 - 1e-7] as Keras does."""

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        probabilities = logits.float().softmax(-1).clamp(1e-7, 1 - 1e-7)
        right = self.targets(probabilities, labels)
        return -(right * probabilities.log() + (1 - right) * (1 - probabilities).log()).mean()
