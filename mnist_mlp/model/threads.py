"""How many threads torch may take, and how many are worth it while other programs are running."""

import os
import time
from collections.abc import Generator
from contextlib import contextmanager

import torch
from joblib import cpu_count  # pyright: ignore[reportMissingTypeStubs]


def usable_threads() -> int:
    """Returns torch's number of threads, but no more than this process may use cores.

    torch counts those of the machine, also where a container may use only some of them.
    """
    return min(torch.get_num_threads(), cpu_count())


THREADS = usable_threads()


def threads_for(work: int) -> int:
    """Returns how many threads pay for a training step of ``work`` multiply-adds forward.

    Below some ten million for each thread, waiting for each other costs more than sharing brings. With one thread a
    small model's numbers are also the same on machines with any number of cores.
    """
    return max(1, min(THREADS, work // 10_000_000))


@contextmanager
def one_thread() -> Generator[None]:
    """Has torch compute on one thread, for operations whose last digit depends on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def are_interchangeable() -> bool:
    """Returns whether products of matrices are the same on any number of threads, which is what MKL's setting asks."""
    return torch.backends.mkl.is_available() and os.environ.get("MKL_CBWR", "").endswith(",STRICT")


class SpareThreads:
    """Takes fewer threads while other programs want the cores, and more again when they are done.

    Threads wait for each other at every product of matrices. When another program has the core of one of them, all
    wait for the scheduler's next turn: beside two busy programs, two threads on two cores are 2 to 15 times as slow as
    one. It shows in the calling thread, which then runs for only a part of the time.

    Args:
        most: Threads to take on an idle machine.
        least: Threads to take on the busiest.
    """

    WINDOW = 0.2  # seconds: dozens of turns of the scheduler
    BUSY = 0.6  # the calling thread runs for a smaller part of the window
    MAX_PATIENCE = 30.0  # seconds

    def __init__(self, most: int, least: int = 1) -> None:
        self.most, self.least, self.threads = most, least, most
        self.taken = time.perf_counter()  # when this number was taken
        self.tried = False  # whether it is a larger one, on trial
        self.patience = 1.0  # seconds until more are tried again
        self.start()

    def start(self) -> None:
        """Begins a window."""
        self.began, self.ran = time.perf_counter(), time.thread_time()

    def adapt(self) -> None:
        """Chooses anew once a window is over. To be called between training steps."""
        now = time.perf_counter()
        if self.most == self.least or now - self.began < self.WINDOW:
            return
        busy = time.thread_time() - self.ran < self.BUSY * (now - self.began)
        if busy and self.threads > self.least:
            failed = self.tried and now - self.taken < self.patience
            self.patience = min(2 * self.patience, self.MAX_PATIENCE) if failed else 1.0
            self.take(max(self.threads // 2, self.least))
        elif self.threads < self.most and now - self.taken >= self.patience:
            self.take(min(2 * self.threads, self.most))
        self.start()

    def take(self, threads: int) -> None:
        """Has torch compute on ``threads`` threads from now on."""
        self.taken, self.tried = time.perf_counter(), threads > self.threads
        self.threads = threads
        torch.set_num_threads(threads)
