"""The progress of a sweep, read from its jobs' files, so that it is the same whatever runs them."""

import sys
import time
from pathlib import Path
from threading import Event, Thread

from tqdm import tqdm

from mnist_mlp.runs.folder import RunFolder, SweepFolder


class Watch:
    """One bar over ``jobs`` jobs, and a line for each that ends, until it is stopped."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self.folder = folder
        self.began = time.time()
        begun = SweepFolder(folder).jobs()
        self.ended = {job.path for job in begun if ending(job)}
        finished = sum(job.metrics is not None for job in begun)
        self.out = sys.stdout  # what jobs redirect to their own files is not this
        print(f"{jobs} jobs in {folder}{f', {finished} of them finished before' if finished else ''}", flush=True)
        self.bar = tqdm(
            total=jobs,
            initial=finished,
            file=sys.stderr,
            bar_format="{n_fmt} of {total_fmt} jobs |{bar:20}| {elapsed}<{remaining}{postfix}",
            mininterval=0,
            disable=None,  # off a terminal, only the lines
            dynamic_ncols=True,
        )
        self.asked_to_stop = Event()
        self.thread = Thread(target=self.follow, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        if not self.asked_to_stop.is_set():
            self.asked_to_stop.set()
            self.thread.join()
            self.bar.close()

    def follow(self) -> None:
        while not self.asked_to_stop.wait(0.5):
            self.look()
        self.look()

    def look(self) -> None:
        running = []
        for job in SweepFolder(self.folder).jobs():
            if job.path in self.ended:
                continue
            if line := ending(job):
                self.ended.add(job.path)
                self.bar.clear()
                print(f"{job.path.name}  {line}", file=self.out, flush=True)
                self.bar.update()
            elif epochs := epochs_since(job.metrics_csv, self.began):
                running.append(f"{job.path.name} epoch {epochs}")
        self.bar.set_postfix_str("; ".join(running))


def ending(job: RunFolder) -> str | None:
    """Returns what a job reached or why it failed, or None while it goes on."""
    if metrics := job.metrics:
        return f"test accuracy {metrics.test_accuracy:.2%}, {metrics.fit_seconds:.0f} s"
    return f"failed: {job.error}" if job.error else None


def epochs_since(history: Path, began: float) -> int:
    """How many epochs a metrics.csv that was written after ``began`` has."""
    try:
        return len(history.read_text().splitlines()) - 1 if history.stat().st_mtime >= began else 0
    except OSError:
        return 0


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
