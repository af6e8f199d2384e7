import pytest
import torch

from mnist_mlp.data import datasets
from mnist_mlp.data.batches import Outliers, ShuffledBatches, normalized
from mnist_mlp.data.distortions import Distort
from mnist_mlp.data.module import DigitsDataModule
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
    for images, labels, outliers in (next(iter(data.train_dataloader())), next(iter(data.val_dataloader()))):
        assert outliers is None
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


def test_validation_and_test_images_stay_as_they_are(mnist_root):
    plain, distorted = ready(root=mnist_root), ready(root=mnist_root, augment=Distort(rotation=45))
    for loader in ("val_dataloader", "test_dataloader"):
        assert torch.equal(next(iter(getattr(plain, loader)()))[0], next(iter(getattr(distorted, loader)()))[0])
    first, other = (next(iter(data.train_dataloader())).images for data in (plain, distorted))
    assert not torch.allclose(first, other)


def test_drawings_that_are_no_digit_join_each_training_batch(mnist_root, few_drawings):
    data = ready(root=mnist_root, outliers=0.25, batch_size=200)
    batches = list(data.train_dataloader())
    assert [tuple(map(len, batch)) for batch in batches] == [(200, 200, 50), (200, 200, 50), (112, 112, 28)]
    joined = [rows(batch.outliers) for batch in batches]
    assert joined[0] < rows(normalized(data.drawings))
    assert joined[0] != joined[1]
    images, labels = data.parts["train"]
    shares = [
        next(iter(ShuffledBatches(images, labels, 200, 0, rank, 3, outliers=Outliers(data.drawings, 0.25))))
        for rank in range(3)
    ]
    assert [tuple(map(len, share)) for share in shares] == [(67, 67, 17), (67, 67, 17), (66, 66, 16)]
    for part in ("images", "outliers"):
        assert set().union(*(rows(getattr(share, part)) for share in shares)) == rows(getattr(batches[0], part))


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


def test_evaluation_batches_are_in_order(mnist_root):
    data = ready(root=mnist_root)
    images, labels = (torch.cat(part) for part in zip(*(batch[:2] for batch in data.test_dataloader())))
    assert torch.equal(images, data.parts["test"][0] / 255)
    assert torch.equal(labels, data.parts["test"][1])
