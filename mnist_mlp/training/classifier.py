"""How a network is trained and scored: the LightningModule."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy

from mnist_mlp.data.batches import Batch
from mnist_mlp.data.randomness import seed_for
from mnist_mlp.errors import InputError
from mnist_mlp.model.dropout import Dropout
from mnist_mlp.model.losses import outlier_exposure
from mnist_mlp.training.schedulers import Schedule


class Classifier(LightningModule):
    """Trains a network on batches of images and labels, and scores it.

    Logs ``train_loss``, ``train_accuracy``, ``val_loss`` and ``val_accuracy`` once an epoch. In training they are means
    over the epoch, while the network changes, as in Keras.

    Args:
        network: Maps images (n, 784) to logits (n, num_classes).
        loss: Maps logits and labels to their mean loss.
        optimizer: Makes the optimizer of the given parameters.
        schedule: How the learning rate changes; None keeps it.
        average: A ``multi_avg_fn`` of ``torch.optim.swa_utils``. If given, an average of the weights is kept, and is
            what is validated, tested and used.
        metrics: Further scores by name, each of logits and labels; logged as ``train_NAME`` and ``val_NAME``.
        num_classes: Number of labels.
        seed: Dropout's masks follow from it and the epoch.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer] = Adam,
        schedule: Schedule | None = None,
        average: Callable | None = None,
        metrics: Mapping[str, Metric] | None = None,
        num_classes: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.network, self.loss, self.optimizer, self.schedule = network, loss, optimizer, schedule
        self.num_classes, self.seed = num_classes, seed
        self.average = None
        if average:  # of batch normalisation's statistics too; DDP must not wait for its gradients
            self.average = AveragedModel(network, multi_avg_fn=average, use_buffers=True).requires_grad_(False)
        self.others = {name: metric.clone() for name, metric in (metrics or {}).items()}  # to be used once, at the end
        self.train_metrics, self.val_metrics = (epoch_metrics(num_classes, metrics or {}) for _ in range(2))
        self.seen: list[tuple[Tensor, Tensor, Tensor]] = []  # logits, labels and loss that train_metrics lack

    @classmethod
    def load_from_checkpoint(cls, checkpoint_path: Any, *_: Any, **__: Any) -> "Classifier":
        """Returns the classifier of a run's checkpoint, built from the settings that it keeps."""
        from mnist_mlp.training.build import classifier_of  # which imports this module

        return classifier_of(Path(checkpoint_path))

    @property
    def trained(self) -> nn.Module:
        """The network to validate, test and use."""
        return self.network if self.average is None else self.average.module

    def forward(self, images: Tensor) -> Tensor:
        return self.trained(images)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        batch = as_batch(batch)
        logits, loss, objective = self.losses(batch)
        self.seen.append((logits, batch.labels, loss.detach()))
        if self.automatic_optimization and len(self.seen) == 32:  # so that a progress bar has figures
            self.count_seen()
        if self.trainer.world_size == 1:
            return objective
        return objective * self.gradient_weight(len(batch.labels), batch_index)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        batch = as_batch(batch)
        if len(batch.labels):  # 0: other processes have them all
            logits = self(batch.images)
            update(self.val_metrics, [(logits, batch.labels, self.loss(logits, batch.labels))])

    def on_train_epoch_end(self) -> None:
        self.count_seen()
        self.log_metrics("train", self.train_metrics)
        if self.schedule is not None and self.schedule.interval == "epoch":
            self.step_schedule(self.schedule.monitor)

    def on_validation_epoch_end(self) -> None:
        self.log_metrics("val", self.val_metrics)

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Returns a batch's logits, their mean loss, and what training minimises: the loss with that of outliers."""
        images, labels, outliers = batch
        count = len(labels)
        both = self.network(images if outliers is None else torch.cat([images, outliers]))
        logits = both if outliers is None else both[:count]
        loss = self.loss(logits, labels) if count else logits.sum()  # 0: other processes have the batch
        objective = loss if outliers is None else loss + outlier_exposure(both[count:]) / max(1, count)
        return logits.detach(), loss, objective

    def gradient_weight(self, images: int, batch_index: int) -> float:
        """Returns the factor that makes DDP's mean over processes the gradient of the whole batch's mean loss."""
        loader = self.trainer.train_dataloader
        if not hasattr(loader, "size"):  # a DataLoader gives each process as many
            return 1.0
        return images * self.trainer.world_size / loader.size(batch_index)

    def configure_optimizers(self) -> Any:
        optimizer = self.optimizer(self.network.parameters())
        if (average := self.average) is not None:
            optimizer.register_step_post_hook(lambda *_: average.update_parameters(self.network))
        if self.schedule is None:
            return optimizer
        scheduler = self.schedule.make(optimizer, self.total_steps())
        made = {"scheduler": scheduler, "interval": self.schedule.interval}
        if isinstance(scheduler, ReduceLROnPlateau):
            made |= {"monitor": self.schedule.monitor, "strict": False}
        return {"optimizer": optimizer, "lr_scheduler": made}

    def total_steps(self) -> int:
        """Returns the number of optimizer steps of the whole run."""
        return int(self.trainer.estimated_stepping_batches)

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        # Lightning steps after the epoch's checkpoint is saved, and after a resume not at all where a metric counts.
        if self.schedule.interval == "step":
            scheduler.step()

    def step_schedule(self, monitor: str) -> None:
        """Takes the schedule's step at the end of an epoch."""
        scheduler: Any = self.lr_schedulers()
        if not isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step()
        elif monitor in self.trainer.callback_metrics:
            scheduler.step(self.trainer.callback_metrics[monitor])
        else:
            raise InputError(f"scheduler: nothing logs {monitor}; there are {', '.join(self.trainer.callback_metrics)}")

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["classes"] = self.num_classes

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        for schedule in checkpoint["lr_schedulers"]:  # it covers the run as it is now, which may have become longer
            schedule.pop("total_steps", None)
            schedule.pop("_schedule_phases", None)

    def on_train_epoch_start(self) -> None:
        self.seen.clear()
        # Dropout's masks follow from the epoch, not from what came before: a resumed run draws the same.
        key = self.seed, self.current_epoch, self.global_rank
        torch.manual_seed(seed_for("epoch", *key))
        for index, layer in enumerate(self.network.modules()):
            if isinstance(layer, Dropout):
                layer.reseed(seed_for("dropout", *key, index))

    def count_seen(self) -> None:
        """Adds the batches since the last call to the training metrics, on the device."""
        if self.seen:
            update(self.train_metrics, self.seen)
            self.seen.clear()

    def log_metrics(self, stage: str, metrics: Any) -> None:
        """Hands an epoch's metrics to Lightning, which reads and resets them."""
        self.log_dict({f"{stage}_{name}": metric for name, metric in metrics.items()}, on_step=False, on_epoch=True)


def as_batch(batch: Any) -> Batch:
    """Returns a batch of images and labels, such as a DataLoader's, as this project's: images float32 (n, 784)."""
    if isinstance(batch, Batch):
        return batch
    images, labels = batch
    return Batch(images.flatten(1).float(), labels)


def update(metrics: Any, batches: list[tuple[Tensor, Tensor, Tensor]]) -> None:
    """Adds batches, each its logits, labels and mean loss, to an epoch's metrics, on the device."""
    logits, labels, losses = zip(*batches)
    sizes = torch.tensor([len(batch) for batch in labels], device=logits[0].device)
    for name, metric in metrics.items():
        if name == "loss":
            metric.update(torch.stack(losses).float(), sizes)
        else:
            metric.update(torch.cat(logits), torch.cat(labels))


def epoch_metrics(num_classes: int, others: Mapping[str, Metric]) -> nn.ModuleDict:
    """Returns loss, accuracy and others over an epoch. The first two do not wait for the device before its end."""
    accuracy = MulticlassAccuracy(num_classes, average="micro", validate_args=False)
    return nn.ModuleDict({"loss": MeanLoss(), "accuracy": accuracy, **{n: m.clone() for n, m in others.items()}})


class MeanLoss(Metric):
    """The mean over images of batches' mean losses.

    torchmetrics' MeanMetric either looks for NaNs, which waits for the device at every step, or ignores the weights
    (``nan_strategy="disable"`` of version 1.9).
    """

    total: Tensor
    images: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("images", torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, losses: Tensor, sizes: Tensor) -> None:
        """Adds batches by their mean losses and their numbers of images, both (batches,)."""
        self.total += (losses * sizes).sum()
        self.images += sizes.sum()

    def compute(self) -> Tensor:
        return self.total / self.images
