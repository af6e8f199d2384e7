"""Seconds from ``python train.py`` to the first optimizer step, and how much memory a run takes above its imports.

python tests/benchmarks/startup.py [--rounds N]

Prints the medians, and beside them what ``import lightning`` alone takes in the same run.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parents[2]
FIRST_STEP = f"""
import os, runpy, sys, time
from mnist_mlp.training.fast_steps import FastClassifier
sys.argv = ["train.py", "trainer=cpu"]
def first_step(self, objective, optimizer):
    print(time.time(), flush=True)
    os._exit(0)
FastClassifier.step_by_hand = FastClassifier.step_with_autograd = first_step
runpy.run_path({str(PROJECT / "train.py")!r}, run_name="__main__")
"""
MEMORY = f"""
import resource, runpy, sys
import mnist_mlp.training.run
imported = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sys.argv = ["train.py", "trainer=cpu", "trainer.max_epochs=2"]
try:
    runpy.run_path({str(PROJECT / "train.py")!r}, run_name="__main__")
finally:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - imported) / 1024)
"""


def run(*command: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        shown = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, check=True)
    return shown.stdout.splitlines()[-1] if shown.stdout else ""


def seconds(*command: str) -> float:
    start = time.time()
    printed = run(*command)
    return (float(printed) if printed else time.time()) - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = range(parser.parse_args().rounds)
    taken: dict[str, list[float]] = {"import lightning": [], "first optimizer step": []}
    for _ in rounds:
        taken["import lightning"].append(seconds("-c", "import lightning"))
        taken["first optimizer step"].append(seconds("-c", FIRST_STEP))
    for name, values in taken.items():
        print(f"{name:<24}{statistics.median(values):8.2f} s")
    print(f"{'memory above imports':<24}{float(run('-c', MEMORY)):8.0f} MB")


if __name__ == "__main__":
    main()
