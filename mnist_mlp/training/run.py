"""From a config to a trained and tested model in its run folder."""

import json
import logging
import os
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from lightning import Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from mnist_mlp.command.settings import flatten
from mnist_mlp.data.module import DigitsDataModule, OrderedBatches
from mnist_mlp.data.randomness import seed_for
from mnist_mlp.errors import InputError, one_line
from mnist_mlp.model.mlp import count_parameters, summary
from mnist_mlp.reader import read_checkpoint
from mnist_mlp.runs.atomic import replacing
from mnist_mlp.training import ranks as processes
from mnist_mlp.training.calibration import calibration_error, fit_temperature, fit_threshold
from mnist_mlp.training.callbacks.checkpoints import LastAndBest, WholeCheckpoints, check_settings
from mnist_mlp.training.callbacks.history import History
from mnist_mlp.training.callbacks.progress_bar import EpochProgress
from mnist_mlp.training.callbacks.tensorboard import Dashboard
from mnist_mlp.training.classifier import Classifier

THREADS = torch.get_num_threads()  # what torch takes by itself, or OMP_NUM_THREADS


def train(config: DictConfig, folder: Path, varied: dict | None = None) -> dict:
    """Trains what ``config`` describes, tests its best epoch once, fills ``folder`` and gives metrics.json's content.

    ``varied`` is what the HPARAMS tab compares: in a sweep what it varies, otherwise every setting. With several
    devices this starts a process for each, unless this is one of them, as under torchrun; the first of them fills the
    folder, tests, and gives the metrics, the others nothing.

    Raises InputError for what the user can mend, and KeyboardInterrupt, with the way to go on, after Ctrl-C.
    """
    check_machine(config)
    try:
        if config.trainer.devices > 1 and not processes.is_rank():
            return processes.run_in_processes(config.trainer.devices, train, config, folder, varied)
        quieten()
        with processes.quiet_unless_first():
            return train_and_test(config, folder, varied)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(what_is_kept(folder, config.trainer.max_epochs)) from None


def check_machine(config: DictConfig) -> None:
    """Raises InputError for what cannot be done here, before anything is read."""
    trainer, rank = config.trainer, processes.is_rank()
    if trainer.num_nodes > 1 and not rank:
        raise InputError(
            f"trainer.num_nodes={trainer.num_nodes}: start this on each of them with torchrun (see the README)"
        )
    cores, gpus = os.cpu_count(), torch.cuda.device_count()
    if trainer.devices > max(cores, gpus) and not rank:
        raise InputError(f"trainer.devices={trainer.devices}: this machine has {cores} cores and {gpus} GPUs")
    if trainer.accelerator == "gpu" and not (gpus or torch.mps.is_available()):
        raise InputError("trainer.accelerator=gpu: torch sees no GPU here; trainer=auto takes what there is")
    if trainer.devices * trainer.num_nodes > 1 and config.model.get("batch_norm") and not gpus:
        raise InputError(
            "model.batch_norm=true: torch normalises over several processes on GPUs only;"
            " model.batch_norm=false, or trainer.devices=1"
        )


def train_and_test(config: DictConfig, folder: Path, varied: dict | None) -> dict:
    data = read_data(config)
    classifier = build(config, data)
    print(summary(classifier.network), flush=True)

    settings = settings_of(config, data)
    history = History(folder)
    dashboard = Dashboard(history, OmegaConf.to_yaml(config, resolve=True), data.classes)
    trainer = make_trainer(config, history, dashboard, LastAndBest(history, settings))
    if config.checkpoint is not None:  # so that a wrong file is named before training begins
        checkpoint = read_checkpoint(Path(config.checkpoint))
        check_settings(Path(config.checkpoint), checkpoint, settings)
        load_weights(classifier, Path(config.checkpoint), checkpoint)

    fit(trainer, classifier, data, config.checkpoint, history)
    if not trainer.is_global_zero:
        return {}
    best_path = folder / "checkpoints/best.ckpt"
    load_weights(classifier, best_path, read_checkpoint(best_path))
    logits, labels = logits_of("val", classifier, data)
    temperature = fit_temperature(logits, labels)
    threshold = fit_threshold((logits / temperature).softmax(1))
    results = test(trainer, classifier, data, dashboard)

    best = history.best()
    logits, labels = logits_of("test", classifier, data)
    results["test_calibration_error"] = calibration_error((logits / temperature).softmax(1), labels)
    results |= {"val_accuracy": best["val_accuracy"], "val_loss": best["val_loss"]}
    history.draw()
    dashboard.log_hyperparameters(varied or hyperparameters(config), results)
    dashboard.close()
    metrics = {
        "data": data.dataset,
        **results,
        "best_epoch": best["epoch"],
        "epochs": len(history.rows),
        "parameters": count_parameters(classifier.network),
        "fit_seconds": round(history.seconds, 2),
        "seed": config.seed,
        "classes": data.classes,
        "temperature": temperature,
        "threshold": threshold,
    }
    if data.warning:
        metrics["warning"] = data.warning
    with replacing(folder / "metrics.json") as path:
        path.write_text(json.dumps(metrics, indent=2) + "\n")
    report(metrics, folder)
    return metrics


def quieten() -> None:
    """Silences what libraries say of themselves; their errors and this project's own lines remain."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.simplefilter("ignore")


def read_data(config: DictConfig) -> DigitsDataModule:
    data = instantiate(config.data, augment=chosen(config.augment))
    data.prepare_data()
    data.setup()
    warn(data.warning)
    sizes = {name: f"{len(labels):,}" for name, (_, labels) in data.parts.items()}
    source = f" in {data.root}" if data.root is not None and data.dataset != "digits" else ""
    print(
        f"{data.dataset}{source}: {sizes['train']} images to train on, {sizes['val']} to validate,"
        f" {sizes['test']} to test, {len(data.classes)} classes",
    )
    return data


def build(config: DictConfig, data: DigitsDataModule) -> Classifier:
    """The classifier with the weights that the seed gives, and as many threads as pay for it."""
    torch.manual_seed(seed_for("weights", config.seed))
    network = instantiate(config.model, num_classes=len(data.classes))
    torch.set_num_threads(threads_for(count_parameters(network) * config.data.batch_size))
    optimizer = instantiate(config.optimizer)
    try:
        optimizer(network.parameters())
    except (TypeError, ValueError) as error:
        raise InputError(f"optimizer: {error}") from error
    return Classifier(
        network,
        instantiate(config.loss),
        optimizer,
        chosen(config.scheduler),
        chosen(config.average),
        config.trainer.gradient_clip_val,
        len(data.classes),
        config.seed,
    )


def chosen(group: DictConfig) -> Any:
    """What a group describes, or None where ``none`` is chosen of it."""
    return instantiate(group) if group else None


def threads_for(work: int) -> int:
    """How many of the threads that torch would use pay for a step of ``work`` multiply-adds forward.

    Below some ten million a thread, waiting for each other costs more than sharing brings; and with one thread a small
    model's numbers are the same on a machine with any number of cores.
    """
    return max(1, min(THREADS, work // 10_000_000))


def make_trainer(config: DictConfig, history: History, *callbacks: Callback) -> Trainer:
    """The config's trainer, which keeps ``history`` and its last and best epoch, and shows a progress bar."""
    return instantiate(
        config.trainer,
        gradient_clip_val=None,  # Lightning leaves it to the classifier, which steps the optimizer
        callbacks=[history, *callbacks, EpochProgress()],
        # torchrun tells who is who; a cluster's own variables tell of jobs, not of this training's processes
        plugins=[WholeCheckpoints(), *([] if TorchElasticEnvironment.detect() else [LightningEnvironment()])],
        logger=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        sync_batchnorm=config.trainer.devices * config.trainer.num_nodes > 1,
    )


def settings_of(config: DictConfig, data: DigitsDataModule) -> dict[str, str]:
    """What a run must have in common with the one that it continues, by dotted keys."""
    settings = flatten(OmegaConf.to_container(config, resolve=True))
    settings["data.dataset"] = data.dataset  # that of the fallback where it is used
    settings["training images"] = len(data.parts["train"][1])
    free = {"checkpoint", "data.root", "data.fallback"} | {
        f"trainer.{name}" for name in ("max_epochs", "accelerator", "devices", "num_nodes", "strategy")
    }
    return {key: str(value) for key, value in settings.items() if key not in free}


def load_weights(classifier: Classifier, path: Path, checkpoint: dict) -> None:
    """Raises InputError unless the checkpoint is of such a classifier."""
    try:
        classifier.load_state_dict(checkpoint["state_dict"])
    except Exception as error:  # whatever else a file has in the place of weights
        raise InputError(f"{path}: of another model than the config's: {error}") from error


def fit(
    trainer: Trainer, classifier: Classifier, data: DigitsDataModule, checkpoint: str | None, history: History
) -> None:
    """Trains, from ``checkpoint`` on if there is one; what was saved before an error or Ctrl-C stays."""
    saved = history.folder / "checkpoints"
    try:
        trainer.fit(classifier, data, ckpt_path=checkpoint, weights_only=True)
    except InputError as error:
        if not history.rows:
            raise
        with suppress(InputError):  # a full disk has no room for curves either
            history.draw()
        raise InputError(f"{error}; the best epoch so far is kept in {shown(saved / 'best.ckpt')}") from error
    except Exception as error:
        if checkpoint is None or history.began:
            raise
        raise InputError(f"{checkpoint}: damaged, or not a checkpoint of such a run") from error
    except SystemExit:  # how Lightning ends a fit after Ctrl-C
        if history.rows:
            history.draw()
        raise KeyboardInterrupt from None


def what_is_kept(folder: Path, max_epochs: int) -> str:
    """What to say when a run is stopped."""
    if not (folder / "checkpoints/last.ckpt").exists():
        return "no epoch was finished, so nothing was kept"
    epochs = len((folder / "metrics.csv").read_text().splitlines()) - 1
    return f"{epochs} of {max_epochs} epochs are kept; to continue:\n  python train.py resume={shown(folder)}"


def test(trainer: Trainer, classifier: Classifier, data: DigitsDataModule, dashboard: Dashboard) -> dict[str, float]:
    """The test images' accuracy and loss; of several processes, in this one alone."""
    if trainer.world_size > 1:
        torch.distributed.destroy_process_group()
        off = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary", "enable_checkpointing"), False)
        accelerator, precision = trainer.accelerator, trainer.precision
        trainer = Trainer(accelerator=accelerator, devices=1, precision=precision, callbacks=[dashboard], **off)
    trainer.test(classifier, data, verbose=False)
    return {f"test_{name}": trainer.callback_metrics[f"test/{name}"].item() for name in ("accuracy", "loss")}


def logits_of(part: str, classifier: Classifier, data: DigitsDataModule) -> tuple[Tensor, Tensor]:
    """Of all images of a part of the data, on the CPU: logits, (n, classes), and labels."""
    images, labels = data.parts[part]
    classifier.eval()
    with torch.inference_mode():
        logits = [classifier(batch.to(classifier.device)) for batch, _ in OrderedBatches(images, labels)]
    return torch.cat(logits).float().cpu(), labels


def hyperparameters(config: DictConfig) -> dict:
    """What of the settings can differ between runs and matter, by dotted keys."""
    values = {}
    for key, value in flatten(OmegaConf.to_container(config, resolve=True)).items():
        group, _, name = key.partition(".")
        if name == "_target_" and group in ("optimizer", "scheduler", "loss", "augment", "average"):
            values[group] = value.rpartition(".")[2]
        elif value == {}:
            values[key] = "none"
        elif name not in ("_target_", "_partial_", "root", "fallback") and key not in ("data.seed", "checkpoint"):
            values[key] = value
    return values


def warn(message: str | None) -> None:
    if message:
        print(f"warning: {one_line(message)}", file=sys.stderr)


def report(metrics: dict, folder: Path) -> None:
    """The last lines of a run: what it reached, where it lies, what to type next."""
    runs = "outputs" if folder.is_relative_to(Path("outputs").absolute()) else shown(folder)
    print(
        f"test accuracy {metrics['test_accuracy']:.2%}, loss {metrics['test_loss']:.4f}"
        f" (epoch {metrics['best_epoch']} of {metrics['epochs']}, the best on the validation images)\n"
        f"run folder: {shown(folder)}\n"
        f"dashboard:  tensorboard --logdir {runs}",
    )
    warn(metrics.get("warning"))


def shown(path: Path) -> Path:
    """Relative to where the user is, if it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
