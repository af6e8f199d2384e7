"""How a network is trained and scored: the LightningModule."""

from collections.abc import Callable, Iterable

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy

from mnist_mlp.data import Batch
from mnist_mlp.randomness import seed_for


class Classifier(LightningModule):
    """Trains ``network``, images (n, 784) to logits (n, num_classes), and scores it.

    ``loss`` takes logits and labels; ``optimizer`` the parameters; ``scheduler`` the optimizer and the number of
    steps of the whole run, and is stepped after each of them. A training batch is a block: batches of (images,
    labels), each an optimizer step. Logs ``train/``, ``val/`` and ``test/`` ``loss`` and ``accuracy`` once
    an epoch; in training they are means over the epoch, while the network changes, as in Keras.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Callable[[Tensor, Tensor], Tensor],
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        scheduler: Callable[[Optimizer, int], LRScheduler] | None = None,
        num_classes: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # a block has many optimizer steps
        self.network, self.loss, self.optimizer, self.scheduler = network, loss, optimizer, scheduler
        self.seed = seed
        self.train_metrics, self.val_metrics, self.test_metrics = (epoch_metrics(num_classes) for _ in range(3))

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images)

    def configure_optimizers(self):
        optimizer = self.optimizer(self.network.parameters())
        if self.scheduler is None:
            return optimizer
        steps = self.trainer.max_epochs * self.trainer.datamodule.train_dataloader().batches
        return [optimizer], [self.scheduler(optimizer, steps)]

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        for schedule in checkpoint["lr_schedulers"]:  # it covers the run as it is now, which may have become longer
            schedule.pop("total_steps", None)
            schedule.pop("_schedule_phases", None)

    def on_train_epoch_start(self) -> None:
        # Dropout's masks follow from the epoch, not from what came before: a continued run draws the same.
        torch.manual_seed(seed_for("dropout", self.seed, self.current_epoch, self.global_rank))

    def training_step(self, block: Iterable[Batch], _: int) -> None:
        optimizer, scheduler = self.optimizers(), self.lr_schedulers()
        all_logits, all_labels, losses = [], [], []
        for images, labels in block:
            optimizer.zero_grad()
            logits = self.network(images)
            loss = self.loss(logits, labels)
            self.manual_backward(loss)
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            all_logits.append(logits.detach())
            all_labels.append(labels)
            losses.append(loss.detach())
        self.score("train", all_logits, all_labels, losses)

    def validation_step(self, batch: Batch, _: int) -> Tensor:
        return self.evaluate("val", batch)

    def test_step(self, batch: Batch, _: int) -> Tensor:
        return self.evaluate("test", batch)

    def evaluate(self, stage: str, batch: Batch) -> Tensor:
        """Scores a batch and gives its logits."""
        images, labels = batch
        logits = self.network(images)
        self.score(stage, [logits], [labels], [self.loss(logits, labels)])
        return logits

    def score(self, stage: str, logits: list[Tensor], labels: list[Tensor], losses: list[Tensor]) -> None:
        """Adds batches to the epoch's metrics, on the device."""
        metrics = getattr(self, f"{stage}_metrics")
        sizes = torch.tensor([len(batch) for batch in labels], device=self.device)
        metrics["accuracy"].update(torch.cat(logits), torch.cat(labels))
        metrics["loss"].update(torch.stack(losses), sizes)
        self.log_dict({f"{stage}/{name}": metric for name, metric in metrics.items()}, on_step=False, on_epoch=True)


class MeanLoss(Metric):
    """The mean over images of batches' mean losses. torchmetrics' MeanMetric drops either NaNs or the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("images", torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, losses: Tensor, sizes: Tensor) -> None:
        """Takes the losses of some batches and how many images each has, both (batches,)."""
        self.total += (losses * sizes).sum()
        self.images += sizes.sum()

    def compute(self) -> Tensor:
        return self.total / self.images


def epoch_metrics(num_classes: int) -> nn.ModuleDict:
    """Loss and accuracy over an epoch; neither looks at a value, and so waits for the device, before its end."""
    accuracy = MulticlassAccuracy(num_classes, average="micro", validate_args=False)
    return nn.ModuleDict({"loss": MeanLoss(), "accuracy": accuracy})
