"""Some of the weights that a training starts from stay in those that it ends with."""

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn

from mnist_mlp.errors import warn


class KeepStart(Callback):
    """Mixes the start's weights into the trained ones before the last epoch is validated.

    What lies between the weights of a network and of the same network after it has learned more reads what both read,
    and often the old better than either: Wortsman et al. 2022, arXiv:2109.01903.

    Args:
        start: The network that the training started from.
        share: How much of its weights stays, in [0, 1).
    """

    def __init__(self, start: nn.Module, share: float) -> None:
        self.start, self.share, self.is_done = start, share, False

    @torch.no_grad()
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking or trainer.current_epoch + 1 != trainer.max_epochs or not trainer.is_last_batch:
            return
        trained: nn.Module = pl_module.trained  # pyright: ignore[reportAssignmentType]
        for now, before in zip(trained.state_dict().values(), self.start.state_dict().values()):
            if now.is_floating_point():
                now.lerp_(before.to(now), self.share)
        self.is_done = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self.is_done:
            warn(f"init_share={self.share}: training ended without a validation of its last epoch, so none is kept")
