"""Handwritten-digit recognition with multilayer perceptrons: PyTorch Lightning, Hydra, TensorBoard.

The public names are imported when they are first used, so that ``import mnist_mlp`` costs nothing.
"""

import os
import sys
from importlib import import_module
from typing import Any

# Threads that wait for each other sleep, under GNU's OpenMP after some 50 microseconds. By default they spin, and on a
# busy machine a training takes ten times as long; without spinning at all, 1.7 times as long on an idle one. OpenMP
# reads this when torch is loaded.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "passive"
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
# Intel's MKL, which multiplies torch's matrices, then gives the same numbers on any number of threads. It reads this at
# its first product.
if "torch" not in sys.modules:
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

_MODULES = {
    "Classifier": "mnist_mlp.training.classifier",
    "DigitsDataModule": "mnist_mlp.data.module",
    "MLP": "mnist_mlp.model.mlp",
    "compose": "mnist_mlp.command.settings",
    "train": "mnist_mlp.training.run",
    "Reader": "mnist_mlp.reader",
    "read_picture": "mnist_mlp.pictures.files",
    "digits_in": "mnist_mlp.pictures.digits",
}
__all__ = [
    "MLP",
    "Classifier",
    "DigitsDataModule",
    "Reader",
    "__version__",
    "compose",
    "digits_in",
    "read_picture",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("mnist_mlp")
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
