"""An L1 penalty on the weights."""

from lightning.pytorch.callbacks import Callback


class L1(Callback):
    """Adds the penalty's gradient before each optimizer step, and logs the penalty once an epoch."""

    def __init__(self, strength: float = 1e-5) -> None:
        self.strength = strength

    def on_before_optimizer_step(self, trainer, pl_module, optimizer) -> None:
        for weight in pl_module.network.parameters():
            weight.grad.add_(weight.sign(), alpha=self.strength)

    def on_train_epoch_end(self, trainer, pl_module) -> None:
        total = sum(weight.abs().sum() for weight in pl_module.network.parameters())
        pl_module.log("l1", self.strength * total.detach())
