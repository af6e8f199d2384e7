"""Seconds for an epoch, training and validation, of this project and of what else one might use.

python tests/benchmarks/epoch.py [EXPERIMENT ...] [--rounds N] [--accelerator cpu|gpu] [--keras PYTHON]
    [--checkout FOLDER] [--block-size N] [--json]

The others: a bare PyTorch loop as an expert writes it, with as many threads as this project takes; Lightning as it is
usually written; with --block-size 1 this project in plain Lightning; with --keras, the Python of an environment with
keras, tensorflow and jax, Keras on both, and an epoch that JAX compiles as one loop; and with --checkout another
checkout of this project, such as the commit before. This project runs as train.py runs it, with progress bar,
checkpoints, TensorBoard and metrics. Each round trains every contestant for a few epochs, one after the other, so that
a noisy machine is noisy for all. Prints for each the median epoch, training images per second, the fraction of the fp32
matrix-multiply rate measured in the same run, and the seconds of this project over its own.
"""

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, random_split
from torchvision import datasets, transforms

from mnist_mlp.data.module import DigitsDataModule
from mnist_mlp.model.mlp import count_parameters
from mnist_mlp.model.threads import THREADS, threads_for
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.training import build
from mnist_mlp.training.callbacks.checkpoints import save_last_and_best
from mnist_mlp.training.callbacks.history import History
from mnist_mlp.training.callbacks.progress_bar import EpochProgress
from mnist_mlp.training.callbacks.tensorboard import Dashboard
from mnist_mlp.training.run import quieten_libraries

CONF = Path(__file__).parents[2] / "conf"
EXPERIMENTS = ["perceptron", "mlp", "dropout", "wide"]
Contestant = Callable[[DictConfig, DigitsDataModule, int], list[float]]  # config, data, epochs -> seconds of each epoch


def composed(*settings: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=[*settings, "data.fallback=null"])


class EpochTimes(Callback):
    """Seconds between the starts of successive epochs."""

    def __init__(self) -> None:
        self.starts: list[float] = []

    def on_train_epoch_start(self, trainer, module) -> None:
        self.starts.append(time.perf_counter())

    def on_train_end(self, trainer, module) -> None:
        self.starts.append(time.perf_counter())

    def seconds(self) -> list[float]:
        return [end - start for start, end in zip(self.starts, self.starts[1:])]


def this_project(config: DictConfig, data: DigitsDataModule, epochs: int, block_size: int = 4096) -> list[float]:
    config = OmegaConf.merge(config, {"trainer": {"max_epochs": epochs + 1}})  # the first warms up
    data.block_size = block_size
    times = EpochTimes()
    classifier = build.build_classifier(config, data)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        run = RunFolder(Path(folder))
        progress, dashboard = EpochProgress(), Dashboard(run)
        history = History(run, progress.on_epoch, dashboard.on_epoch, save_last_and_best)
        dashboard.begin("", classifier, data, [])
        trainer = build.build_trainer(config, Path(folder), block_size, [progress, history, times])
        trainer.fit(classifier, data)
    return times.seconds()[1:]


def whole_run(checkout: Path, config: DictConfig, data: DigitsDataModule, epochs: int) -> list[float]:
    """Seconds for an epoch of ``python CHECKOUT/train.py``, by its own metrics.json."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [f"experiment={config.name}", f"trainer.max_epochs={epochs + 1}", f"hydra.run.dir={folder}"]
        command = [sys.executable, str(checkout / "train.py"), *arguments, f"data.root={Path(data.root).resolve()}"]
        subprocess.run(
            command, cwd=checkout, env=untouched_environment() | {"PYTHONPATH": str(checkout)}, check=True, **SILENT
        )
        return [json.loads((Path(folder) / "metrics.json").read_text())["fit_seconds"] / (epochs + 1)]


def untouched_environment() -> dict[str, str]:
    """Returns the environment without what this project sets for itself when it is imported."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "MKL_"))}


SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def plain_network(config: DictConfig) -> nn.Sequential:
    layers, size = [], 784
    for hidden_size in config.model.hidden_sizes:
        layers += [nn.Linear(size, hidden_size), nn.ReLU()]
        if config.model.dropout:
            layers.append(nn.Dropout(config.model.dropout))
        size = hidden_size
    return nn.Sequential(*layers, nn.Linear(size, 10))


def plain_optimizer(config: DictConfig, network: nn.Module, **settings) -> torch.optim.Optimizer:
    optimizer = getattr(torch.optim, config.optimizer._target_.split(".")[-1])
    return optimizer(network.parameters(), lr=config.optimizer.lr, **settings)


def bare_loop(config: DictConfig, data: DigitsDataModule, epochs: int) -> list[float]:
    """What an expert writes for this model alone: tensors on the device, no framework, figures read once an epoch."""
    network = plain_network(config)
    torch.set_num_threads(threads_for(count_parameters(network) * config.data.batch_size))
    device = "cuda" if config.trainer.accelerator == "gpu" else "cpu"
    images, val_images = (data.parts[part][0].to(device).float() / 255 for part in ("train", "val"))
    labels, val_labels = (data.parts[part][1].to(device) for part in ("train", "val"))
    network = network.to(device)
    optimizer = plain_optimizer(config, network, fused=True)
    seconds = []
    for _ in range(epochs + 1):
        start = time.perf_counter()
        network.train()
        loss_sum, correct = torch.zeros((), device=device), torch.zeros((), device=device)
        for indices in torch.randperm(len(labels), device=device).split(config.data.batch_size):
            batch_images, batch_labels = images.index_select(0, indices), labels.index_select(0, indices)
            logits = network(batch_images)
            loss = F.cross_entropy(logits, batch_labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach() * len(indices)
            correct += (logits.argmax(1) == batch_labels).sum()
        network.eval()
        with torch.no_grad():
            logits = network(val_images)
            figures = [
                loss_sum / len(labels),
                correct / len(labels),
                F.cross_entropy(logits, val_labels),
                (logits.argmax(1) == val_labels).float().mean(),
            ]
        assert torch.stack(figures).isfinite().all()  # reads the device once
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


class UsualModule(LightningModule):
    """A module as Lightning's tutorials write it."""

    def __init__(self, config: DictConfig) -> None:
        super().__init__()
        self.config, self.network = config, plain_network(config)

    def training_step(self, batch, _):
        return self.score(batch, "train")

    def validation_step(self, batch, _):
        self.score(batch, "val")

    def score(self, batch, stage: str):
        images, labels = batch
        logits = self.network(images.flatten(1))
        loss = F.cross_entropy(logits, labels)
        self.log(f"{stage}_loss", loss, prog_bar=True)
        self.log(f"{stage}_accuracy", (logits.argmax(1) == labels).float().mean(), prog_bar=True)
        return loss

    def configure_optimizers(self):
        return plain_optimizer(self.config, self.network)


def usual_lightning(config: DictConfig, data: DigitsDataModule, epochs: int) -> list[float]:
    """torchvision's samples through a DataLoader, figures logged each step, Lightning's own bar and checkpoints."""
    torch.set_num_threads(THREADS)
    samples = datasets.MNIST(data.root, transform=transforms.ToTensor())
    train, val = random_split(samples, [48_000, 12_000])
    times = EpochTimes()
    batch_size = config.data.batch_size
    loaders = DataLoader(train, batch_size, shuffle=True), DataLoader(val, batch_size)
    settings = {"max_epochs": 1, "accelerator": config.trainer.accelerator, "devices": 1, "callbacks": [times]}
    quiet = contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO())
    with tempfile.TemporaryDirectory() as folder, quiet[0], quiet[1]:
        Trainer(**settings, default_root_dir=folder).fit(UsualModule(config), *loaders)
    return times.seconds()


def elsewhere(
    python: str, program: str, backend: str, config: DictConfig, data: DigitsDataModule, epochs: int
) -> list[float]:
    """A program beside this one, in its own environment and process; its first epoch compiles."""
    settings = {
        "hidden_sizes": list(config.model.hidden_sizes),
        "dropout": config.model.dropout,
        "optimizer": config.optimizer._target_.split(".")[-1],
        "batch_size": config.data.batch_size,
        "epochs": epochs + 1,
    }
    command = [python, str(Path(__file__).with_name(program)), json.dumps(settings), str(data.root)]
    environment = untouched_environment() | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    shown = subprocess.check_output(command, env=environment, stderr=subprocess.DEVNULL, text=True)
    return json.loads(shown.splitlines()[-1])[1:]


def multiply_rate(device: str) -> float:
    """Floating-point operations a second in fp32 matrix products: the best of several."""
    size = 2048
    left, right = torch.rand(2, size, size, device=device)
    torch.set_num_threads(THREADS)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        (left @ right)[0, 0].item()
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)


def epoch_operations(config: DictConfig) -> float:
    """Of an epoch's matrix products: forward, and both backward ones but for the first layer, which needs one."""
    sizes = [784, *config.model.hidden_sizes, 10]
    products = [2 * inputs * outputs for inputs, outputs in pairwise(sizes)]
    return 48_000 * (3 * sum(products) - products[0]) + 12_000 * sum(products)


def measure(experiment: str, contestants: dict[str, Contestant], arguments: argparse.Namespace) -> dict:
    """The median epoch of each contestant, in seconds, and what the matrix products alone would take."""
    config = composed(f"experiment={experiment}", f"trainer.accelerator={arguments.accelerator}")
    with open_dict(config):
        config.name = experiment
    data = instantiate(config.data)
    data.prepare_data()
    data.setup()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    rates = []
    for _ in range(arguments.rounds):
        rates.append(multiply_rate("cuda" if arguments.accelerator == "gpu" else "cpu"))
        for name, contestant in contestants.items():
            seconds[name] += contestant(config, data, arguments.epochs)
    return {
        "experiment": experiment,
        "seconds": {name: statistics.median(values) for name, values in seconds.items()},
        "products_seconds": epoch_operations(config) / statistics.median(rates),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help=", ".join(EXPERIMENTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3, help="measured epochs of each round")
    parser.add_argument("--accelerator", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--keras", metavar="PYTHON", help="the Python of an environment with keras, tensorflow and jax")
    parser.add_argument("--checkout", type=Path, metavar="FOLDER", help="another checkout of this project")
    parser.add_argument("--block-size", type=int, metavar="N", help="also this project with data.block_size=N")
    parser.add_argument("--skip-usual", action="store_true", help="without Lightning as usually written, which is slow")
    parser.add_argument("--json", action="store_true", help="an object a line, for machines")
    arguments = parser.parse_args()
    quieten_libraries()
    contestants: dict[str, Contestant] = {"this project": this_project, "bare loop": bare_loop}
    if arguments.block_size:
        contestants[f"block_size={arguments.block_size}"] = partial(this_project, block_size=arguments.block_size)
    if arguments.checkout:
        for name, checkout in (("train.py here", CONF.parent), ("train.py there", arguments.checkout)):
            contestants[name] = partial(whole_run, checkout.resolve())
    if not arguments.skip_usual:
        contestants["usual Lightning"] = usual_lightning
    if arguments.keras:
        for name in ("tensorflow", "jax"):
            contestants[f"Keras on {name}"] = partial(elsewhere, arguments.keras, "keras_epochs.py", name)
        contestants["jax.lax.scan by hand"] = partial(elsewhere, arguments.keras, "scan_epochs.py", "jax")
    for experiment in arguments.experiments or EXPERIMENTS:
        result = measure(experiment, contestants, arguments)
        if arguments.json:
            print(json.dumps(result), flush=True)
            continue
        print(f"{experiment:<22}{'seconds':>10}{'images/s':>12}{'of fp32 rate':>14}{'this project over it':>22}")
        for name, seconds in result["seconds"].items():
            share, ratio = result["products_seconds"] / seconds, result["seconds"]["this project"] / seconds
            print(f"  {name:<20}{seconds:>10.3f}{48_000 / seconds:>12,.0f}{share:>14.1%}{ratio:>22.2f}", flush=True)


if __name__ == "__main__":
    main()
