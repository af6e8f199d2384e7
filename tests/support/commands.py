"""Composed configs, and the project's commands: each in a process of its own, which takes seconds, or in this one."""

import atexit
import io
import os
import runpy
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from mnist_mlp.command.typed import plain

PROJECT = Path(__file__).parents[2]
REGISTER = atexit.register


def write_idx(path: Path, values: torch.Tensor) -> None:
    """Writes whole numbers from 0 to 255 in MNIST's format."""
    header = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    path.write_bytes(header + values.to(torch.uint8).numpy().tobytes())


def composed(*overrides: object) -> DictConfig:
    """Returns the config that ``python train.py OVERRIDES`` would train."""
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        return compose("config", overrides=[plain(str(override)) for override in overrides])  # paths may hold anything


def train_py(folder: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """Runs ``python train.py ARGUMENTS`` in ``folder``."""
    command = [sys.executable, str(PROJECT / "train.py"), *map(str, arguments)]
    variables = variables_with(environment)
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300)


def train_here(folder: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """Runs ``python train.py ARGUMENTS`` in ``folder``, in this process."""
    with patch.object(HydraConfig.instance(), "cfg", None):
        script = partial(runpy.run_path, str(PROJECT / "train.py"), run_name="__main__")
        return run_here(folder, script, *arguments, **environment)


def command_here(folder: Path, name: str, *arguments: object) -> subprocess.CompletedProcess:
    """Runs ``python -m mnist_mlp.NAME ARGUMENTS`` in ``folder``, in this process."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* found in sys.modules", RuntimeWarning)  # imported by an earlier test
        return run_here(folder, partial(runpy.run_module, f"mnist_mlp.{name}", run_name="__main__"), *arguments)


def run_here(
    folder: Path, script: Callable[[], object], *arguments: object, **environment: str
) -> subprocess.CompletedProcess:
    """Calls ``script`` as if it were a process of its own, and undoes what it changes in this one."""
    argv = ["script", *map(str, arguments)]
    at_exit: list[Callable] = []
    out, err = io.StringIO(), io.StringIO()
    signals, status = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}, 0
    with (
        chdir(folder),
        patch.dict(os.environ, variables_with(environment), clear=True),
        patch.object(sys, "argv", argv),
        patch.object(atexit, "register", partial(register, at_exit)),
        warnings.catch_warnings(),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        warnings.simplefilter("ignore", ResourceWarning)  # the end of a process closes what it left open
        try:
            script()
        except SystemExit as end:
            status = int(end.code or 0)
        finally:
            for number, handler in signals.items():
                signal.signal(number, handler)
            for function in reversed(at_exit):
                function()
    return subprocess.CompletedProcess(argv, status, out.getvalue(), err.getvalue())


def register(at_exit: list[Callable], function: Callable, *arguments: object) -> None:
    """Stands in for atexit.register: the project's own functions are called at the end of ``run_here``."""
    if function.__module__.startswith("mnist_mlp."):
        at_exit.append(partial(function, *arguments))
    else:  # of a library, which stays imported
        REGISTER(function, *arguments)


def variables_with(environment: dict[str, str]) -> dict[str, str]:
    """Returns the environment variables of this process, without MNIST_ROOT, and those given."""
    return {name: value for name, value in os.environ.items() if name != "MNIST_ROOT"} | environment


def heed_ctrl_c() -> None:
    """Lets a process that tests start end at SIGINT, even where they run in a shell's background and ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def assert_one_error_line(result: subprocess.CompletedProcess, *parts: str) -> None:
    """The run failed, said why in one line on stderr that holds ``parts``, and showed no traceback."""
    assert result.returncode == 2, result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in last
