import runpy
from functools import partial

import pytest
from support.commands import run_here

import mnist_mlp


def run(folder, *arguments):
    return run_here(folder, partial(runpy.run_module, "mnist_mlp", run_name="__main__"), *arguments)


@pytest.mark.parametrize("typed", [[], ["--help"], ["help"]])
def test_lists_the_commands_in_a_screen(tmp_path, typed):
    result = run(tmp_path, *typed)
    assert result.returncode == 0
    assert all(f"mnist_mlp.{name} " in result.stdout for name in ("predict", "draw", "report", "export"))
    assert len(result.stdout.splitlines()) < 24 and max(map(len, result.stdout.splitlines())) < 80


def test_the_version(tmp_path):
    assert run(tmp_path, "--version").stdout == f"mnist_mlp {mnist_mlp.__version__}\n"


@pytest.mark.parametrize(("typed", "hint"), [("predict", "write python -m mnist_mlp.predict"), ("x", "lists all")])
def test_a_command_in_the_wrong_place(tmp_path, typed, hint):
    result = run(tmp_path, typed, "photo.png")
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: {typed}: ") and result.stderr.endswith(f"{hint}\n")
