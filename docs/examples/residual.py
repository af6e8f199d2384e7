"""A residual MLP (He et al. 2015, arXiv:1512.03385)."""

from typing import Annotated

from torch import Tensor, nn


class ResidualMLP(nn.Module):
    """Maps images, float (n, 784), to logits, float (n, num_classes), with a sum around each hidden layer."""

    def __init__(self, depth: Annotated[int, "[1, 50]"] = 3, width: int = 64, num_classes: int = 10) -> None:
        super().__init__()
        self.first = nn.Linear(784, width)
        self.blocks = nn.ModuleList(nn.Sequential(nn.ReLU(), nn.Linear(width, width)) for _ in range(depth))
        self.last = nn.Linear(width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.first(images)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.last(hidden)
