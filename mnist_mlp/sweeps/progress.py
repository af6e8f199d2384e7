"""The progress of a sweep, read from its jobs' files, which works with every launcher."""

import sys
import time
from threading import Event, Thread

from tqdm import tqdm

from mnist_mlp.runs.folder import RunFolder, SweepFolder


class SweepProgress:
    """Shows a bar over a sweep's jobs and prints a line for each job that ends, until it is stopped.

    Args:
        sweep: The sweep's folder.
        jobs: Number of jobs in all, those that finished before included.
    """

    def __init__(self, sweep: SweepFolder, jobs: int) -> None:
        self.sweep = sweep
        self.began = time.time()
        begun = sweep.jobs()
        self.ended = {job.path for job in begun if ending(job)}
        finished = sum(job.metrics is not None for job in begun)
        self.out = sys.stdout  # a job that runs in this process redirects sys.stdout
        before = f", {finished} of them finished before" if finished else ""
        print(f"{plural(jobs, 'job')} in {sweep.path}{before}", flush=True)
        self.bar = tqdm(
            total=jobs,
            initial=finished,
            file=sys.stderr,
            bar_format="{n_fmt} of {total_fmt} jobs |{bar:20}| {elapsed}<{remaining}{postfix}",
            mininterval=0,
            disable=None,  # no bar unless stderr is a terminal
            dynamic_ncols=True,
        )
        self.asked_to_stop = Event()
        self.thread = Thread(target=self.follow, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Prints what has ended since the last look, and removes the bar."""
        if not self.asked_to_stop.is_set():
            self.asked_to_stop.set()
            self.thread.join()
            self.bar.close()

    def follow(self) -> None:
        while not self.asked_to_stop.wait(0.5):
            self.look()
        self.look()

    def look(self) -> None:
        """Prints a line for each job that has ended, and shows the epochs of those that run."""
        running = []
        for job in self.sweep.jobs():
            if job.path in self.ended:
                continue
            if line := ending(job):
                self.ended.add(job.path)
                self.bar.clear()
                print(f"{job.path.name}  {line}", file=self.out, flush=True)
                self.bar.update()
            elif epochs := epochs_since(job, self.began):
                running.append(f"{job.path.name} epoch {epochs}")
        self.bar.set_postfix_str("; ".join(running))


def ending(job: RunFolder) -> str | None:
    """Returns what a job reached or why it failed, or None until it ends."""
    if metrics := job.metrics:
        return f"test accuracy {metrics.test_accuracy:.2%}, {metrics.fit_seconds:.0f} s"
    return f"failed: {job.error}" if job.error else None


def epochs_since(job: RunFolder, began: float) -> int:
    """Returns how many epochs a job has trained; 0 if the last one ended before ``began``, in seconds since 1970."""
    try:
        return len(job.rows) if job.metrics_csv.stat().st_mtime >= began else 0
    except OSError:
        return 0


def plural(count: int, noun: str) -> str:
    """Returns a count with its noun."""
    return f"{count} {noun}{'s' * (count != 1)}"
