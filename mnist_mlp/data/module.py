"""Tensors in memory, served as whole batches: no Python call, no PIL image and no copy per sample."""

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from lightning import LightningDataModule
from torch import Tensor

from mnist_mlp.data import datasets
from mnist_mlp.data.distortions import Distort
from mnist_mlp.data.non_digits import drawings
from mnist_mlp.data.randomness import seed_for
from mnist_mlp.errors import InputError

TEST_FRACTION = 0.2  # of a data set that comes without a test part
BLOCK_SIZE = 4096  # images for which Lightning does its work per step once
DRAWINGS = 5000  # that are no digit, which batches take theirs from

Batch = tuple[Tensor, Tensor]  # images, float32 (n, 784) in [0, 1]; labels, int64 (n,); images beyond are no digit


class DigitsDataModule(LightningDataModule):
    """A data set of digits, or of other small images, flattened to float32 (n, 784) in [0, 1].

    ``val_fraction`` of the training images are for validation, drawn by ``seed``. A data set without a test part
    gives up a fifth of its images for one, the same for every seed. ``fallback`` names the data set to use where
    this one is neither there nor to be downloaded; damaged files never fall back, they raise InputError. A folder's
    images are brought to MNIST's form ``as_digits``, or only resized. ``augment`` distorts the training images, each
    time otherwise. ``outliers`` is how many drawings that are no digit join a training batch, as a share of it.
    After ``setup``, ``dataset`` names what is used and ``classes`` what its labels mean.
    """

    def __init__(
        self,
        dataset: str = "mnist",
        root: str | Path | None = "data",
        batch_size: int = 128,
        val_fraction: float = 0.2,
        seed: int = 0,
        fallback: str | None = None,
        as_digits: bool = True,
        augment: Distort | None = None,
        outliers: float = 0.0,
    ) -> None:
        super().__init__()
        self.dataset = dataset
        self.root = Path(root).expanduser() if root is not None else None
        self.batch_size = batch_size
        self.val_fraction = val_fraction
        self.seed = seed
        self.fallback = fallback
        self.as_digits = as_digits
        self.augment = augment
        self.outliers = outliers
        self.warning: str | None = None
        self.parts: dict[str, tuple[Tensor, Tensor]] = {}  # train, val, test: images, uint8 (n, 784), and labels

    def prepare_data(self) -> None:
        try:
            datasets.download(self.dataset, self.root)
        except datasets.NotAvailable as error:
            if self.fallback is None:
                raise
            self.warning = f"{self.fallback} instead of {self.dataset}: {error}"
            self.dataset, self.fallback = self.fallback, None

    def setup(self, stage: str | None = None) -> None:
        if self.parts:
            return
        train, test, self.classes = datasets.read(self.dataset, self.root, self.as_digits)
        if test is None:
            train, test = split(train, TEST_FRACTION, seed_for("test split"))
        train, val = split(train, self.val_fraction, seed_for("validation split", self.seed))
        self.parts = {
            name: (part.images.flatten(1), part.labels)
            for name, part in (("train", train), ("val", val), ("test", test))
        }
        self.drawings = drawings(DRAWINGS, seed_for("drawings", self.seed)) if self.outliers else None

    def train_dataloader(self) -> "ShuffledBlocks":
        images, labels = self.on_device("train")
        outliers = Outliers(self.drawings.to(images.device), self.outliers) if self.outliers else None
        return ShuffledBlocks(images, labels, self.batch_size, self.seed, *self.share(), self.augment, outliers)

    def augmentation(self, images: int, copies: int) -> tuple[Tensor, list[Tensor]]:
        """The first training images and some outliers, float (n, 784), and distorted copies, to be looked at."""
        outliers = self.drawings[: images // 4] if self.outliers else self.parts["train"][0][:0]
        originals = normalized(torch.cat([self.parts["train"][0][:images], outliers]))
        draws = (self.augment.draw(len(originals), seed_for("augmentation", self.seed, i)) for i in range(copies))
        return originals, [self.augment(originals, draw) for draw in draws]

    def val_dataloader(self) -> "OrderedBatches":
        return OrderedBatches(*self.on_device("val"), *self.share())

    def test_dataloader(self) -> "OrderedBatches":
        return OrderedBatches(*self.on_device("test"), *self.share())

    def share(self) -> tuple[int, int]:
        """Which of the processes this is, and of how many: each takes its part of every batch."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def on_device(self, name: str) -> tuple[Tensor, Tensor]:
        """A part of the data, moved once to where the trainer computes."""
        device = self.trainer.strategy.root_device if self.trainer else "cpu"
        images, labels = self.parts[name]
        return images.to(device), labels.to(device)

    def transfer_batch_to_device(self, batch, device, dataloader_idx):
        return batch  # the loaders index tensors that are there already


class ShuffledBlocks:
    """Shuffled batches in blocks: each item is an iterator over the next ``batches_per_block`` batches.

    A block spares Lightning's work per step for all of its batches but one (Keras: steps per execution). It is
    gathered as bytes, a quarter of what floats would move. Only the last batch may be smaller than ``batch_size``.
    Process ``rank`` of several gets its part of each batch, and blocks of one batch: DDP allows one backward a block.
    ``outliers`` of its images join each batch, and ``augment`` distorts it, as ``seed``, the epoch and the batch's
    number say.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        batch_size: int,
        seed: int,
        rank: int = 0,
        processes: int = 1,
        augment: Distort | None = None,
        outliers: "Outliers | None" = None,
    ) -> None:
        self.images, self.labels, self.batch_size, self.seed = images, labels, batch_size, seed
        self.rank, self.processes, self.augment, self.outliers = rank, processes, augment, outliers
        self.batches_per_block = max(1, BLOCK_SIZE // batch_size) if processes == 1 else 1
        self.sampler = EpochShuffle(len(labels), seed)  # by this name Lightning finds it and tells it the epoch

    @property
    def batches(self) -> int:
        """Batches in an epoch."""
        return math.ceil(len(self.labels) / self.batch_size)

    def size(self, batch: int) -> int:
        """Images in a batch, the parts of all processes together."""
        return min(self.batch_size, len(self.labels) - batch * self.batch_size)

    def __len__(self) -> int:
        return math.ceil(self.batches / self.batches_per_block)

    def __iter__(self) -> Iterator[Iterator[Batch]]:
        order = self.sampler.order().to(self.labels.device)
        for index, block in enumerate(order.split(self.batches_per_block * self.batch_size)):
            yield self.batches_of(block[self.rank :: self.processes], index * self.batches_per_block)

    def batches_of(self, block: Tensor, first: int) -> Iterator[Batch]:
        images, labels = self.images.index_select(0, block), self.labels.index_select(0, block)
        batches = zip(images.split(self.batch_size), labels.split(self.batch_size))
        for batch, (pixels, batch_labels) in enumerate(batches, first):
            yield self.prepared(pixels, batch), batch_labels

    def prepared(self, pixels: Tensor, batch: int) -> Tensor:
        """A batch as the network gets it: outliers added, distorted.

        Both are drawn for the whole batch, so that several processes together see what one would.
        """
        size, key = self.size(batch), (self.seed, self.sampler.epoch, batch)
        mine = slice(self.rank, None, self.processes)
        others = self.outliers.draw(size, seed_for("outliers", *key)) if self.outliers is not None else pixels[:0]
        if len(others):
            pixels = torch.cat([pixels, others[mine]])
        images = normalized(pixels)
        if self.augment is None:
            return images
        of_digits, of_others = self.augment.draw(size + len(others), seed_for("augment", *key)).tensor_split([size])
        return self.augment(images, torch.cat([of_digits[mine], of_others[mine]]))


class Outliers:
    """Images, uint8 (n, 784), of which ``share`` as many join a batch as it has."""

    def __init__(self, images: Tensor, share: float) -> None:
        self.images, self.share = images, share

    def draw(self, size: int, seed: int) -> Tensor:
        """Those for a batch of ``size``, uint8 (share * size, 784)."""
        return self.images[shuffled(len(self.images), seed)[: round(self.share * size)].to(self.images.device)]


class EpochShuffle:
    """The order of ``length`` samples in an epoch, by ``seed`` and the epoch alone."""

    def __init__(self, length: int, seed: int) -> None:
        self.length, self.seed, self.epoch = length, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def order(self) -> Tensor:
        return shuffled(self.length, seed_for("shuffle", self.seed, self.epoch))


class OrderedBatches:
    """Large batches for evaluation, views of one tensor; of several processes each gets its part of the images."""

    def __init__(self, images: Tensor, labels: Tensor, rank: int = 0, processes: int = 1) -> None:
        images, labels = images[rank::processes], labels[rank::processes]
        self.batches = list(zip(normalized(images).split(BLOCK_SIZE), labels.split(BLOCK_SIZE)))

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


def normalized(pixels: Tensor) -> Tensor:
    """uint8 from 0 to 255 as float32 from 0 to 1."""
    return pixels / 255


def split(part: datasets.Part, fraction: float, seed: int) -> tuple[datasets.Part, datasets.Part]:
    """Two parts of 1 - ``fraction`` and ``fraction``, each image in exactly one. Raises InputError if one is empty."""
    order = shuffled(len(part.labels), seed)
    second = round(len(order) * fraction)
    if not 0 < second < len(order):
        raise InputError(f"{len(order)} images are too few to set {fraction:.0%} of them apart")
    return tuple(
        datasets.Part(part.images[indices], part.labels[indices]) for indices in (order[second:], order[:second])
    )


def shuffled(length: int, seed: int) -> Tensor:
    """A random permutation of 0 ... length - 1."""
    return torch.randperm(length, generator=torch.Generator().manual_seed(seed))
