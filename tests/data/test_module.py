import pytest
import torch

from mnist_mlp.data.distortions import Distort
from mnist_mlp.data.module import DigitsDataModule, OrderedBatches, Outliers, ShuffledBlocks, datasets, normalized
from mnist_mlp.errors import InputError


def ready(**settings) -> DigitsDataModule:
    data = DigitsDataModule(**settings)
    data.prepare_data()
    data.setup()
    return data


def rows(images: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


def test_splits_each_image_into_exactly_one_part(mnist_root):
    data = ready(root=mnist_root)
    sizes = {name: len(labels) for name, (_, labels) in data.parts.items()}
    assert sizes == {"train": 512, "val": 128, "test": 200}
    images = torch.cat([data.parts["train"][0], data.parts["val"][0]])
    original = datasets.read("mnist", mnist_root).train.images.flatten(1)
    assert sorted(rows(images)) == sorted(rows(original))


def test_batches_are_flat_float32_from_0_to_1(mnist_root):
    data = ready(root=mnist_root)
    for images, labels in (next(next(iter(data.train_dataloader()))), next(iter(data.val_dataloader()))):
        assert images.shape[1:] == (784,)
        assert images.dtype == torch.float32
        assert (images.min(), images.max()) == (0, 1)
        assert labels.dtype == torch.int64


def test_the_seed_draws_the_split(mnist_root):
    first, same, other = (ready(root=mnist_root, seed=seed).parts["val"][0] for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert rows(first) != rows(other)


def test_a_data_set_without_test_part_gives_up_the_same_fifth_for_every_seed():
    first, other = (ready(dataset="digits", root=None, seed=seed).parts for seed in (0, 1))
    assert len(first["test"][0]) == 359
    assert torch.equal(first["test"][0], other["test"][0])
    assert not rows(first["test"][0]) & rows(first["train"][0])


def test_distortions_follow_from_seed_epoch_and_batch(mnist_root):
    class Noted:
        """In the place of distortions the number that they would be drawn by."""

        def draw(self, count, seed):
            return torch.full((count, 1), float(seed % 2**20))

        def __call__(self, images, distortions):
            assert len(images) == len(distortions)
            return distortions

    def seeds(seed, epoch, rank=0, processes=1):
        images, labels = ready(root=mnist_root).parts["train"]
        loader = ShuffledBlocks(images, labels, 200, seed, rank, processes, Noted())
        loader.sampler.set_epoch(epoch)
        return [batch[0][0].item() for block in loader for batch in block]

    assert len(set(seeds(0, 0) + seeds(0, 1) + seeds(1, 0))) == 3 * 3
    assert seeds(0, 1) == seeds(0, 1) == seeds(0, 1, rank=1, processes=2)


def test_validation_and_test_images_stay_as_they_are(mnist_root):
    plain, distorted = ready(root=mnist_root), ready(root=mnist_root, augment=Distort(rotation=45))
    for loader in ("val_dataloader", "test_dataloader"):
        assert torch.equal(next(iter(getattr(plain, loader)()))[0], next(iter(getattr(distorted, loader)()))[0])
    first, other = (next(next(iter(data.train_dataloader())))[0] for data in (plain, distorted))
    assert not torch.allclose(first, other)


def test_drawings_that_are_no_digit_join_each_training_batch(mnist_root):
    data = ready(root=mnist_root, outliers=0.25, batch_size=200)
    batches = [batch for block in data.train_dataloader() for batch in block]
    assert [(len(images), len(labels)) for images, labels in batches] == [(250, 200), (250, 200), (140, 112)]
    joined = [rows(images[len(labels) :]) for images, labels in batches]
    assert joined[0] < rows(normalized(data.drawings))
    assert joined[0] != joined[1]
    images, labels = data.parts["train"]
    shares = [
        next(next(iter(ShuffledBlocks(images, labels, 200, 0, rank, 3, outliers=Outliers(data.drawings, 0.25)))))
        for rank in range(3)
    ]
    assert [(len(images), len(labels)) for images, labels in shares] == [(84, 67), (84, 67), (82, 66)]
    assert set().union(*(rows(images) for images, _ in shares)) == rows(batches[0][0])


def test_too_few_images_to_split(mnist_root):
    with pytest.raises(InputError, match="640 images are too few"):
        ready(root=mnist_root, val_fraction=1e-6)


def test_falls_back_where_nothing_is_to_be_had(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.TORCHVISION["mnist"], "mirrors", ["http://127.0.0.1:9/"])
    data = ready(root=tmp_path / "none", fallback="digits")
    assert data.dataset == "digits"
    assert "digits instead of mnist" in data.warning
    with pytest.raises(datasets.NotAvailable):
        ready(root=tmp_path / "none", fallback=None)


def test_damaged_files_do_not_fall_back(mnist_root):
    (mnist_root / "MNIST/raw/train-images-idx3-ubyte").write_bytes(b"")
    with pytest.raises(InputError, match="train-images"):
        ready(root=mnist_root, fallback="digits")


def epoch_of(blocks: ShuffledBlocks, epoch: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    blocks.sampler.set_epoch(epoch)
    return [batch for block in blocks for batch in block]


def numbered(count: int, batch_size: int, seed: int = 0) -> ShuffledBlocks:
    numbers = torch.arange(count)
    return ShuffledBlocks(numbers.remainder(256).to(torch.uint8)[:, None], numbers, batch_size, seed)


@pytest.mark.parametrize(("count", "batch_size"), [(10_000, 64), (10_000, 100), (100, 4096), (100, 10_000), (5, 1)])
def test_an_epoch_holds_each_sample_once_in_whole_batches(count, batch_size):
    blocks = numbered(count, batch_size)
    batches = epoch_of(blocks, 0)
    labels = torch.cat([labels for _, labels in batches])
    assert sorted(labels.tolist()) == list(range(count))
    assert torch.equal(torch.cat([images for images, _ in batches])[:, 0], labels.remainder(256) / 255)
    assert {len(labels) for _, labels in batches[:-1]} <= {batch_size}
    assert len(batches) == blocks.batches
    assert len(list(blocks)) == len(blocks)


def test_the_order_follows_from_seed_and_epoch_alone():
    def order(seed: int, epoch: int) -> list[int]:
        return [label for _, labels in epoch_of(numbered(100, 10, seed), epoch) for label in labels.tolist()]

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4)
    assert order(0, 3) != order(1, 3)


def test_evaluation_batches_are_in_order(mnist_root):
    data = ready(root=mnist_root)
    images, labels = (torch.cat(part) for part in zip(*data.test_dataloader()))
    assert torch.equal(images, data.parts["test"][0] / 255)
    assert torch.equal(labels, data.parts["test"][1])


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_the_batches_of_one(processes):
    images, labels = torch.arange(50, dtype=torch.uint8).expand(784, 50).T.contiguous(), torch.arange(50)
    whole = ShuffledBlocks(images, labels, 7, seed=3)
    expected = [batch.sort().values.tolist() for block in whole for _, batch in block]
    shares = [list(ShuffledBlocks(images, labels, 7, 3, rank, processes)) for rank in range(processes)]
    assert {len(share) for share in shares} == {whole.batches}
    together = []
    for index, blocks in enumerate(zip(*shares)):
        parts = [labels for block in blocks for _, labels in block]
        assert sum(map(len, parts)) == whole.size(index)
        together.append(torch.cat(parts).sort().values.tolist())
    assert together == expected


def test_processes_share_what_is_evaluated():
    images, labels = torch.zeros(11, 784, dtype=torch.uint8), torch.arange(11)
    shares = [OrderedBatches(images, labels, rank, 3) for rank in range(3)]
    together = torch.cat([labels for share in shares for _, labels in share])
    assert together.sort().values.tolist() == list(range(11))
