"""A data set as Lightning uses it: downloaded, split, and served as batches."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from lightning import LightningDataModule
from torch import Tensor

from mnist_mlp.data import datasets
from mnist_mlp.data.batches import Blocks, OrderedBatches, Outliers, OwnDigits, ShuffledBatches, normalized, only_own
from mnist_mlp.data.distortions import Distort
from mnist_mlp.data.extra import NO_DIGIT_REPEATS, Extra, read_extra
from mnist_mlp.data.randomness import seed_for
from mnist_mlp.data.splits import DIGITS, flat, on_white, split, train_and_test
from mnist_mlp.errors import InputError, listed
from mnist_mlp.pictures.digits import Probabilities
from mnist_mlp.pictures.in_folders.contents import in_words, missed_pictures
from mnist_mlp.pictures.mnist_form import SIDE
from mnist_mlp.strokes.digits import digits
from mnist_mlp.strokes.non_digits import non_digits

DRAWINGS = 5000  # of no digit: to train on, and as many others to calibrate on


class DigitsDataModule(LightningDataModule):
    """Digits, or other small images, flattened to float32 (n, 784) in [0, 1].

    A data set without test images gives up a fifth of its images, the same for every seed.

    Args:
        dataset: ``mnist``, ``fashion_mnist``, ``kmnist``, ``digits`` or ``folder``.
        root: Folder that holds the data set's files.
        batch_size: Images in a training batch.
        val_fraction: Fraction of the training images, in (0, 1), that are set apart for validation.
        seed: Seed of the split, of the shuffling and of all that varies between epochs.
        fallback: Data set to use if this one is neither there nor can be downloaded; None raises InputError instead.
            Damaged files never fall back.
        fold: Which fifth, counted from 0, of a data set without test images is tested; None: always the same one.
        as_digits: Whether a folder's images are brought to MNIST's form, or only resized.
        augment: Distorts the training images, differently each time.
        outliers: How many drawings of no digit join a training batch, as a fraction of its size.
        hands: How many digits in hands that MNIST lacks are drawn to train on, as a fraction of the training images. As
            many as there are validation images are drawn to calibrate on.
        extra: Folder of own digits that join every batch; see ``data/extra.py``.
        block_size: Images for which Lightning does its work for each step once; 1 is plain Lightning.

    Attributes:
        parts: After ``setup``, ``train``, ``val`` and ``test``: images uint8 (n, 784) and labels int64 (n,).
        classes: After ``setup``, the name of each label.
        left_out: After ``setup``, what lies among the images and is not read, in words.
        warning: What to tell the user about the data, or None.
        own: After ``setup``, the own digits of ``extra``.
        probabilities: Before ``setup``, what a network makes of images, to find own digits by; or None.
    """

    def __init__(
        self,
        dataset: str = "mnist",
        root: str | Path | None = "data",
        batch_size: Annotated[int, "[1, inf)"] = 128,
        val_fraction: Annotated[float, "(0, 1)"] = 0.2,
        seed: Annotated[int, "[0, inf)"] = 0,
        fallback: Literal["digits"] | None = None,
        fold: Annotated[int, "[0, 4]"] | None = None,
        as_digits: bool = True,
        augment: Distort | None = None,
        outliers: Annotated[float, "[0, 1]"] = 0.0,
        hands: Annotated[float, "(0, 1]"] | None = None,
        extra: str | Path | None = None,
        block_size: Annotated[int, "[1, inf)"] = 1,
    ) -> None:
        super().__init__()
        self.dataset, self.batch_size, self.val_fraction, self.seed = dataset, batch_size, val_fraction, seed
        self.root = Path(os.path.expanduser(str(root or ".")))  # Path's own raises where there is no such home
        self.fallback, self.fold, self.as_digits, self.augment = fallback, fold, as_digits, augment
        self.outliers, self.hands, self.extra, self.block_size = outliers, hands, extra, block_size
        self.own: Extra | None = None
        self.probabilities: Probabilities | None = None
        self.warning: str | None = None
        self.parts: dict[str, tuple[Tensor, Tensor]] = {}
        self.classes: list[str] = []
        self.left_out = ""

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
        data = self.read()
        own = self.dataset == "folder"  # which may have few images of a label
        (train, test), val = train_and_test(data, own, self.fold), data.val
        if val is None:
            train, val = split(train, self.val_fraction, seed_for("validation split", self.seed), by_label=own)
        self.parts = {"train": flat(train), "val": flat(val), "test": flat(test)}
        left_out = data.left_out or Counter[str]()
        self.classes, self.left_out = data.classes, in_words(left_out)
        missed = in_words(missed_pictures(left_out))
        warnings = self.warning, missed and f"left out: {missed}", *self.labels_without_images()
        self.warning = "; ".join(filter(None, warnings)) or None
        self.drawings = non_digits(DRAWINGS, seed_for("drawings", self.seed)) if self.outliers else None
        if self.hands:
            self._add_hands(self.hands)
        if self.extra:
            extra = Path(os.path.expanduser(str(self.extra)))
            if self.dataset == "folder" and extra.resolve() == self.root.resolve():
                raise InputError(f"data.extra={extra}: is data.root too; what it is tested on would be learned")
            self.own = read_extra(extra, self.classes, self.probabilities)
            if self.drawings is not None:
                self.drawings = torch.cat([self.drawings, self.own.no_digits.repeat(NO_DIGIT_REPEATS, 1)])

    def _add_hands(self, fraction: float) -> None:
        if self.classes != DIGITS:
            raise InputError(f"data.hands={fraction}: {self.dataset} is not of the digits 0 to 9; use data.hands=null")
        images, labels = self.parts["train"]
        drawn, drawn_labels = digits(round(fraction * len(labels)), seed_for("hands", self.seed))
        self.parts["train"] = torch.cat([images, drawn]), torch.cat([labels, drawn_labels])

    def calibration(self) -> tuple[Tensor, Tensor, Tensor]:
        """Returns what to calibrate on: images with their labels, and images of no class, none without ``outliers``.

        With ``hands`` the images are those to validate on and as many digits, drawn anew.
        """
        images, labels = self.parts["val"]
        others = non_digits(DRAWINGS, seed_for("drawings to calibrate on", self.seed)) if self.outliers else images[:0]
        if self.hands:
            drawn, drawn_labels = digits(len(labels), seed_for("hands to calibrate on", self.seed))
            images, labels = torch.cat([images, drawn]), torch.cat([labels, drawn_labels])
        return images, labels, others

    def read(self) -> datasets.Dataset:
        """Returns the images and labels. One's own data set is a subclass with such a method."""
        return datasets.read(self.dataset, self.root, self.as_digits)

    def description(self) -> str:
        """Returns one line that says which data set this is, where it lies and how many images each part has."""
        train, val, test = (f"{len(labels):,}" for _, labels in self.parts.values())
        source = f" in {self.root}" if self.dataset != "digits" else ""
        hands = " with drawn hands" if self.hands else ""
        left_out = f"; left out: {self.left_out}" if self.left_out else ""
        text = f"{self.dataset}{source}{hands}: {train} images to train on, {val} to validate, {test} to test,"
        text += f" {len(self.classes)} classes{left_out}"
        return f"{text}\n{self.own.description(str(self.extra), self.outliers > 0)}" if self.own else text

    def on_white(self) -> bool | None:
        """Returns whether the training images are dark on light; None if some are and some are not."""
        share = on_white(self.parts["train"][0].view(-1, SIDE, SIDE)).float().mean()
        return bool(share > 0.5) if abs(share - 0.5) > 0.49 else None

    def labels_without_images(self) -> Iterator[str]:
        """Yields which labels have no image to validate, and which none to test."""
        for name, verb in (("val", "validate"), ("test", "test")):
            counts = self.parts[name][1].bincount(minlength=len(self.classes))
            if labels := [label for label, count in zip(self.classes, counts) if not count]:
                yield f"no images to {verb} of {listed(labels)}"

    def augmentation(self, images: int, copies: int) -> tuple[Tensor, list[Tensor]]:
        """Returns the first images that are distorted and some outliers, float32 (n, 784), and distorted copies."""
        step = 4 * DRAWINGS // images  # some of each kind
        outliers = self.parts["train"][0][:0] if self.drawings is None else self.drawings[::step]
        augment: Any = self.augment
        distorted = self.own.learned if self.own and only_own(augment) else self.parts["train"]
        originals = normalized(torch.cat([distorted[0][:images], outliers]))
        draws = (augment.draw(len(originals), seed_for("augmentation", self.seed, i)) for i in range(copies))
        return originals, [augment(originals, draw) for draw in draws]

    def train_dataloader(self) -> ShuffledBatches | Blocks:
        images, labels = self._on_device("train")
        outliers = Outliers(self.drawings.to(images.device), self.outliers) if self.drawings is not None else None
        order = self.batch_size, self.seed, *self._rank_and_world_size()
        own = None
        if self.own:
            learned = (part.to(images.device) for part in self.own.learned)
            own = OwnDigits(*learned, beside=len(labels), seed=self.seed)
        batches = ShuffledBatches(images, labels, *order, self.augment, outliers, own)
        if getattr(self.trainer, "overfit_batches", 0):
            batches.sampler.set_epoch = lambda epoch: None  # the same batches in each epoch, as Lightning has it
        return Blocks(batches, self.block_size) if self.block_size > 1 else batches

    def val_dataloader(self) -> OrderedBatches:
        return OrderedBatches(*self._on_device("val"), *self._rank_and_world_size())

    def test_dataloader(self) -> OrderedBatches:
        return OrderedBatches(*self._on_device("test"), *self._rank_and_world_size())

    def _rank_and_world_size(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def _on_device(self, name: str) -> tuple[Tensor, Tensor]:
        """Returns a part of the data, moved to where the trainer computes."""
        device = self.trainer.strategy.root_device if self.trainer else "cpu"
        images, labels = self.parts[name]
        return images.to(device), labels.to(device)

    def transfer_batch_to_device(self, batch, device, dataloader_idx):
        return batch  # the batches are cut from tensors that are on the device
