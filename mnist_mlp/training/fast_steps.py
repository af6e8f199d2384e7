"""The same training as Classifier's with less work around each step: a block of batches at a time.

Lightning's and the optimizer's Python around a step take longer than a small model's arithmetic.
"""

from collections.abc import Iterator
from typing import Any

import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch import Tensor, nn
from torch.optim import Optimizer

from mnist_mlp.data.batches import Batch
from mnist_mlp.training.classifier import Classifier


class FastClassifier(Classifier):
    """A Classifier whose training batch is a block: an iterator over batches, each an optimizer step.

    Args:
        clip: Norm that each step's gradient is cut down to (Pascanu et al. 2013, arXiv:1211.5063), or None. Lightning
            leaves it to a module that steps the optimizer itself.
    """

    def __init__(self, *arguments, clip: float | None = None, **options) -> None:
        super().__init__(*arguments, **options)
        self.automatic_optimization = False
        self.clip = clip

    def on_train_start(self) -> None:
        self.parameter_list = list(self.network.parameters())
        self.watched = step_is_watched(self.trainer)

    def training_step(self, block: Iterator[Batch], block_index: int) -> None:
        step = self.lightning_step if self.watched else self.fast_step
        scheduler: Any = self.lr_schedulers()
        all_logits, all_labels, losses = [], [], []
        for batch in block:
            logits, loss, objective = self.losses(batch)
            step(objective)
            if scheduler is not None:
                scheduler.step()
            if self.average is not None:
                self.average.update_parameters(self.network)
            all_logits.append(logits)
            all_labels.append(batch.labels)
            losses.append(loss.detach())
        if not self.watched:
            count_steps(self.trainer, len(losses))
        self.update_metrics(self.train_metrics, all_logits, all_labels, losses)

    def fast_step(self, objective: Tensor) -> None:
        """Takes an optimizer step by torch alone. New gradients replace the old ones, which need no zeroing."""
        for parameter, gradient in zip(self.parameter_list, torch.autograd.grad(objective, self.parameter_list)):
            parameter.grad = gradient
        self.clip_gradient()
        optimizer: Any = self.optimizers(use_pl_optimizer=False)
        optimizer.step()

    def lightning_step(self, objective: Tensor) -> None:
        """Takes an optimizer step with all that Lightning does around it."""
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(objective)
        optimizer.step()

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        self.clip_gradient()

    def clip_gradient(self) -> None:
        """Cuts the gradient down to the norm ``clip``."""
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.parameter_list, self.clip)

    def total_steps(self) -> int:
        trainer: Any = self.trainer
        return trainer.max_epochs * len(trainer.datamodule.train_dataloader().batches)

    def optimizer_step(self, *arguments, **options) -> None:
        super(Classifier, self).optimizer_step(*arguments, **options)  # the average is updated in training_step


def step_is_watched(trainer: Any) -> bool:
    """Returns whether gradients are scaled (float16), or a callback has a hook around the optimizer step."""
    hooks = ("on_before_zero_grad", "on_before_backward", "on_after_backward", "on_before_optimizer_step")
    return getattr(trainer.precision_plugin, "scaler", None) is not None or any(
        is_overridden(hook, callback, Callback) for callback in trainer.callbacks for hook in hooks
    )


def count_steps(trainer: Any, steps: int) -> None:
    """Counts optimizer steps for ``trainer.global_step``, as Lightning's wrapper around the optimizer does."""
    progress = trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
    for tracker in (progress.total, progress.current):
        tracker.ready += steps
        tracker.completed += steps
