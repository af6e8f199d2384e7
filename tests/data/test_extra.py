"""Own digits beside a data set."""

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_mlp.data.batches import OWN_REPEATS, OWN_SHARE, OwnDigits, ShuffledBatches
from mnist_mlp.data.extra import read_extra
from mnist_mlp.data.module import DigitsDataModule
from mnist_mlp.errors import InputError

DIGITS = [str(digit) for digit in range(10)]


def save(folder, label, count):
    for number in range(count):
        (folder / label).mkdir(parents=True, exist_ok=True)
        picture = np.full((40, 40), 255, np.uint8)
        picture[8:32, 18 : 22 + number % 4] = 0
        Image.fromarray(picture).save(folder / label / f"{number}.png")


@pytest.mark.parametrize(("labels", "count"), [("7", 1), ("7", 3), ("139", 1), ("0123456789", 9)])
def test_few_are_all_learned_from(tmp_path, labels, count):
    for label in labels:
        save(tmp_path, label, count)
    own = read_extra(tmp_path, DIGITS)
    assert (len(own.learned.labels), len(own.apart.labels)) == (count * len(labels), 0)
    assert own.learned.labels.bincount(minlength=10).tolist() == [count * (label in labels) for label in DIGITS]
    assert own.learned.images.shape[1:] == (784,)
    assert "none kept apart" in own.description("my_digits", True)


def test_of_many_a_fifth_of_each_label_is_kept_apart(tmp_path):
    for label in DIGITS:
        save(tmp_path, label, 10)
    own = read_extra(tmp_path, DIGITS)
    assert own.learned.labels.bincount().tolist() == [8] * 10
    assert own.apart.labels.bincount().tolist() == [2] * 10


def test_a_test_folder_is_kept_apart(tmp_path):
    save(tmp_path / "train", "3", 2)
    save(tmp_path / "test", "3", 1)
    own = read_extra(tmp_path, DIGITS)
    assert (len(own.learned.labels), len(own.apart.labels)) == (2, 1)


def test_pictures_of_no_digit_and_unsorted_ones_are_no_labels(tmp_path):
    for label in ("3", "no_digit", "unsorted"):
        save(tmp_path, label, 2)
    own = read_extra(tmp_path, DIGITS)
    assert (len(own.learned.labels), len(own.no_digits)) == (2, 2)
    assert "left out: data.outliers is 0" in own.description("my_digits", outliers=False)


def test_empty_folders_that_are_no_labels_are_no_mistake(tmp_path):
    save(tmp_path, "3", 2)
    for name in ("no_digit", "unsorted"):
        (tmp_path / name).mkdir()
    own = read_extra(tmp_path, DIGITS)
    assert (len(own.learned.labels), len(own.no_digits)) == (2, 0)


def test_pictures_of_no_digit_in_a_test_folder_are_not_learned(tmp_path):
    save(tmp_path / "train", "3", 2)
    save(tmp_path / "test", "3", 1)
    save(tmp_path / "test", "no_digit", 3)
    own = read_extra(tmp_path, DIGITS)
    assert (len(own.learned.labels), len(own.apart.labels), len(own.no_digits)) == (2, 1, 0)
    save(tmp_path / "train", "no_digit", 1)
    assert len(read_extra(tmp_path, DIGITS).no_digits) == 1


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["1", "a"], "data.extra=.*: the label folder a is none of the classes 0, 1"),
        (["no_digit"], "no picture has a label$"),
        (["unsorted"], "no picture has a label: move each of the 1 in unsorted into the folder of its label"),
        (["1", "007"], r"007 is none of the classes .*9; did you mean 7\?"),
        (["1", "No Digit"], r"No Digit is none of .*; did you mean no_digit\?"),
        ([], "has no folders"),
    ],
)
def test_what_cannot_be_learned_is_one_line(tmp_path, labels, message):
    for label in labels:
        save(tmp_path, label, 1)
    with pytest.raises(InputError, match=message):
        read_extra(tmp_path, DIGITS)


def test_a_digit_of_which_nothing_is_seen_is_named(tmp_path):
    save(tmp_path, "3", 2)
    for label in ("3", "no_digit"):  # an empty page is no digit
        (tmp_path / label).mkdir(exist_ok=True)
        Image.new("L", (40, 40), 255).save(tmp_path / label / "empty.png")
    with pytest.raises(InputError, match=r"3/empty\.png: nothing to read$"):
        read_extra(tmp_path, DIGITS)
    (tmp_path / "3/empty.png").unlink()
    assert len(read_extra(tmp_path, DIGITS).no_digits) == 1


def test_pictures_that_are_left_out_are_counted(tmp_path):
    save(tmp_path, "3", 2)
    save(tmp_path, "unsorted", 1)
    save(tmp_path, ".", 1)
    (tmp_path / "3/dead.png").symlink_to("nowhere")
    (tmp_path / "index.csv").touch()
    said = read_extra(tmp_path, DIGITS).description("own", outliers=True).partition("; left out: ")[2]
    assert sorted(said.split(", ")) == ["1 linked to nothing", "1 pictures outside the label folders", "1 unsorted"]


def narrow(images: np.ndarray) -> np.ndarray:
    """A network that takes narrow images for 1s, and has no idea of others."""
    widths = np.count_nonzero(images.any(1), axis=1)
    return np.where(widths[:, None] < 10, np.eye(10)[1], 0.1)


def test_a_network_says_what_of_a_picture_is_the_digit(tmp_path):
    save(tmp_path, "1", 1)
    alone = read_extra(tmp_path, DIGITS).learned.images
    picture = np.full((100, 100), 255, np.uint8)
    picture[30:80, 20:24] = picture[30:80, 40:75] = 0  # a 1 and a blot
    Image.fromarray(picture).save(tmp_path / "1/0.png")
    without, with_network = (read_extra(tmp_path, DIGITS, given).learned.images for given in (None, narrow))
    similar = [np.corrcoef(found[0], alone[0])[0, 1] for found in (without, with_network)]
    assert similar[0] < 0.7 < similar[1], similar


def test_what_a_folder_is_tested_on_is_not_learned(tmp_path):
    for label in "37":
        save(tmp_path, label, 9)
    data = DigitsDataModule("folder", tmp_path, extra=f"{tmp_path}/../{tmp_path.name}")
    with pytest.raises(InputError, match=r"^data\.extra=.*: is data\.root too"):
        data.setup()


def test_a_missing_folder_is_named_by_its_setting(tmp_path):
    with pytest.raises(InputError, match=r"^data\.extra=.*does not exist"):
        read_extra(tmp_path / "gone", DIGITS)


def joined(own, batch_size=16, images=100, epoch=0, **options):
    batches = ShuffledBatches(
        torch.zeros(images, 784, dtype=torch.uint8), torch.zeros(images).long(), batch_size, 0, own=own, **options
    )
    batches.sampler.set_epoch(epoch)
    return batches, [batch.labels[batch.labels > 0] for batch in batches]


def owned(count, beside=100, seed=0):
    pixels = torch.arange(1, count + 1)
    return OwnDigits(pixels[:, None].expand(-1, 784).to(torch.uint8), pixels, beside, seed)


@pytest.mark.parametrize("count", [1, 3, 40, 200])
def test_no_more_than_a_share_joins_and_each_equally_often(count):
    batches, labels = joined(owned(count))
    total = torch.cat(labels)
    assert len(total) == int(100 * min(OWN_SHARE, OWN_REPEATS * count / 100))
    often = total.bincount(minlength=count + 1)[1:]
    assert often.max() - often.min() <= 1
    assert [batches.size(index) for index in range(len(batches))] == [len(batch.labels) for batch in batches]


def test_a_single_picture_joins_a_large_data_set_now_and_then():
    own = owned(1, beside=10_000)
    assert own.count(10_000) == OWN_REPEATS
    assert sum(len(own.draw(start, start + 100, 0)[1]) for start in range(0, 10_000, 100)) == OWN_REPEATS


def test_which_join_follows_from_seed_and_epoch():
    def drawn(seed, epoch):
        return torch.cat(joined(owned(40, seed=seed), epoch=epoch)[1]).tolist()

    assert drawn(0, 1) == drawn(0, 1)
    assert drawn(0, 1) != drawn(0, 2) != drawn(1, 2)


def test_images_and_labels_stay_together_and_processes_share_them():
    whole, _ = joined(owned(40))
    halves = [joined(owned(40), rank=rank, world_size=2)[0] for rank in range(2)]
    for batch, *parts in zip(whole, *halves):
        own = batch.labels > 0
        assert torch.equal((batch.images[own, 0] * 255).round().long(), batch.labels[own])
        assert sorted(batch.labels.tolist()) == sorted(torch.cat([part.labels for part in parts]).tolist())
