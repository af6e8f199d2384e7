"""The progress of a sweep, read from its jobs' files, which works with every launcher."""

import sys
import time
from threading import Event, Thread

from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder, SweepFolder
from mnist_mlp.terminal import LiveLine, plural


class SweepProgress:
    """Shows a line about a sweep's jobs and prints one for each job that ends, until it is stopped.

    Args:
        sweep: The sweep's folder.
        jobs: Number of jobs in all, those that finished before included.
    """

    def __init__(self, sweep: SweepFolder, jobs: int) -> None:
        self.sweep, self.jobs = sweep, jobs
        self.began = time.time()
        self.ended = {job.path for job in sweep.jobs() if job.metrics}
        self.running: dict[str, str] = {}  # epochs by the job's name
        self.out = sys.stdout  # a job that runs in this process redirects sys.stdout
        before = f", {len(self.ended)} of them finished before" if self.ended else ""
        print(f"{plural(jobs, 'job')} in {sweep.path}{before}", flush=True)
        self.line = LiveLine(self.pieces, jobs, len(self.ended))
        self.asked_to_stop = Event()
        self.thread = Thread(target=self.follow, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Prints what has ended since the last look, and removes the line."""
        if not self.asked_to_stop.is_set():
            self.asked_to_stop.set()
            self.thread.join()
            self.line.close()

    def follow(self) -> None:
        took = 0.0
        while not self.asked_to_stop.wait(max(0.5, 20 * took)):  # seldom in a folder with very many files
            began = time.perf_counter()
            self.look()
            took = time.perf_counter() - began
        self.look()

    def look(self) -> None:
        """Prints a line for each job that has ended, and counts the epochs of those that run as parts of jobs."""
        self.running, parts = {}, 0.0
        for job in self.sweep.jobs():
            if job.path in self.ended:
                continue
            if line := ending(job):
                self.ended.add(job.path)
                self.line.print(f"{job.path.name}  {line}", self.out)
            elif (epochs := epochs_since(job, self.began)) is not None:
                self.running[job.path.name] = f"{epochs[0] + 1}/{epochs[1]}"
                parts += epochs[0] / epochs[1]
        self.line.n = min(len(self.ended) + parts, self.jobs)
        self.line.refresh()

    def pieces(self) -> list[str]:
        """Returns what the line shows, what matters most first."""
        pieces = [f"{len(self.ended)} of {plural(self.jobs, 'job')}", "{remaining} left"]
        return [*pieces, f"epoch {', '.join(self.running.values())}", *self.running] if self.running else pieces


def ending(job: RunFolder) -> str | None:
    """Returns what a job reached or why it failed, or None until it ends."""
    if metrics := job.metrics:
        validation = "" if metrics.val_accuracy is None else f"validation {metrics.val_accuracy:.2%}, "
        return f"{validation}test {metrics.test_accuracy:.2%}, {metrics.fit_seconds:.0f} s"
    return f"failed: {job.error}" if job.error else None


def epochs_since(job: RunFolder, began: float) -> tuple[int, int] | None:
    """Returns how many epochs a job has trained and of how many, or None if it has not begun since ``began``.

    ``began`` is in seconds since 1970.
    """
    try:
        if job.config_yaml.stat().st_mtime < began:
            return None
        epochs = int(job.config["trainer"]["max_epochs"])
        return min(len(job.rows), epochs - 1), epochs
    except (OSError, InputError, LookupError, TypeError, ValueError):  # not written yet
        return None
