"""The same training as Classifier's with less work around each step: a block of batches at a time.

Lightning's and the optimizer's Python around a step take longer than a small model's arithmetic.
"""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from inspect import signature, unwrap
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, GradientAccumulationScheduler
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from mnist_mlp.data.batches import Batch
from mnist_mlp.model.backpropagation import Chain, Descent, Gradients, knows
from mnist_mlp.model.threads import SpareThreads, are_interchangeable
from mnist_mlp.training.classifier import Classifier

# The trainer's settings under which a block trains as single batches do, and those that only some values change.
HARMLESS = "_target_ max_epochs min_epochs accelerator devices num_nodes gradient_clip_val check_val_every_n_epoch"
HARMLESS += " limit_val_batches num_sanity_val_steps enable_progress_bar enable_model_summary deterministic benchmark"
HARMLESS += " inference_mode reload_dataloaders_every_n_epochs logger sync_batchnorm"
VALUES = {"strategy": ("auto",), "precision": (None, 32, "32", "32-true", "bf16", "bf16-mixed", "auto")}
# The hooks that Lightning calls for each step, of callbacks and of the module
HOOKS = "on_train_batch_start on_train_batch_end on_before_zero_grad on_before_backward on_after_backward"
HOOKS += " on_before_optimizer_step"
MODULE_HOOKS = "backward optimizer_step optimizer_zero_grad configure_gradient_clipping on_before_batch_transfer"
MODULE_HOOKS += " on_after_batch_transfer transfer_batch_to_device"


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
        self.current: list[Batch] = []

    def on_train_start(self) -> None:
        self.parameter_list = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self.chain = Chain(self.network) if knows(self.network) and self.trainer.precision == "32-true" else None
        threads = torch.get_num_threads()
        self.threads = SpareThreads(threads, least=1 if self.chain and are_interchangeable() else threads)

    def on_train_end(self) -> None:
        self.threads.take(self.threads.most)

    def training_step(self, block: Iterator[Batch], block_index: int) -> None:
        step, optimizer, current = super().training_step, self.optimizers(use_pl_optimizer=False), self.current
        scheduler: Any = self.lr_schedulers() if self.schedule and self.schedule.interval == "step" else None
        first = block_index * self.trainer.train_dataloader.batches_per_block
        fast_step = self.step_with_autograd if self.chain is None else self.step_by_hand
        self.threads.start()
        with nullcontext() if self.chain is None else self.chain:
            for index, batch in enumerate(block, first):
                current[:] = (batch,)
                fast_step(step(batch, index), optimizer)
                if scheduler is not None:
                    scheduler.step()
                self.threads.adapt()
        progress = self.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        for tracker in (progress.total, progress.current):  # trainer.global_step is made of them
            tracker.ready += len(self.seen)
            tracker.completed += len(self.seen)
        self.count_seen()

    def step_with_autograd(self, objective: Tensor, optimizer: Any) -> None:
        """Takes an optimizer step by torch alone. New gradients replace the old ones, which need no zeroing."""
        gradients = torch.autograd.grad(objective, self.parameter_list, allow_unused=True)
        for parameter, gradient in zip(self.parameter_list, gradients):
            parameter.grad = gradient
        self.clip_gradient()
        optimizer.step()

    def step_by_hand(self, objective: Tensor, optimizer: Any) -> None:
        """Takes an optimizer step with the derivatives of ``backpropagation``."""
        chain: Any = self.chain
        hooks = optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks
        optimizer._opt_called = True  # what a schedule asks for before its own step
        if self.clip is None and not hooks and len(chain.calls) == 1 and is_plain_descent(optimizer):
            chain.backward(objective, Descent(optimizer.param_groups[0]["lr"]))
            return
        for parameter in self.parameter_list:
            parameter.grad = None
        chain.backward(objective, Gradients())
        self.clip_gradient()
        if hooks or not type(optimizer).__module__.startswith("torch.optim."):
            optimizer.step()
        else:
            with torch.no_grad():  # without the wrappers around it, which are for hooks, profiles and graphs
                unwrap(type(optimizer).step)(optimizer)

    def clip_gradient(self) -> None:
        """Cuts the gradient down to the norm ``clip``."""
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.parameter_list, self.clip)

    def log(self, name: str, value: Any, *arguments, batch_size: int | None = None, **options) -> None:
        if batch_size is None and self.trainer.training:
            batch_size = len(self.current[0].labels)  # Lightning looks for it in the block
        super().log(name, value, *arguments, batch_size=batch_size, **options)

    def total_steps(self) -> int:
        trainer: Any = self.trainer
        return trainer.max_epochs * len(trainer.datamodule.train_dataloader().batches)


def is_plain_descent(optimizer: Optimizer) -> bool:
    """Returns whether a step is ``parameter -= lr * gradient`` for all parameters."""
    if type(optimizer) is not SGD or len(optimizer.param_groups) > 1:
        return False
    group = optimizer.param_groups[0]
    return not any(group[name] for name in ("momentum", "weight_decay", "maximize", "differentiable"))


def needs_single_steps(trainer: dict[str, Any], callbacks: Iterable[Callback]) -> str | None:
    """Returns the setting or hook for which blocks would not do what Lightning's manual says, or None.

    Args:
        trainer: The arguments of Lightning's Trainer.
        callbacks: Those that the user adds.
    """
    defaults = {name: parameter.default for name, parameter in signature(Trainer).parameters.items()}
    for name, value in trainer.items():
        if value not in VALUES.get(name, (defaults.get(name), value if name in HARMLESS.split() else None)):
            return f"trainer.{name}={value}"
    for callback in callbacks:
        if isinstance(callback, GradientAccumulationScheduler):
            return type(callback).__name__
        if hook := next((hook for hook in HOOKS.split() if is_overridden(hook, callback, Callback)), None):
            return f"{type(callback).__name__}.{hook}"
    hooks = f"{HOOKS} {MODULE_HOOKS}".split()
    return next((f"Classifier.{hook}" for hook in hooks if is_overridden(hook, Classifier, LightningModule)), None)
