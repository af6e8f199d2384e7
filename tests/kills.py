"""Kills runs with SIGKILL at random moments, continues them, and compares them with runs that were never killed.

python tests/kills.py --kills 100 [--seed 0]

Half of the kills come after a random time, half at a random operation on a file: before it, after it, or in the middle
of writing. Runs are forked from this process, which imports torch but does not use it. Without --seed it is random, and
printed.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from omegaconf import DictConfig
from support.commands import composed
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnist_mlp.training import run as training

MODELS = {
    "perceptron": ["model=perceptron", "optimizer=sgd"],
    "dropout": ["model=dropout", "optimizer=adam"],
    "normalized": ["experiment=speedrun", "model.dropout=0.2"],
    "record": ["experiment=speedrun", "augment=distort", "average=ema", "trainer.gradient_clip_val=1"],
}
QUICK = ["data=digits", "trainer=cpu", "trainer.max_epochs=6", "data.batch_size=32"]


def forked(run: Callable[[], None]) -> int:
    """Returns the process id of a child that calls ``run`` without output."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        run()
        status = 0
    finally:
        os._exit(status)


def train(config: DictConfig, folder: Path) -> None:
    """Trains in ``folder``, from its last checkpoint on if there is one, as ``resume=`` does."""
    last = folder / "checkpoints/last.ckpt"
    config.checkpoint = str(last) if last.exists() else None
    training.train(config, folder)


def train_until_killed(config: DictConfig, folder: Path, number: int, how: str) -> None:
    """Trains, but kills this process at the ``number``-th operation on a file: before it, half done or after it."""
    left = [number]

    def deadly(operation: Callable, half: Callable) -> Callable:
        def run(*arguments, **options):
            left[0] -= 1
            if left[0] == 0 and how != "after":
                if how == "half":
                    half(*arguments)
                os.kill(os.getpid(), signal.SIGKILL)
            result = operation(*arguments, **options)
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return run

    write = Path.write_bytes
    os.replace = deadly(os.replace, lambda *_: None)
    Path.write_bytes = deadly(write, lambda path, content: write(path, content[: len(content) // 2]))
    Path.mkdir = deadly(Path.mkdir, lambda *_: None)
    Path.unlink = deadly(Path.unlink, lambda *_: None)
    train(config, folder)


def content(folder: Path) -> dict:
    """Returns what a run leaves and what must not depend on how often it was killed."""
    checkpoints = {}
    for name in ("last", "best"):
        checkpoint = torch.load(folder / f"checkpoints/{name}.ckpt", weights_only=True)
        checkpoint["callbacks"]["History"].pop("seconds")
        tensors: list[str] = []
        checkpoints[name] = (described(checkpoint, tensors), tensors)
    scalars = {}
    for run in ("train", "validation"):
        events = EventAccumulator(str(folder / run), size_guidance={"scalars": 0}).Reload()
        for tag in events.Tags()["scalars"]:
            scalars[run, tag] = [(event.step, event.value) for event in events.Scalars(tag)]
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics.pop("fit_seconds")
    return {
        "checkpoints": checkpoints,
        "metrics.csv": (folder / "metrics.csv").read_text(),
        "metrics.json": metrics,
        "scalars": scalars,
        "files": sorted(path.name for path in folder.rglob("*") if path.is_file() and "tfevents" not in path.name),
    }


def described(value, tensors: list) -> object:
    """Returns the value with its tensors as bytes: equal descriptions are equal bit for bit."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.numpy().tobytes()
    if isinstance(value, dict):
        return {key: described(item, tensors) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [described(item, tensors) for item in value]
    return value


def finish(config: DictConfig, folder: Path) -> float:
    """Trains to the end, and returns the seconds that it took."""
    start = time.monotonic()
    _, status = os.waitpid(forked(lambda: train(config, folder)), 0)
    assert status == 0, f"a run failed in {folder}"
    return time.monotonic() - start


def kill_and_compare(name: str, kills: int, random: random.Random, work: Path) -> int:
    """Kills runs of a model ``kills`` times in all, and returns how many runs these were.

    Raises:
        AssertionError: A continued run fails, or differs from one that was never killed.
    """
    config = composed(*QUICK, *MODELS[name])
    reference = work / name
    seconds = finish(config, reference)
    expected = content(reference)
    runs = 0
    while kills > 0:
        folder = work / f"{name}-{runs}"
        runs += 1
        for _ in range(min(kills, random.randint(1, 4))):
            if random.random() < 0.5:
                number, how = random.randint(1, 60), random.choice(["before", "half", "after"])
                plan = f"{how} file operation {number}"
                child = forked(partial(train_until_killed, config, folder, number, how))
            else:
                plan = f"after {(delay := random.uniform(0, seconds)):.3f} s"
                child = forked(partial(train, config, folder))
                time.sleep(delay)
                os.kill(child, signal.SIGKILL)  # an ended child stays until it is waited for
            _, status = os.waitpid(child, 0)
            if not os.WIFSIGNALED(status):  # it was quicker: kill the next
                assert status == 0, f"{name}: a continued run failed ({plan}) in {folder}"
                break
            kills -= 1
        finish(config, folder)
        found = content(folder)
        for what, value in expected.items():
            assert found[what] == value, f"{name}: {what} differs after a kill {plan} in {folder}"
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    each = -(-arguments.kills // len(MODELS))
    with tempfile.TemporaryDirectory() as work:
        for name in MODELS:
            runs = kill_and_compare(name, each, random.Random(f"{arguments.seed} {name}"), Path(work))
            print(f"{name}: {each} kills of {runs} runs, each continued to the same end", flush=True)
    print(f"{each * len(MODELS)} kills, every continuation identical bit for bit")


if __name__ == "__main__":
    main()
