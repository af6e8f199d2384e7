"""From the config to the objects of a training. The only module that calls Hydra's instantiate."""

import os
from typing import Any

import torch
from hydra.utils import instantiate
from lightning import Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from omegaconf import DictConfig, OmegaConf

from mnist_mlp.data.module import DigitsDataModule
from mnist_mlp.data.randomness import seed_for
from mnist_mlp.errors import InputError
from mnist_mlp.model.mlp import count_parameters
from mnist_mlp.runs.settings import flatten
from mnist_mlp.training import ranks
from mnist_mlp.training.callbacks.checkpoints import AtomicCheckpoints
from mnist_mlp.training.classifier import Classifier
from mnist_mlp.training.fast_steps import FastClassifier

THREADS = torch.get_num_threads()  # torch's own choice, or OMP_NUM_THREADS

# What a resumed run may change: where the data lie and how long and where it trains, not what it computes.
FREE_SETTINGS = {"checkpoint", "data.root", "data.fallback", "data.block_size"} | {
    f"trainer.{name}" for name in ("max_epochs", "accelerator", "devices", "num_nodes", "strategy")
}


def check_machine(config: DictConfig) -> None:
    """Raises InputError for what cannot be done on this machine, before anything is read."""
    trainer, rank = config.trainer, ranks.is_rank()
    if trainer.num_nodes > 1 and not rank:
        raise InputError(
            f"trainer.num_nodes={trainer.num_nodes}: start this with torchrun on each of them (see docs/resume.md)"
        )
    cores, gpus = os.cpu_count() or 1, torch.cuda.device_count()
    if trainer.devices > max(cores, gpus) and not rank:
        raise InputError(f"trainer.devices={trainer.devices}: this machine has {cores} cores and {gpus} GPUs")
    if trainer.accelerator == "gpu" and not (gpus or torch.mps.is_available()):
        raise InputError("trainer.accelerator=gpu: torch sees no GPU here; trainer=auto takes what there is")
    if processes(config) > 1 and config.model.get("batch_norm") and not gpus:
        raise InputError(
            "model.batch_norm=true: torch normalises over several processes on GPUs only;"
            " model.batch_norm=false, or trainer.devices=1"
        )


def processes(config: DictConfig) -> int:
    """Returns how many processes train together."""
    return config.trainer.devices * config.trainer.num_nodes


def build_data(config: DictConfig) -> DigitsDataModule:
    """Returns the data module, with its images read.

    With several processes it serves single batches: DDP allows one backward pass for each.
    """
    block_size = config.data.block_size if processes(config) == 1 else 1
    data = instantiate(config.data, augment=optional(config.augment), block_size=block_size)
    data.prepare_data()
    data.setup()
    return data


def build_classifier(config: DictConfig, data: DigitsDataModule) -> Classifier:
    """Returns the classifier with the initial weights of the seed, and sets the number of threads that suits it."""
    torch.manual_seed(seed_for("weights", config.seed))
    network = instantiate(config.model, num_classes=len(data.classes))
    torch.set_num_threads(threads_for(count_parameters(network) * config.data.batch_size))
    optimizer = instantiate(config.optimizer)
    try:
        optimizer(network.parameters())
    except (TypeError, ValueError) as error:
        raise InputError(f"optimizer: {error}") from error
    parts = network, instantiate(config.loss), optimizer, optional(config.scheduler), optional(config.average)
    options: dict[str, Any] = {"num_classes": len(data.classes), "seed": config.seed}
    if data.block_size > 1:
        classifier = FastClassifier(*parts, **options, clip=config.trainer.gradient_clip_val)
    else:
        classifier = Classifier(*parts, **options)
    classifier.save_hyperparameters(settings(config, data), logger=False)
    return classifier


def optional(group: DictConfig) -> Any:
    """Returns the object that a group describes, or None if ``none`` is chosen of it."""
    return instantiate(group) if group else None


def threads_for(work: int) -> int:
    """Returns how many threads pay for a training step of ``work`` multiply-adds forward.

    Below some ten million for each thread, waiting for each other costs more than sharing brings. With one thread a
    small model's numbers are also the same on machines with any number of cores.
    """
    return max(1, min(THREADS, work // 10_000_000))


def build_trainer(config: DictConfig, classifier: Classifier, callbacks: list[Callback]) -> Trainer:
    """Returns the config's trainer with the given callbacks, and without Lightning's own logger and summary."""
    clip = config.trainer.gradient_clip_val if classifier.automatic_optimization else None
    return instantiate(
        config.trainer,
        gradient_clip_val=clip,
        callbacks=callbacks,
        # torchrun says who is who; a cluster's own variables describe jobs, not the processes of this training
        plugins=[AtomicCheckpoints(), *([] if TorchElasticEnvironment.detect() else [LightningEnvironment()])],
        logger=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        sync_batchnorm=processes(config) > 1,
    )


def settings(config: DictConfig, data: DigitsDataModule) -> dict[str, Any]:
    """Returns the settings that a resumed run must share with its beginning, as plain values by dotted keys."""
    values = flatten(plain(config))
    values["data.dataset"] = data.dataset  # that of the fallback where it is used
    values["training images"] = len(data.parts["train"][1])
    return {key: value for key, value in values.items() if key not in FREE_SETTINGS}


def plain(config: DictConfig) -> dict[str, Any]:
    """Returns the config as nested plain values."""
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}
