"""One training in several processes, each a rank of torch.distributed, started as torchrun does."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from mnist_mlp.errors import InputError

# What Lightning and torch read about a training's processes. Clusters and containers set some for other reasons.
VARIABLES = ["RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK", "WORLD_SIZE"]
VARIABLES += ["MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_USE_AGENT_STORE"]


def is_rank() -> bool:
    """Returns whether this process is one of several, started here or by torchrun."""
    numbers = (os.environ.get(name, "") for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_PORT"))
    return "TORCHELASTIC_RUN_ID" in os.environ and all(map(str.isdecimal, numbers))


def forget_cluster() -> None:
    """Removes the ``VARIABLES`` of a cluster from the environment of a process that is not a rank of this training."""
    if not is_rank():
        for name in VARIABLES:
            os.environ.pop(name, None)


def run_in_processes(count: int, function: Callable, *arguments: Any) -> Any:
    """Calls ``function`` in ``count`` processes and returns what it returns in the first. All end with one that fails.

    Raises:
        InputError: A process raised it, failed or was killed.
    """
    context = multiprocessing.get_context("spawn")
    with socket.socket() as free:  # taken again at once by the first process
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes: dict[Connection, BaseProcess] = {}
    resource_tracker.ensure_running()  # its start, which otherwise is the first process's, would end no_signals
    try:
        for rank in range(count):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=run, args=(sender, rank, count, port, output(), function, arguments))
            with no_signals():
                process.start()
            sender.close()
            processes[receiver] = process
        return first_result(processes)
    finally:
        for process in processes.values():
            process.kill()  # their files are complete at every moment
            process.join()


@contextmanager
def no_signals() -> Generator[None]:
    """Blocks Ctrl-C and SIGTERM. Processes started meanwhile never receive them: only this one handles them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def first_result(processes: dict[Connection, BaseProcess]) -> Any:
    """Waits for all processes, each with the end of its pipe, and returns the result of the first."""
    results: dict[Connection, Any] = {}
    while len(results) < len(processes):
        waiting: list[Any] = wait(processes.keys() - results.keys())
        for end in waiting:
            try:
                results[end], error = end.recv()
            except EOFError:
                processes[end].join()
                raise InputError(how_it_ended(processes[end].exitcode)) from None
            if error is not None:
                raise error
    return results[next(iter(processes))]


def how_it_ended(status: int | None) -> str:
    """Returns what to say about a process that ended with the status and without a result."""
    why = "failed, as shown above"
    if status is not None and status < 0:
        why = f"was ended by {signal.Signals(-status).name}, perhaps because the memory was full"
    return f"a process of this training {why}"


def output() -> str | None:
    """Returns the file that this process prints to instead of the terminal, if any."""
    name = getattr(sys.stdout, "name", None)
    return name if isinstance(name, str) and os.path.isfile(name) else None


def run(end: Connection, rank: int, count: int, port: int, output: str | None, function: Callable, arguments: tuple):
    """Calls ``function`` in a new process and sends what it returns or raises."""
    end_with_parent()
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count)}
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "TORCHELASTIC_RUN_ID": "mnist_mlp"}
    if output:
        file = open(output, "a", buffering=1, errors="backslashreplace")  # noqa: SIM115, until this process ends
        sys.stdout = sys.stderr = file
    try:
        end.send((function(*arguments), None))
    except InputError as error:
        end.send((None, error))
        threading.Event().wait()  # to be killed: the others would fail too if this one were gone


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
