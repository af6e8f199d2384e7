"""The length of the gradient, to see how a training goes."""

from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities import grad_norm


class GradNorms(Callback):
    """Logs ``grad_norm``, the mean over an epoch's steps of the norm of all gradients together."""

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Any) -> None:
        total = grad_norm(pl_module, norm_type=2)["grad_2.0_norm_total"]
        pl_module.log("grad_norm", total, on_step=False, on_epoch=True)
