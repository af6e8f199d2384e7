import pytest
import torch

from mnist_mlp.data.batches import Batch, Blocks, OrderedBatches, Outliers, OwnDigits, ShuffledBatches
from mnist_mlp.data.distortions import Distort


def test_distortions_follow_from_seed_epoch_and_batch():
    class Noted:
        """In the place of distortions the number that they would be drawn by."""

        def draw(self, count, seed):
            return torch.full((count, 1), float(seed % 2**20))

        def __call__(self, images, distortions):
            assert len(images) == len(distortions)
            return distortions

    def seeds(seed, epoch, rank=0, processes=1):
        loader = ShuffledBatches(torch.zeros(512, 784), torch.arange(512), 200, seed, rank, processes, Noted())
        loader.sampler.set_epoch(epoch)
        return [batch.images[0].item() for batch in loader]

    assert len(set(seeds(0, 0) + seeds(0, 1) + seeds(1, 0))) == 3 * 3
    assert seeds(0, 1) == seeds(0, 1) == seeds(0, 1, rank=1, processes=2)


def epoch_of(batches: ShuffledBatches, epoch: int) -> list[Batch]:
    batches.sampler.set_epoch(epoch)
    return list(batches)


def numbered(count: int, batch_size: int, seed: int = 0) -> ShuffledBatches:
    numbers = torch.arange(count)
    return ShuffledBatches(numbers.remainder(256).to(torch.uint8)[:, None], numbers, batch_size, seed)


@pytest.mark.parametrize(("count", "batch_size"), [(10_000, 64), (10_000, 100), (100, 4096), (100, 10_000), (5, 1)])
def test_an_epoch_holds_each_sample_once_in_whole_batches(count, batch_size):
    whole = numbered(count, batch_size)
    batches = epoch_of(whole, 0)
    labels = torch.cat([batch.labels for batch in batches])
    assert sorted(labels.tolist()) == list(range(count))
    assert torch.equal(torch.cat([batch.images for batch in batches])[:, 0], labels.remainder(256) / 255)
    assert {len(batch.labels) for batch in batches[:-1]} <= {batch_size}
    assert len(batches) == len(whole)
    blocks = Blocks(whole, images=4096)
    assert len(list(blocks)) == len(blocks)
    in_blocks = [batch for block in blocks for batch in block]
    assert all(torch.equal(one.labels, other.labels) for one, other in zip(batches, in_blocks, strict=True))


def test_the_order_follows_from_seed_and_epoch_alone():
    def order(seed: int, epoch: int) -> list[int]:
        return [label for batch in epoch_of(numbered(100, 10, seed), epoch) for label in batch.labels.tolist()]

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4)
    assert order(0, 3) != order(1, 3)


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_the_batches_of_one(processes):
    images, labels = torch.arange(50, dtype=torch.uint8).expand(784, 50).T.contiguous(), torch.arange(50)
    whole = ShuffledBatches(images, labels, 7, seed=3)
    expected = [batch.labels.sort().values.tolist() for batch in whole]
    shares = [list(ShuffledBatches(images, labels, 7, 3, rank, processes)) for rank in range(processes)]
    assert {len(share) for share in shares} == {len(whole)}
    together = []
    for index, batches in enumerate(zip(*shares)):
        parts = [batch.labels for batch in batches]
        assert sum(map(len, parts)) == whole.size(index)
        together.append(torch.cat(parts).sort().values.tolist())
    assert together == expected


def test_processes_share_what_is_evaluated():
    images, labels = torch.zeros(11, 784, dtype=torch.uint8), torch.arange(11)
    shares = [OrderedBatches(images, labels, rank, 3) for rank in range(3)]
    together = torch.cat([batch.labels for share in shares for batch in share])
    assert together.sort().values.tolist() == list(range(11))


def test_only_own_digits_and_outliers_are_distorted():
    data, own = torch.full((64, 784), 255, dtype=torch.uint8), torch.full((4, 784), 255, dtype=torch.uint8)
    augment = Distort(scale=0.5, only_own=True)
    joined = OwnDigits(own, torch.arange(4), beside=64, seed=0)
    loader = ShuffledBatches(
        data, torch.full((64,), 9), 32, 0, augment=augment, outliers=Outliers(own, 0.1), own=joined
    )
    for batch in epoch_of(loader, 0):
        assert (batch.images[:32] == 1).all()
        assert (batch.images[32:] != 1).any()
        assert batch.outliers is not None
        assert (batch.outliers != 1).any()
