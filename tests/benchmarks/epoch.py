"""Seconds for an epoch, training and validation, of this project and of a bare PyTorch loop over the same tensors.

python tests/benchmarks/epoch.py [EXPERIMENT ...] [--rounds N] [--accelerator cpu|gpu] [--json]

Each round trains every contestant for a few epochs, one after the other, so that a noisy machine is noisy for all. This
project runs as train.py runs it, with progress bar, checkpoints, TensorBoard and metrics. Prints the median epoch, and
its ratio to the bare loop's.
"""

import argparse
import contextlib
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from lightning.pytorch.callbacks import Callback
from omegaconf import DictConfig
from torch import nn
from torch.nn import functional as F

from mnist_mlp import training
from mnist_mlp.dashboard import Dashboard
from mnist_mlp.data import DigitsDataModule
from mnist_mlp.history import History

CONF = Path(__file__).parents[2] / "conf"
EXPERIMENTS = ["perceptron", "mlp", "dropout", "wide"]


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


def this_project(config: DictConfig, data: DigitsDataModule) -> list[float]:
    times = EpochTimes()
    classifier = training.build(config, data)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        history, dashboard = History(Path(folder)), Dashboard(Path(folder), "", data.classes)
        training.make_trainer(config, history, dashboard, times).fit(classifier, data)
    return times.seconds()


def bare_loop(config: DictConfig, data: DigitsDataModule) -> list[float]:
    """What an expert writes for this model alone: tensors on the device, no framework, figures read once an epoch."""
    torch.set_num_threads(training.THREADS)
    device = "cuda" if config.trainer.accelerator == "gpu" else "cpu"
    images, val_images = (data.parts[part][0].to(device).float() / 255 for part in ("train", "val"))
    labels, val_labels = (data.parts[part][1].to(device) for part in ("train", "val"))
    layers, size = [], 784
    for hidden_size in config.model.hidden_sizes:
        layers += [nn.Linear(size, hidden_size), nn.ReLU()]
        if config.model.dropout:
            layers.append(nn.Dropout(config.model.dropout))
        size = hidden_size
    network = nn.Sequential(*layers, nn.Linear(size, 10)).to(device)
    optimizer = getattr(torch.optim, config.optimizer._target_.split(".")[-1])(
        network.parameters(), lr=config.optimizer.lr, fused=True
    )
    seconds = []
    for _ in range(config.trainer.max_epochs):
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
    return seconds


CONTESTANTS: dict[str, Callable[[DictConfig, DigitsDataModule], list[float]]] = {
    "this project": this_project,
    "bare loop": bare_loop,
}


def measure(experiment: str, rounds: int, epochs: int, accelerator: str) -> dict[str, float]:
    """The median epoch of each contestant, in seconds; the first epoch of each round warms up."""
    settings = [f"experiment={experiment}", f"trainer.accelerator={accelerator}", f"trainer.max_epochs={epochs + 1}"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", overrides=[*settings, "data.fallback=null"])
    data = instantiate(config.data)
    data.prepare_data()
    data.setup()
    seconds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for _ in range(rounds):
        for name, contestant in CONTESTANTS.items():
            seconds[name] += contestant(config, data)[1:]
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help=", ".join(EXPERIMENTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3, help="measured epochs of each round")
    parser.add_argument("--accelerator", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--json", action="store_true", help="an object a line, for machines")
    arguments = parser.parse_args()
    training.quieten()
    for experiment in arguments.experiments or EXPERIMENTS:
        seconds = measure(experiment, arguments.rounds, arguments.epochs, arguments.accelerator)
        if arguments.json:
            print(json.dumps({"experiment": experiment, "seconds": seconds}), flush=True)
            continue
        for name, value in seconds.items():
            ratio = value / seconds["bare loop"]
            print(f"{experiment:<12}{name:<16}{value:8.3f} s an epoch{ratio:8.2f} x bare loop", flush=True)


if __name__ == "__main__":
    main()
