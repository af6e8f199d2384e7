"""How a network is trained and scored: the LightningModule."""

from collections.abc import Callable, Iterable

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import SingleDeviceStrategy
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy

from mnist_mlp.data.module import Batch
from mnist_mlp.data.randomness import seed_for
from mnist_mlp.model.dropout import Dropout


class Classifier(LightningModule):
    """Trains ``network``, images (n, 784) to logits (n, num_classes), and scores it.

    ``loss`` takes logits and labels; ``optimizer`` the parameters; ``scheduler`` the optimizer and the number of
    steps of the whole run, and is stepped after each of them. ``average``, a ``multi_avg_fn`` of
    ``torch.optim.swa_utils``, keeps an average of the weights, which is what is validated, tested and used.
    ``clip`` is the norm that a step's gradient is cut down to. A training batch is a block: batches of (images,
    labels), each an optimizer step; images beyond the labels are of no class. Logs ``train/``, ``val/`` and ``test/``
    ``loss`` and ``accuracy``, of images with labels, once an epoch; in training they are means over the epoch, while
    the network changes, as in Keras.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Callable[[Tensor, Tensor], Tensor],
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        scheduler: Callable[[Optimizer, int], LRScheduler] | None = None,
        average: Callable | None = None,
        clip: float | None = None,
        num_classes: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # a block has many optimizer steps
        self.network, self.loss, self.optimizer, self.scheduler = network, loss, optimizer, scheduler
        self.clip, self.seed = clip, seed
        self.average = averaged(network, average) if average else None
        self.train_metrics, self.val_metrics, self.test_metrics = (epoch_metrics(num_classes) for _ in range(3))

    @property
    def trained(self) -> nn.Module:
        """The network to validate, test and use."""
        return self.network if self.average is None else self.average.module

    def forward(self, images: Tensor) -> Tensor:
        return self.trained(images)

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

    def on_train_start(self) -> None:
        self.plain_steps = plain_steps_suffice(self.trainer)
        self.parameter_list = list(self.network.parameters())

    def on_train_epoch_start(self) -> None:
        # Dropout's masks follow from the epoch, not from what came before: a continued run draws the same.
        key = self.seed, self.current_epoch, self.global_rank
        torch.manual_seed(seed_for("epoch", *key))
        for index, layer in enumerate(self.network.modules()):
            if isinstance(layer, Dropout):
                layer.reseed(seed_for("dropout", *key, index))

    def training_step(self, block: Iterable[Batch], index: int) -> None:
        step = self.plain_step if self.plain_steps else self.lightning_step
        scheduler = self.lr_schedulers()
        all_logits, all_labels, losses = [], [], []
        for images, labels in block:
            answers = self.network(images)
            logits = answers[: len(labels)] if len(answers) > len(labels) else answers  # a slice costs its backward
            loss = self.loss(logits, labels) if len(labels) else logits.sum()  # 0, of another process' whole batch
            total = loss if logits is answers else loss + equality_loss(answers[len(labels) :]) / len(labels)
            step(total if self.trainer.world_size == 1 else total * self.share(len(labels), index))
            if scheduler is not None:
                scheduler.step()
            if self.average is not None:
                self.average.update_parameters(self.network)
            all_logits.append(logits.detach())
            all_labels.append(labels)
            losses.append(loss.detach())
        if self.plain_steps:
            count_steps(self.trainer, len(losses))
        self.score("train", all_logits, all_labels, losses)
        if self.trainer.is_last_batch:
            self.log_scores("train")

    def share(self, images: int, batch: int) -> float:
        """What makes DDP's mean of the processes' gradients the gradient of the whole batch's mean loss."""
        return images * self.trainer.world_size / self.trainer.train_dataloader.size(batch)

    def lightning_step(self, loss: Tensor) -> None:
        """An optimizer step with all that Lightning does around it."""
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def plain_step(self, loss: Tensor) -> None:
        """The same without it. Fresh gradients, taken rather than accumulated, need no zeroing."""
        for parameter, gradient in zip(self.parameter_list, torch.autograd.grad(loss, self.parameter_list)):
            parameter.grad = gradient
        self.clip_gradients_to_norm()
        self.optimizers(use_pl_optimizer=False).step()

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        self.clip_gradients_to_norm()

    def clip_gradients_to_norm(self) -> None:
        """As Lightning does where it steps the optimizer itself (Pascanu et al. 2013)."""
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.parameter_list, self.clip)

    def validation_step(self, batch: Batch, _: int) -> Tensor:
        return self.evaluate("val", batch)

    def on_validation_epoch_end(self) -> None:
        self.log_scores("val")

    def test_step(self, batch: Batch, _: int) -> Tensor:
        return self.evaluate("test", batch)

    def on_test_epoch_end(self) -> None:
        self.log_scores("test")

    def evaluate(self, stage: str, batch: Batch) -> Tensor:
        """Scores a batch and gives its logits."""
        images, labels = batch
        logits = self(images)
        self.score(stage, [logits], [labels], [self.loss(logits, labels)])
        return logits

    def score(self, stage: str, logits: list[Tensor], labels: list[Tensor], losses: list[Tensor]) -> None:
        """Adds batches to the epoch's metrics, on the device."""
        metrics = getattr(self, f"{stage}_metrics")
        sizes = torch.tensor([len(batch) for batch in labels], device=self.device)
        metrics["accuracy"].update(torch.cat(logits), torch.cat(labels))
        metrics["loss"].update(torch.stack(losses), sizes)

    def log_scores(self, stage: str) -> None:
        """Hands the metrics to Lightning, which reads and resets them; once an epoch, since it takes milliseconds."""
        metrics = getattr(self, f"{stage}_metrics")
        self.log_dict({f"{stage}/{name}": metric for name, metric in metrics.items()}, on_step=False, on_epoch=True)


def equality_loss(logits: Tensor) -> Tensor:
    """What is to be small for images of no class, with logits (n, classes): the sum of their cross-entropies to equal
    probabilities (Hendrycks et al. 2019).
    """
    return -logits.log_softmax(1).mean(1).sum()


def averaged(network: nn.Module, average: Callable) -> AveragedModel:
    """The average of the network's weights and of batch normalisation's statistics; DDP is not to wait for it."""
    return AveragedModel(network, multi_avg_fn=average, use_buffers=True).requires_grad_(False)


def plain_steps_suffice(trainer: Trainer) -> bool:
    """Whether torch's own backward and step do all there is to do, which spares a third of a small model's time.

    They do not where gradients are scaled (float16) or shared between processes, or where a callback wants to see them.
    """
    hooks = ("on_before_zero_grad", "on_before_backward", "on_after_backward", "on_before_optimizer_step")
    return (
        isinstance(trainer.strategy, SingleDeviceStrategy)
        and getattr(trainer.precision_plugin, "scaler", None) is None
        and not any(is_overridden(hook, callback, Callback) for callback in trainer.callbacks for hook in hooks)
    )


def count_steps(trainer: Trainer, steps: int) -> None:
    """Counts optimizer steps for ``trainer.global_step``, as Lightning's wrapper around the optimizer does."""
    progress = trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
    for tracker in (progress.total, progress.current):
        tracker.ready += steps
        tracker.completed += steps


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
