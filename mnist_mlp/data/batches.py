"""Batches cut from tensors in memory: no Python call, no PIL image and no copy for each sample."""

import math
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mnist_mlp.data.distortions import Distort
from mnist_mlp.data.randomness import seed_for

EVALUATION_BATCH = 4096  # images
OWN_SHARE = 0.2  # own digits for each image of the data set, at most
OWN_REPEATS = 300  # times that an epoch shows each of them, distorted anew, at most


class Batch(NamedTuple):
    """Images float32 (n, 784) in [0, 1], labels int64 (n,), and outliers: float32 (m, 784) images of no class."""

    images: Tensor
    labels: Tensor
    outliers: Tensor | None = None


class ShuffledBatches:
    """The training batches of an epoch. Shuffling, distortions and outliers follow from the seed and the epoch.

    Args:
        images: uint8 (n, 784).
        labels: int64 (n,).
        batch_size: Images in a batch of all processes together. The last batch of an epoch may be smaller.
        seed: The run's seed.
        rank: This process, from 0. It gets its share of each batch.
        world_size: Number of processes.
        augment: Distorts the images of each batch, if given.
        outliers: Adds images of no class to each batch, if given.
        own: Adds own digits to each batch, if given.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        augment: Distort | None = None,
        outliers: "Outliers | None" = None,
        own: "OwnDigits | None" = None,
    ) -> None:
        self.images, self.labels, self.batch_size, self.seed = images, labels, batch_size, seed
        self.rank, self.world_size, self.augment, self.outliers = rank, world_size, augment, outliers
        self.own = own
        self.sampler = EpochShuffle(len(labels), seed)  # Lightning finds it by this name and tells it the epoch

    def __len__(self) -> int:
        return math.ceil(len(self.labels) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for block in self.blocks(1):
            yield from block

    def size(self, index: int) -> int:
        """Returns how many images batch ``index`` has, the shares of all processes together."""
        first, last = index * self.batch_size, min((index + 1) * self.batch_size, len(self.labels))
        return last - first + (self.own.count(last) - self.own.count(first) if self.own else 0)

    def blocks(self, batches: int) -> Iterator[Iterator[Batch]]:
        """Yields the epoch's batches in iterators of so many, each gathered at once, as bytes."""
        order = self.sampler.order().to(self.labels.device)
        for number, block in enumerate(order.split(batches * self.batch_size)):
            share = block[self.rank :: self.world_size]
            images, labels = (part.index_select(0, share).split(self.batch_size) for part in (self.images, self.labels))
            yield map(self._batch, images, labels, count(number * batches))

    def _batch(self, pixels: Tensor, labels: Tensor, index: int) -> Batch:
        """Adds own digits and outliers, and distorts. All are drawn for the whole batch, whatever the processes."""
        if not (self.own or self.outliers or self.augment):
            return Batch(normalized(pixels), labels)
        size, key = self.size(index), (self.seed, self.sampler.epoch, index)
        share = slice(self.rank, None, self.world_size)
        others = self.outliers.draw(size, seed_for("outliers", *key)) if self.outliers else pixels[:0]
        own = pixels[:0]
        if self.own:
            own, own_labels = self.own.draw(index * self.batch_size, (index + 1) * self.batch_size, self.sampler.epoch)
            labels = torch.cat([labels, own_labels[share]])
        parts = [pixels, own[share], others[share]]
        images = normalized(torch.cat(parts) if len(own) + len(others) else pixels)
        if self.augment is not None:
            draws = self.augment.draw(size + len(others), seed_for("augment", *key))
            draws = draws.tensor_split([size - len(own), size])
            first = len(pixels) if only_own(self.augment) else 0
            distorted = self.augment(images[first:], torch.cat([draw[share] for draw in draws])[first:])
            images = torch.cat([images[:first], distorted]) if first else distorted
        return Batch(images[: len(labels)], labels, images[len(labels) :] if len(others) else None)


class Blocks:
    """Training batches in blocks: each item is an iterator over the next batches, about ``images`` images together.

    Lightning then does its work for each step once for a block. Keras calls the idea steps_per_execution.
    """

    def __init__(self, batches: ShuffledBatches, images: int) -> None:
        self.batches, self.sampler = batches, batches.sampler
        self.batches_per_block = max(1, images // batches.batch_size)

    def __len__(self) -> int:
        return math.ceil(len(self.batches) / self.batches_per_block)

    def __iter__(self) -> Iterator[Iterator[Batch]]:
        return self.batches.blocks(self.batches_per_block)


class OrderedBatches:
    """Large batches for evaluation, views of one tensor. Of several processes each gets its share of the images."""

    def __init__(self, images: Tensor, labels: Tensor, rank: int = 0, world_size: int = 1) -> None:
        images, labels = images[rank::world_size], labels[rank::world_size]
        parts = zip(normalized(images).split(EVALUATION_BATCH), labels.split(EVALUATION_BATCH))
        self.batches = [Batch(*part) for part in parts]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


class Outliers:
    """Images of no class, uint8 (n, 784). They join each batch, ``fraction`` for each of its images."""

    def __init__(self, images: Tensor, fraction: float) -> None:
        self.images, self.fraction = images, fraction

    def draw(self, size: int, seed: int) -> Tensor:
        """Returns those for a batch of ``size`` images: uint8 (fraction * size, 784)."""
        return self.images[shuffled(len(self.images), seed)[: round(self.fraction * size)].to(self.images.device)]


class OwnDigits:
    """Own digits, uint8 (n, 784) with labels int64 (n,), in the order in which they join an epoch's batches.

    Each is shown ``OWN_REPEATS`` times an epoch, but there are at most ``OWN_SHARE`` of them for each other image.
    """

    def __init__(self, images: Tensor, labels: Tensor, beside: int, seed: int) -> None:
        self.images, self.labels, self.beside, self.seed = images, labels, beside, seed
        self.share = min(OWN_SHARE, OWN_REPEATS * len(labels) / beside)

    def count(self, seen: int) -> int:
        """Returns how many have joined the epoch's first ``seen`` images."""
        return int(self.share * min(seen, self.beside))

    def draw(self, before: int, after: int, epoch: int) -> tuple[Tensor, Tensor]:
        """Returns the images and labels that join between the epoch's images number ``before`` and ``after``."""
        first, last, length = self.count(before), self.count(after), len(self.labels)
        rounds = range(first // length, -(-last // length))  # each of them in every round
        orders = [shuffled(length, seed_for("own digits", self.seed, epoch, number)) for number in rounds]
        order = torch.cat(orders or [torch.arange(0)])[first % length :][: last - first].to(self.labels.device)
        return self.images.index_select(0, order), self.labels.index_select(0, order)


class EpochShuffle:
    """The order of ``length`` samples in an epoch, which follows from the seed and the epoch alone."""

    def __init__(self, length: int, seed: int) -> None:
        self.length, self.seed, self.epoch = length, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, counted from 0."""
        self.epoch = epoch

    def order(self) -> Tensor:
        """Returns a permutation of 0 ... length - 1, int64."""
        return shuffled(self.length, seed_for("shuffle", self.seed, self.epoch))


def only_own(augment: Distort | None) -> bool:
    """Returns whether own digits alone are distorted. A class of the user's need not have this setting."""
    return getattr(augment, "only_own", False)


def normalized(pixels: Tensor) -> Tensor:
    """Returns uint8 pixels in [0, 255] as float32 in [0, 1]."""
    return pixels.float().div_(255)


@torch.inference_mode()
def logits_of(network: nn.Module, images: Tensor) -> Tensor:
    """Returns a network's logits, float32 (n, classes), of images uint8 (n, 784) or (n, 28, 28)."""
    return torch.cat([network(normalized(part)) for part in images.flatten(1).split(EVALUATION_BATCH)])


def shuffled(length: int, seed: int) -> Tensor:
    """Returns a random permutation of 0 ... length - 1, int64."""
    return torch.randperm(length, generator=torch.Generator().manual_seed(seed))
