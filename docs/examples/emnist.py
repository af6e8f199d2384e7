"""EMNIST's 47 classes of digits and letters (Cohen et al. 2017, arXiv:1702.05373)."""

from torchvision.datasets import EMNIST

from mnist_mlp.data.datasets import Dataset, Split
from mnist_mlp.data.module import DigitsDataModule


class Emnist(DigitsDataModule):
    """The data module with other images: what ``read`` returns."""

    def read(self) -> Dataset:
        train, test = (EMNIST(self.root, "balanced", train=train, download=True) for train in (True, False))
        # EMNIST's images lie on their side
        splits = [Split(part.data.transpose(1, 2).contiguous(), part.targets) for part in (train, test)]
        return Dataset(*splits, train.classes)
