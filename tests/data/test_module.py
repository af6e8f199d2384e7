import pytest
import torch
from PIL import Image

from mnist_mlp.data import datasets
from mnist_mlp.data.batches import Outliers, ShuffledBatches, normalized
from mnist_mlp.data.distortions import Distort
from mnist_mlp.data.module import DigitsDataModule
from mnist_mlp.data.splits import Split, split
from mnist_mlp.errors import InputError


def ready(**settings) -> DigitsDataModule:
    data = DigitsDataModule(**settings)
    data.prepare_data()
    data.setup()
    return data


def grey_pictures(root, labels: str, values):
    for label in labels:
        (root / label).mkdir(parents=True)
        for index, value in enumerate(values):
            Image.new("L", (9, 9), value).save(root / f"{label}/{index}.png")
    return root


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


def test_each_image_is_tested_in_one_of_the_folds(tmp_path):
    root = grey_pictures(tmp_path, "012", range(10, 17))
    folds = [ready(dataset="folder", root=root, fold=fold).parts for fold in range(5)]
    tested = [value for parts in folds for value in parts["test"][0][:, 0].tolist()]
    assert sorted(tested) == sorted(3 * list(range(10, 17)))
    for parts in folds:
        counts = parts["test"][1].bincount(minlength=3)
        assert counts.min() >= 1 and counts.max() <= 2  # of 7 each
        assert sum(len(labels) for _, labels in parts.values()) == 21
    grey_pictures(tmp_path / "parted/train", "01", [200] * 5)
    grey_pictures(tmp_path / "parted/test", "01", [200] * 5)
    with pytest.raises(InputError, match="data.fold=0: this data set has test images of its own; use data.fold=null"):
        ready(dataset="folder", root=tmp_path / "parted", fold=0)


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


def test_drawn_digits_join_the_training_images_alone(mnist_root):
    plain, joined = ready(root=mnist_root), ready(root=mnist_root, hands=0.25)
    images, labels = joined.parts["train"]
    assert len(images) == len(labels) == 512 + 128
    assert torch.equal(images[:512], plain.parts["train"][0])
    assert len(rows(images[512:])) == len(set(rows(images[512:])) - rows(plain.parts["train"][0])) == 128
    assert torch.equal(images, ready(root=mnist_root, hands=0.25).parts["train"][0])
    assert rows(images[512:]) != rows(ready(root=mnist_root, hands=0.25, seed=1).parts["train"][0][512:])
    for part in ("val", "test"):
        assert torch.equal(joined.parts[part][0], plain.parts[part][0])


def test_calibration_sees_drawings_that_training_did_not(mnist_root, few_drawings):
    plain, data = ready(root=mnist_root), ready(root=mnist_root, hands=0.25, outliers=0.25)
    assert [len(part) for part in plain.calibration()] == [128, 128, 0]
    images, labels, others = data.calibration()
    assert [len(part) for part in (images, labels, others)] == [256, 256, 200]
    assert torch.equal(images[:128], data.parts["val"][0])
    assert not rows(images[128:]) & rows(data.parts["train"][0])
    assert not rows(others) <= rows(data.drawings)
    assert all(torch.equal(*pair) for pair in zip(data.calibration(), (images, labels, others)))


def test_hands_are_for_data_sets_of_digits(tmp_path):
    root = grey_pictures(tmp_path, "ab", [255] * 5)
    with pytest.raises(InputError, match="data.hands=0.5: folder is not of the digits 0 to 9"):
        ready(dataset="folder", root=root, hands=0.5)


def test_too_few_images_to_split(mnist_root):
    with pytest.raises(InputError, match=r"640 images cannot be split into .*: both must have some"):
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


@pytest.mark.parametrize(
    ("images", "train", "val", "test"),
    [(2, (1, 2), (0, 1), (0, 1)), (3, (1, 2), (0, 1), (1, 1)), (5, (3, 3), (1, 1), (1, 1))],
)
def test_few_images_of_each_label_are_divided_label_by_label(images, train, val, test):
    labels = torch.arange(10 * images) % 10
    part = Split(torch.arange(len(labels)).view(-1, 1, 1), labels)
    for seed in range(5):
        rest, first = split(part, 0.2, seed, by_label=True)
        last, second = split(rest, 0.2, seed, by_label=True)
        for found, (least, most) in ((last, train), (second, val), (first, test)):
            counts = found.labels.bincount(minlength=10)
            assert (counts.min(), counts.max()) == (least, most)
            assert (found.images.flatten() % 10 == found.labels).all()
        assert len({*last.images.flatten().tolist(), *second.images.flatten().tolist()}) == len(rest.labels)


def test_labels_of_very_different_sizes():
    labels = torch.tensor([0] * 1000 + [1] * 3 + [2] * 1)
    first, second = split(Split(torch.zeros(1004, 1, 1), labels), 0.2, 0, by_label=True)
    assert first.labels.bincount().tolist() == [800, 2, 1]
    assert second.labels.bincount(minlength=3).tolist() == [200, 1, 0]
    with pytest.raises(InputError, match="3 images cannot be split into "):
        split(Split(torch.zeros(3, 1, 1), torch.arange(3)), 0.2, 0, by_label=True)


def test_what_is_left_out_of_a_folder_is_said(tmp_path):
    root = grey_pictures(tmp_path, "01", [200] * 5)
    for name in ("0/a.heic", "0/b.heic", "1/.DS_Store"):
        (root / name).touch()
    data = ready(dataset="folder", root=root)
    assert data.description() == (
        f"folder in {root}: 6 images to train on, 2 to validate, 2 to test, 2 classes; left out: 2 .heic, 1 hidden;"
        " export .heic as JPEG or PNG, or pip install pillow-heif"
    )
    assert data.warning == "left out: 2 .heic; export .heic as JPEG or PNG, or pip install pillow-heif"
    (root / "0/a.heic").unlink()
    (root / "0/b.heic").unlink()
    assert ready(dataset="folder", root=root).warning is None


def test_labels_with_too_few_images_are_named(tmp_path):
    root = grey_pictures(tmp_path, "012", [200] * 5)
    for index in range(1, 5):
        (root / f"1/{index}.png").unlink()
    assert ready(dataset="folder", root=root).warning == "no images to validate of 1; no images to test of 1"


def test_own_validation_images_are_used(tmp_path):
    grey_pictures(tmp_path / "train", "01", [200] * 5)
    grey_pictures(tmp_path / "val", "01", [200] * 3)
    parts = ready(dataset="folder", root=tmp_path).parts
    assert {name: len(labels) for name, (_, labels) in parts.items()} == {"train": 8, "val": 6, "test": 2}


@pytest.mark.parametrize(("values", "expected"), [([255] * 4, True), ([3] * 4, False), ([255, 3, 255, 3], None)])
def test_whether_pictures_are_dark_on_light(tmp_path, values, expected):
    root = grey_pictures(tmp_path, "ab", values)
    assert ready(dataset="folder", root=root, as_digits=False).on_white() is expected
