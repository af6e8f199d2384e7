"""A run as an ONNX file (onnx.ai), which reads digits without torch: python -m mnist_mlp.export RUN."""

import argparse
import json
import os
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mnist_mlp.data.batches import EVALUATION_BATCH
from mnist_mlp.errors import InputError, one_line_errors
from mnist_mlp.labelled import LabelledImages, test_images
from mnist_mlp.pictures.mnist_form import SIDE
from mnist_mlp.reader import Reader
from mnist_mlp.runs.atomic import replacing

# Relative to the largest logit: rounding errors grow with the values that are summed, not with their sum. Float32 sums
# in another order differ by at most 2e-6 in networks up to 4 x 1,024 units; float16 weights would differ by 1e-4.
TOLERANCE = 2e-5


class CalibratedNetwork(nn.Module):
    """What a reader computes: uint8 (batch, 28, 28) to logits and probabilities, float32 (batch, classes)."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.network = reader.network
        self.temperature = reader.temperature

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.network(images.flatten(1) / 255) / self.temperature
        return logits, logits.softmax(1)


def export(run: Path, to: Path | None = None, root: Path | None = None) -> None:
    """Writes a run to an ONNX file, checks the file against torch on the run's test images, and prints how they agree.

    The file's input is ``images``, uint8 (batch, 28, 28), white on black. Its outputs are ``logits`` and
    ``probabilities``, float32 (batch, classes), calibrated as a Reader's are. Its metadata are the run's ``config`` in
    YAML and, in JSON, its ``metrics``, the names of its ``classes``, and the ``threshold``: an image whose largest
    probability is lower is not readable.

    Args:
        run: A run folder, or a checkpoint in one.
        to: The file to write; default: model.onnx in the run folder.
        root: The folder of the run's data; default: the run's own data.root.

    Raises:
        InputError: The run is not finished, has no test images, or the file does not agree. Nothing is written then.
    """
    if missing := [name for name in ("onnx", "onnxruntime", "onnxscript") if find_spec(name) is None]:
        raise InputError(f'not installed: {", ".join(missing)}; pip install -c constraints.txt -e ".[export]"')
    reader = Reader(run)
    if not reader.metrics:
        raise InputError(f"{reader.folder.path}: no finished run: metrics.json is missing")
    test = test_images(reader, root=root)
    content = onnx_file(reader, reader.folder.config_yaml.read_text(), reader.metrics.to_json())
    agreement = check(content, reader, test)
    to = to or reader.folder.path / "model.onnx"
    with replacing(to) as path:
        path.write_bytes(content)
    print(f"{test.what}: {agreement}\nfile: {to} ({len(content):,} bytes)\nuse:  {example(to)}")


def onnx_file(reader: Reader, config: str, metrics: str) -> bytes:
    """Returns the content of an ONNX file that computes what the reader computes, with its metadata."""
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    program = torch.onnx.export(
        CalibratedNetwork(reader).eval(),
        (torch.zeros(2, SIDE, SIDE, dtype=torch.uint8),),
        input_names=["images"],
        output_names=["logits", "probabilities"],
        dynamic_shapes=({0: "batch"},),
        verbose=False,
    )
    ClearMetadataAndDocStringPass()(program.model)  # torch notes the paths of its and our source files at each node
    classes, threshold = json.dumps(reader.classes), json.dumps(reader.threshold)
    program.model.metadata_props.update(config=config, metrics=metrics, classes=classes, threshold=threshold)
    return program.model_proto.SerializeToString()


def check(content: bytes, reader: Reader, test: LabelledImages) -> str:
    """Returns how well an ONNX file agrees with the reader on the test images; raises InputError if not enough."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime 1.32 keeps a database of events in the home
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    starts = range(0, len(test.images), EVALUATION_BATCH)
    parts: list[Any] = [
        session.run(["logits"], {"images": test.images[start : start + EVALUATION_BATCH]})[0] for start in starts
    ]
    logits, expected = np.concatenate(parts), reader.logits(test.images).numpy()
    labels = logits.argmax(1)
    wrong = int((labels != expected.argmax(1)).sum())
    largest = float(np.abs(expected).max())
    difference, allowed = float(np.abs(logits - expected).max()), TOLERANCE * max(1, largest)
    found = (
        f"onnxruntime labels {wrong:,} of {len(labels):,} images differently from torch, logits differ by at most"
        f" {difference:.1e} ({allowed:.1e} is allowed, as the largest is {largest:.3g})"
    )
    if wrong or not difference < allowed:  # also where a logit is not a number
        raise InputError(f"not exported: {found}")
    return f"{found}, accuracy {(labels == test.labels).mean():.2%}"


def example(path: Path) -> str:
    """Returns a shell command that reads an empty image with an exported file."""
    session = f"onnxruntime.InferenceSession({json.dumps(str(path))})"
    code = f'import numpy, onnxruntime; print({session}.run(None, {{"images": numpy.zeros((1, 28, 28), "uint8")}}))'
    return f"python -c {shlex.quote(code)}"


def main() -> None:
    """Parses the command line and exports a run."""
    parser = argparse.ArgumentParser(
        prog="python -m mnist_mlp.export", description=(export.__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder, or a checkpoint in one")
    parser.add_argument("--to", type=Path, metavar="FILE", help="the file to write; default: RUN/model.onnx")
    parser.add_argument("--root", type=Path, metavar="FOLDER", help="where its data are; default: as in training")
    with one_line_errors():
        export(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
