"""From the config to the objects of a training. The only module that calls Hydra's instantiate."""

import os
from collections.abc import Callable, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from lightning import Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from lightning.pytorch.profilers import AdvancedProfiler, PyTorchProfiler, SimpleProfiler
from omegaconf import DictConfig, OmegaConf
from torch import nn
from torchmetrics import Metric

from mnist_mlp.adaptation.start import in_words, probabilities_of, start_from
from mnist_mlp.components.targets import check_targets, imported
from mnist_mlp.data.module import DigitsDataModule
from mnist_mlp.data.randomness import seed_for
from mnist_mlp.data.splits import DIGITS
from mnist_mlp.errors import InputError, one_line, warn
from mnist_mlp.model.mlp import count_parameters
from mnist_mlp.model.precision import fastest_precision
from mnist_mlp.model.threads import threads_for
from mnist_mlp.pictures.digits import Probabilities
from mnist_mlp.runs.checkpoint import read_checkpoint, settings_of
from mnist_mlp.runs.settings import ADDED, FREE_SETTINGS, flatten, nested
from mnist_mlp.terminal import say
from mnist_mlp.training import ranks
from mnist_mlp.training.callbacks.checkpoints import AtomicCheckpoints
from mnist_mlp.training.classifier import Classifier
from mnist_mlp.training.fast_steps import FastClassifier, needs_single_steps
from mnist_mlp.training.schedulers import Schedule

PROFILERS = {"simple": SimpleProfiler, "advanced": AdvancedProfiler, "pytorch": PyTorchProfiler}


def check_machine(config: DictConfig) -> None:
    """Raises InputError for what cannot be done on this machine, before anything is read."""
    trainer, rank = config.trainer, ranks.is_rank()
    if trainer.num_nodes > 1 and not rank:
        raise InputError(
            f"trainer.num_nodes={trainer.num_nodes}: start this with torchrun on each of them (see docs/resume.md)"
        )
    if rank and processes(config) != int(os.environ["WORLD_SIZE"]):
        raise InputError(
            f"torchrun has started {os.environ['WORLD_SIZE']} processes, but trainer.devices times trainer.num_nodes is"
            f" {processes(config)}: set them as torchrun's --nproc-per-node and --nnodes, with trainer=ddp"
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


def build_data(config: DictConfig, block_size: int = 1) -> DigitsDataModule:
    """Returns the data module, with its images read."""
    data = instantiate(config.data, augment=optional(config.augment), block_size=block_size, _convert_="all")
    data.prepare_data()
    data.probabilities = build_probabilities(config)
    data.setup()
    return data


def build_probabilities(config: DictConfig) -> Probabilities | None:
    """Returns the probabilities of ``init``'s run, to find own digits by; None if unreadable or not of digits."""
    if config.init is None or config.data.get("extra") is None:
        return None
    network = instantiate(config.model, num_classes=len(DIGITS), _convert_="all")
    try:
        return probabilities_of(Path(config.init), network, flatten(plain(config)))
    except InputError as error:
        if config.checkpoint is None:
            raise
        why = f"init={config.init} cannot be read ({one_line(error)})"
        warn(f"{why}: in own pictures that are not 28x28 it may have found other digits")
        return None


def build_block_size(config: DictConfig, callbacks: list[Callback]) -> tuple[int, str | None]:
    """Returns how many images a block of batches has, and why batches come singly instead, or None."""
    if processes(config) > 1:  # DDP allows one backward pass for each batch that Lightning sees
        return 1, "a training in several processes"
    reason = needs_single_steps(plain(config.trainer), callbacks)
    return (1 if reason else config.data.block_size), reason


def build_classifier(config: DictConfig, data: DigitsDataModule) -> Classifier:
    """Returns the classifier with the weights of the seed or of a run, and sets the number of threads that suits it."""
    torch.manual_seed(seed_for("weights", config.seed))
    parts = build_parts(config, len(data.classes))
    if config.init is not None and config.checkpoint is None:
        unknown = start_from(Path(config.init), parts["network"], data.classes, settings(config, data))
        say(in_words(Path(config.init), data.classes, unknown))
    torch.set_num_threads(threads_for(count_parameters(parts["network"]) * config.data.batch_size))
    clip = config.trainer.get("gradient_clip_val")
    classifier = FastClassifier(**parts, clip=clip) if data.block_size > 1 else Classifier(**parts)
    classifier.save_hyperparameters(settings(config, data))
    return classifier


def classifier_of(path: Path) -> Classifier:
    """Returns the classifier of a checkpoint with its weights, built from the settings that it keeps.

    Raises:
        InputError: The file is no checkpoint of such a run, or names what may not be constructed.
    """
    checkpoint = read_checkpoint(path)
    kept = nested(settings_of(checkpoint))
    for group, value in kept.items():
        check_targets(group, value)
    if "model" not in kept:
        raise InputError(f"{path}: keeps no settings to build a classifier from")
    config = OmegaConf.create(ADDED | {"seed": 0} | kept)
    classifier = Classifier(**build_parts(config, checkpoint.get("classes", 10)))
    classifier.load_state_dict(checkpoint["state_dict"])
    return classifier


def build_parts(config: DictConfig, num_classes: int) -> dict[str, Any]:
    """Returns the arguments of a Classifier. Raises InputError if the network does not give a logit for each class."""
    network = instantiate(config.model, num_classes=num_classes, _convert_="all")
    check_network(network, num_classes)
    return {
        "network": network,
        "loss": optional(config.loss),
        "optimizer": build_optimizer(config, network),
        "schedule": build_schedule(config),
        "average": optional(config.average),
        "metrics": build_metrics(config, num_classes),
        "num_classes": num_classes,
        "seed": config.seed,
    }


def check_network(network: nn.Module, num_classes: int) -> None:
    """Raises InputError unless the network maps images (n, 784) to logits (n, num_classes)."""
    training = network.training
    try:
        with torch.no_grad():
            shape = tuple(network.eval()(torch.zeros(2, 784)).shape)
    except Exception as error:  # of many types, by what the network does
        raise InputError(f"model: cannot read images of shape (n, 784): {one_line(error)}") from error
    if shape != (2, num_classes):
        raise InputError(f"model: gives {shape} for two images, but must give (2, {num_classes})")
    network.train(training)


def build_start(config: DictConfig, data: DigitsDataModule) -> nn.Module | None:
    """Returns the network that a training started from; None if that was no run, not of these classes, or is gone."""
    if config.init is None:
        return None
    network = instantiate(config.model, num_classes=len(data.classes), _convert_="all")
    try:
        unknown = start_from(Path(config.init), network, data.classes, settings(config, data))
    except InputError:
        return None
    return None if unknown else network


def build_optimizer(config: DictConfig, network: nn.Module) -> Callable:
    """Returns what makes the optimizer of given parameters.

    Raises:
        InputError: Its arguments are refused, or a first step of it, on copies of the parameters.
    """
    factory = instantiate(config.optimizer, _convert_="all")
    try:
        copies = [nn.Parameter(parameter.detach().clone()) for parameter in network.parameters()]
        optimizer = factory(copies)
        for parameter in copies:
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
    except Exception as error:  # of many types, by what torch's or one's own class does
        raise InputError(f"optimizer: {one_line(error)} ({config.optimizer._target_})") from error
    return factory


def build_metrics(config: DictConfig, num_classes: int) -> dict[str, Metric]:
    """Returns the further scores by name. Raises InputError unless each gives a number."""
    metrics = {name: instantiate(group, num_classes=num_classes) for name, group in config.metrics.items()}
    for name, metric in metrics.items():
        value = metric.clone()(torch.eye(num_classes), torch.arange(num_classes))
        if not isinstance(value, torch.Tensor) or value.numel() != 1:
            raise InputError(f"metrics.{name}: gives more than one number")
    return metrics


def build_named(group: DictConfig, key: str, **given: Any) -> list[Any]:
    """Returns the objects of a group that has several, by their names. Raises InputError if one cannot be made."""
    made = []
    for name, settings in group.items():
        takes = signature(imported(settings["_target_"])).parameters
        arguments = {key: value for key, value in given.items() if key in takes and key not in settings}
        try:
            made.append(instantiate(settings, **arguments, _convert_="all"))
        except InstantiationException as error:
            raise InputError(f"{key}.{name}: {one_line(error.__cause__ or error)}") from error
    return made


def build_schedule(config: DictConfig) -> Schedule | None:
    """Returns how the learning rate changes. ``interval`` and ``monitor`` are Lightning's, the rest the scheduler's."""
    if not config.scheduler:
        return None
    group = plain(config.scheduler)
    if group["_target_"].endswith(".ReduceLROnPlateau"):
        group = {"mode": config.mode} | group
    timing = {"monitor": config.monitor} | {key: group.pop(key) for key in ("interval", "monitor") if key in group}
    return Schedule(instantiate(group, _convert_="all"), **timing)


def optional(group: DictConfig) -> Any:
    """Returns the object that a group describes, or None if ``none`` is chosen of it."""
    return instantiate(group, _convert_="all") if group else None


def build_trainer(
    config: DictConfig, folder: Path, block_size: int, callbacks: list[Callback], loggers: Sequence[Logger] = ()
) -> Trainer:
    """Returns the config's trainer with the given callbacks and loggers, and without Lightning's own summary.

    Raises:
        InputError: Lightning refuses a setting, or would replace it by another.
    """
    typed = plain(config.trainer)
    ours: dict[str, Any] = {"num_sanity_val_steps": 0, "sync_batchnorm": processes(config) > 1} | typed
    ours |= {"enable_model_summary": False, "logger": list(loggers), "default_root_dir": folder, "callbacks": callbacks}
    ours["plugins"] = [AtomicCheckpoints(), TorchElasticEnvironment() if ranks.is_rank() else LightningEnvironment()]
    if typed.get("precision") == "auto":
        ours["precision"] = fastest_precision(typed["accelerator"])
    if block_size > 1:
        ours["gradient_clip_val"] = None  # FastClassifier does it
    if profiler := typed.get("profiler"):
        if str(profiler) not in PROFILERS:
            raise InputError(f"trainer.profiler={profiler}: must be {', '.join(PROFILERS)} or null")
        ours["profiler"] = PROFILERS[profiler](dirpath=folder, filename="profile")
    del ours["_target_"]
    try:
        trainer = Trainer(**ours)
    except Exception as error:  # of many types
        raise InputError(f"trainer: {one_line(error)}") from error
    if str(typed.get("precision")) in ("16-mixed", "16") and trainer.precision != "16-mixed":
        raise InputError(f"trainer.precision={typed['precision']}: not on this accelerator; it has bf16-mixed")
    return trainer


def settings(config: DictConfig, data: DigitsDataModule) -> dict[str, Any]:
    """Returns the settings that a resumed run must share with its beginning, as plain values by dotted keys."""
    values = flatten(plain(config))
    values["data.dataset"] = data.dataset  # that of the fallback where it is used
    values["training images"] = len(data.parts["train"][1])
    values["own digits"] = len(data.own.learned.labels) if data.own else None
    return {key: value for key, value in values.items() if key not in FREE_SETTINGS}


def plain(config: DictConfig) -> dict[str, Any]:
    """Returns the config as nested plain values."""
    values: Any = OmegaConf.to_container(config, resolve=True)
    return values
