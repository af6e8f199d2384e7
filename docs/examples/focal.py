"""The focal loss (Lin et al. 2017, arXiv:1708.02002) with weights for the classes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FocalLoss(nn.Module):
    """Cross-entropy in which images that are classified surely count less: logits and labels to a mean."""

    def __init__(self, gamma: float = 2.0, weights: list[float] | None = None) -> None:
        super().__init__()
        self.gamma, self.weights = gamma, weights

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        losses = F.cross_entropy(logits, labels, reduction="none")
        losses = (1 - torch.exp(-losses)) ** self.gamma * losses
        if self.weights is None:
            return losses.mean()
        weights = torch.tensor(self.weights, device=logits.device)[labels]
        return (losses * weights).sum() / weights.sum()
