"""Runs that are killed, at moments that follow from SEED, and disks that are full.

python tests/kills.py --kills 100 kills more of them.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import PROJECT, composed

from mnist_mlp.command.explain import explain
from mnist_mlp.errors import InputError
from mnist_mlp.runs.checkpoint import read_checkpoint
from mnist_mlp.training import run as training


@pytest.mark.parametrize("kills", [8, pytest.param(120, marks=pytest.mark.slow)])
def test_runs_that_are_killed_end_as_those_that_are_not(tmp_path, kills):
    seed = os.environ.get("SEED", "0")
    command = [sys.executable, PROJECT / "tests/kills.py", "--kills", str(kills), "--seed", seed]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, f"SEED={seed}: {result.stderr[-2000:]}"
    assert result.stdout.splitlines()[-1] == f"{kills} kills, every continuation identical bit for bit"


@pytest.fixture
def small_disk(tmp_path):
    """A function that makes a file system of a number of KiB, and returns its folder."""

    def make(size: int) -> Path:
        disk = tmp_path / "disk"
        disk.mkdir()
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", disk], capture_output=True
        ).returncode:
            pytest.skip("mounting a small file system needs root")
        return disk

    yield make
    subprocess.run(["umount", tmp_path / "disk"], capture_output=True)


@pytest.mark.parametrize("size", [4, 100, 700, 1500])
def test_a_full_disk_is_reported_and_leaves_whole_files(tmp_path, small_disk, size):
    disk = small_disk(size)
    config = composed("data=digits", "model=mlp", "trainer=cpu", "trainer.max_epochs=3")
    with pytest.raises((InputError, OSError)) as error:
        training.train(config, disk / "run")
    assert "No space left" in explain(error.value)
    for path in disk.rglob("*.ckpt"):
        assert read_checkpoint(path)["state_dict"]
    for path in disk.rglob("metrics.csv"):
        assert path.read_text().endswith("\n")
    assert not list(disk.rglob("*.new"))
