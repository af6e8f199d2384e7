"""A training that learns own digits, started from the page."""

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from mnist_mlp.data.splits import DIGITS
from mnist_mlp.errors import InputError, one_line
from mnist_mlp.runs.folder import RunFolder, folder_of

TRAIN_PY = Path(__file__).parents[2] / "train.py"  # lies in a checkout, not beside an installed package
MILESTONES = ("starting", "own digits", "test accuracy", "warning: ")  # begin the lines that are shown meanwhile
PATIENCE = 10  # seconds that a training has to end by itself
COUNTED = {"apart": "own digits kept apart", "learned": "own digits it learned from", "test": "test images"}


class Learning:
    """Trains with ``experiment=learn`` in a process of its own, one training at a time.

    Args:
        digits: The folder of own digits.
        outputs: The folder that new runs go to.

    Attributes:
        run: The folder of the training's run; None before the first training.
        line: How far the training is, what it brought, or why it failed.
    """

    def __init__(self, digits: Path, outputs: Path) -> None:
        self.digits = digits
        self.outputs = outputs
        self.run: Path | None = None
        self.line = ""
        self.process: subprocess.Popen[str] | None = None
        self.began = self.seconds = 0.0
        self.watcher: threading.Thread | None = None

    @property
    def state(self) -> str:
        """``idle`` before the first training, then ``running``, ``finished`` or ``failed``."""
        if self.process is None:
            return "idle"
        if self.watcher and self.watcher.is_alive():
            return "running"
        return "failed" if self.process.returncode else "finished"

    def start(self, run: Path) -> None:
        """Starts a training from the weights of a run.

        Raises:
            InputError: One is under way, or there is no train.py.
        """
        if not TRAIN_PY.is_file():
            raise InputError(f"{TRAIN_PY} is missing: learning needs the project's folder, not only its package")
        if self.state == "running":
            raise InputError("a training is under way; wait for its end")
        now = datetime.now()
        self.run = self.outputs / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S}-learned"
        settings = [f"init={run.resolve()}", f"data.extra={self.digits.resolve()}", f"hydra.run.dir={self.run}"]
        command = [sys.executable, str(TRAIN_PY), "experiment=learn", *data_of(run), *settings]
        self.line, self.began = "starting", time.monotonic()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        self.watcher = threading.Thread(target=self._watch, args=[self.process, self.run], daemon=True)
        self.watcher.start()

    def _watch(self, process: subprocess.Popen[str], run: Path) -> None:
        """Takes what a training prints until it ends."""
        assert process.stdout
        last = ""
        with process.stdout as lines:
            for line in filter(None, map(one_line, lines)):
                self.seconds = time.monotonic() - self.began
                self.line, last = milestone(line) or self.line, line
        self.line = last if process.wait() else what_it_brought(run)

    def stop(self) -> None:
        """Ends a training that is under way; its run folder goes with it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        self.process.kill()

    def report(self) -> dict[str, Any]:
        """Returns how far it is, ready for JSON."""
        seconds = time.monotonic() - self.began if self.state == "running" else self.seconds
        return {"state": self.state, "line": self.line, "seconds": round(seconds)}


def milestone(line: str) -> str:
    """Returns what a line that a training printed says of how far it is; empty if nothing."""
    epoch = line.split()[0]
    return f"epoch {epoch} is done" if epoch.isdecimal() else line if line.startswith(MILESTONES) else ""


def data_of(run: Path) -> list[str]:
    """Returns what one types to train on the data set of a run; where its files lie only if the run says a folder."""
    folder = folder_of(run)
    data: Any = None
    with suppress(InputError):
        data = folder.config.get("data")
    root = data.get("root") if isinstance(data, dict) else None
    name = (folder.metrics and folder.metrics.data) or "mnist"
    has_root = isinstance(root, str) and Path(root).is_dir() and name != "digits"
    classes = folder.metrics and folder.metrics.classes
    no_digits = ["data.hands=null"] if classes and classes != DIGITS else []
    return [f"data={name}", "data.fallback=null", *no_digits, *([f"data.root={root}"] if has_root else [])]


def what_it_brought(run: Path) -> str:
    """Returns how many digits were read correctly before and after a training, in a line."""
    metrics = RunFolder(run).metrics
    parts = metrics.own_digits if metrics and metrics.own_digits else {}
    counts = ((name, parts.get(part) or {}) for part, name in COUNTED.items())
    line = "; ".join(
        f"{name}: {count['before']:,} of {count['images']:,} read correctly before, {count['after']:,} after"
        for name, count in counts
        if count.get("images")
    )
    return line[:1].upper() + line[1:]
