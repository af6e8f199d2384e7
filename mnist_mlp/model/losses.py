"""Losses: those of the tutorial, on softmax outputs and one-hot labels, and one for images of no class."""

from torch import Tensor, nn
from torch.nn import functional as F


class SoftmaxLoss(nn.Module):
    """A loss on softmax outputs: logits float (n, classes) and labels int64 (n,) to the mean over images and classes.

    Args:
        label_smoothing: Fraction of each label, in [0, 1), that is spread over all classes (Szegedy et al. 2016,
            arXiv:1512.00567).
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def targets(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Returns one-hot rows, smoothed, with the shape and type of the logits."""
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


def outlier_exposure(logits: Tensor) -> Tensor:
    """Returns the outlier-exposure loss, summed over images: cross-entropy of softmax(logits) to equal probabilities.

    Hendrycks et al. 2019, arXiv:1812.04606.

    Args:
        logits: float (n, classes), of images of no class.
    """
    return -logits.log_softmax(1).mean(1).sum()
