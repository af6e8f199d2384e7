"""One training in several processes, each a rank of torch.distributed, started as torchrun does."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection, wait
from typing import Any

from mnist_mlp.errors import InputError


def is_rank() -> bool:
    """Returns whether this process is already one of several, started here or by torchrun."""
    return "LOCAL_RANK" in os.environ


def run_in_processes(count: int, function: Callable, *arguments: Any) -> Any:
    """Calls ``function`` in ``count`` processes and returns what it returns in the first. All end with one that fails.

    Raises:
        InputError: A process raised it.
        RuntimeError: A process was killed.
    """
    context = multiprocessing.get_context("spawn")
    with socket.socket() as free:  # taken again at once by the first process
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes, ends = [], []
    try:
        for rank in range(count):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=run, args=(sender, rank, count, port, output(), function, arguments))
            process.start()
            sender.close()
            processes.append(process)
            ends.append(receiver)
        return first_result(ends)
    finally:
        for process in processes:
            process.kill()  # their files are complete at every moment
            process.join()


def first_result(ends: list[Connection]) -> Any:
    """Waits for all processes and returns the result of the first."""
    results: dict[Connection, Any] = {}
    while len(results) < len(ends):
        waiting: list[Any] = wait([end for end in ends if end not in results])
        for end in waiting:
            try:
                results[end], error = end.recv()
            except EOFError:
                raise RuntimeError("one of the processes of this training was killed") from None
            if error is not None:
                raise error
    return results[ends[0]]


def output() -> str | None:
    """Returns the file that this process prints to instead of the terminal, if any."""
    name = getattr(sys.stdout, "name", None)
    return name if isinstance(name, str) and os.path.isfile(name) else None


def run(end: Connection, rank: int, count: int, port: int, output: str | None, function: Callable, arguments: tuple):
    """Calls ``function`` in a new process and sends what it returns or raises."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started them
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count)}
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "NODE_RANK": "0"}
    if output:
        sys.stdout = sys.stderr = open(output, "a", buffering=1)  # noqa: SIM115, until this process ends
    try:
        end.send((function(*arguments), None))
    except (InputError, KeyboardInterrupt) as error:
        end.send((None, error))


def end_with_parent() -> None:
    """Makes this process end when the one that started it is gone, even if that one was killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def quiet_unless_first():
    """Silences all processes but the first. Errors are still raised in each."""
    if int(os.environ.get("RANK", 0)) == 0:
        yield
        return
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield
