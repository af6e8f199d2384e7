"""Dropout that is cheap on a CPU, where torch's own draws its numbers one after the other."""

import numpy as np
import torch
from torch import Tensor, nn

LEVELS = 2**16  # a mask is drawn with 16 bits a number
MAX_NUMBERS, MAX_MASKS = 2**17, 64  # made at once: for a small mask NumPy's calls take longer than its arithmetic


class Dropout(nn.Dropout):
    """Dropout (Srivastava et al. 2014): in training, zeroes activations with probability ``p`` and scales the others.

    On a CPU, NumPy's SFC64 generator draws the masks, about ten times as fast as torch's. Elsewhere this is torch's
    dropout, and follows torch's seed.

    Args:
        p: Probability in [0, 1), rounded to 16 bits.
    """

    def __init__(self, p: float) -> None:
        super().__init__(p)
        self.reseed(0)

    def reseed(self, seed: int) -> None:
        """Starts the sequence of masks that follows from ``seed``."""
        self.bits, self.words = np.random.SFC64(seed), np.empty(0, np.uint64)
        self.made_for, self.masks = None, iter(())

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or input.device.type != "cpu":
            return super().forward(input)
        return input * self.mask(input.shape).to(input.dtype)

    def mask(self, shape: torch.Size) -> Tensor:
        """Returns float32 factors: 0 for a dropped activation, else the scale that keeps the mean."""
        mask = next(self.masks, None) if self.made_for == (shape, self.p) else None
        if mask is None:
            self.made_for, (mask, *more) = (shape, self.p), self.make(shape)
            self.masks = iter(more)
        self.words = self.words[-(-shape.numel() // 4) :]
        return mask

    def make(self, shape: torch.Size) -> Tensor:
        """Returns the next masks, (masks, *shape). Each has its own words of the sequence, however many are made."""
        kept, count = round((1 - self.p) * LEVELS), shape.numel()
        many, length = min(max(1, MAX_NUMBERS // max(1, count)), MAX_MASKS), -(-count // 4)
        missing = max(0, many * length - len(self.words))
        self.words = np.concatenate([self.words, self.bits.random_raw(missing)])
        numbers = self.words[: many * length].reshape(many, length).view(np.uint16)[:, :count]
        masks = np.multiply(numbers < kept, np.float32(LEVELS / kept), dtype=np.float32)
        return torch.as_tensor(masks).view(many, *shape)
