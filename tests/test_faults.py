"""Runs that are killed, at moments that SEED= repeats. python tests/kills.py --kills 100 does it for longer."""

import os
import random
import subprocess
import sys

import pytest
from conftest import PROJECT


@pytest.mark.parametrize("kills", [6, pytest.param(120, marks=pytest.mark.slow)])
def test_runs_that_are_killed_end_as_those_that_are_not(tmp_path, kills):
    seed = os.environ.get("SEED", str(random.randrange(2**32)))
    command = [sys.executable, PROJECT / "tests/kills.py", "--kills", str(kills), "--seed", seed]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, f"SEED={seed}: {result.stderr[-2000:]}"
    assert result.stdout.splitlines()[-1] == f"{kills} kills, every continuation identical bit for bit"
