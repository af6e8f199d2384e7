"""Some of the weights that a training starts from stay in those that it ends with."""

from typing import Any

import torch
from lightning import Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from mnist_mlp.errors import warn


class KeepStart(Callback):
    """Mixes the start's weights into the trained ones before the last epoch is validated.

    A mixture of a network's weights before and after it learned more reads what both read, and the old images often
    better than either: Wortsman et al. 2022, arXiv:2109.01903.

    Args:
        start: The network that the training started from.
        share: How much of its weights stays, in [0, 1).
    """

    def __init__(self, start: nn.Module, share: float) -> None:
        self.start, self.share = start, share
        self.unmixed: dict[str, Tensor] = {}  # from which a training that is resumed for more epochs goes on

    def state_dict(self) -> dict[str, Tensor]:
        return self.unmixed

    def load_state_dict(self, state_dict: dict[str, Tensor]) -> None:
        self.unmixed = state_dict

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        if self.unmixed:
            pl_module.trained.load_state_dict(self.unmixed)
            self.unmixed = {}

    @torch.no_grad()
    def on_validation_start(self, trainer: Trainer, pl_module: Any) -> None:
        if trainer.sanity_checking or trainer.current_epoch + 1 != trainer.max_epochs or not trainer.is_last_batch:
            return
        trained = pl_module.trained.state_dict()
        self.unmixed = {name: value.clone() for name, value in trained.items()}
        for now, before in zip(trained.values(), self.start.state_dict().values()):
            if now.is_floating_point():
                now.lerp_(before.to(now), self.share)

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        if not self.unmixed:
            warn(f"init_share={self.share}: training ended without a validation of its last epoch, so none is kept")
