"""A run as an ONNX file (onnx.ai), which reads digits without torch, checked against torch on the run's test images.

python -m mnist_mlp.export RUN [--to FILE] [--root FOLDER]
"""

import argparse
import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf
from torch import nn

from mnist_mlp.data.datasets import SIDE, Split
from mnist_mlp.errors import InputError, explain, one_line_errors
from mnist_mlp.reader import BATCH_SIZE, Reader
from mnist_mlp.runs.atomic import replacing

missing = None  # of what the extra installs
try:
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ModuleNotFoundError as error:
    missing = error.name

OPSET = 20  # the version of ONNX's operators: the first with Gelu
OPERATORS = {nn.ReLU: "Relu", nn.Tanh: "Tanh", nn.Sigmoid: "Sigmoid", nn.GELU: "Gelu", nn.Linear: "Gemm"}
TOLERANCE = 1e-4  # between torch's logits and the file's


def export(run: Path, to: Path | None = None, root: Path | None = None) -> None:
    """Writes ``run``, a run folder or a checkpoint in one, to the file ``to``: by default model.onnx in the folder.
    Its data are those below ``root``: by default the run's own data.root.

    Input: ``images``, uint8 (batch, 28, 28), white on black. Outputs: ``logits`` and ``probabilities``, their softmax,
    float32 (batch, classes), calibrated as a Reader's are. Metadata: the run's ``config`` in YAML and, in JSON, its
    ``metrics``, which are those of its best checkpoint, the names of its ``classes``, and the ``threshold`` of
    probability below which a Reader says that an image is not readable.

    Raises InputError, and writes nothing, where there is no finished run, where its test images are not to be had, and
    where on any of them the file's label is not torch's or a logit differs by more than ``TOLERANCE``.
    """
    if missing:
        raise InputError(f'{missing} is not installed: pip install -c constraints.txt -e ".[export]"')
    reader = Reader(run)
    if not reader.metrics:
        raise InputError(f"{reader.folder.path}: no finished run: metrics.json is missing")
    config, name, test = config_and_test_images(reader, root)

    model = onnx_model(reader)
    said = {"metrics": asdict(reader.metrics), "classes": reader.classes, "threshold": reader.threshold}
    helper.set_model_props(model, {"config": config} | {key: json.dumps(value) for key, value in said.items()})
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    found = compare(content, reader, test)

    to = to or reader.folder.path / "model.onnx"
    with replacing(to) as path:
        path.write_bytes(content)
    print(f"{name}: {found}\nfile: {to} ({len(content):,} bytes)\nuse:  {example(to)}")


def config_and_test_images(reader: Reader, root: Path | None) -> tuple[str, str, Split]:
    """The YAML that the run was told, the name of the data set that it was tested on, and its test images."""
    from mnist_mlp.data.module import DigitsDataModule  # brings Lightning, which what is no run need not wait for

    path = reader.folder.config_yaml
    if not path.is_file():
        raise InputError(f"{path}: No such file")
    try:
        config = path.read_text()
        told = OmegaConf.create(config).data  # nothing it names is called, so that a stranger's run does no harm
        dataset = "digits" if reader.metrics.data == "digits" else told.dataset  # those that it may fall back on
        as_digits = told.get("as_digits", True)  # which older runs do not say
        data = DigitsDataModule(dataset, root or told.root, val_fraction=told.val_fraction, as_digits=as_digits)
        data.prepare_data()
        data.setup()
    except (InputError, OSError) as error:
        reason = f"{explain(error)}; --root FOLDER says where they are"
        raise InputError(f"no test images to check the export on: {reason}") from error
    except Exception as error:  # a file of any content may be there
        raise InputError(f"{path}: damaged: {error}") from error
    images, labels = data.parts["test"]
    return config, data.dataset, Split(images.view(-1, SIDE, SIDE), labels)


def onnx_model(reader: Reader) -> "onnx.ModelProto":
    """What ``reader`` computes, a node a step, with the normalisation of pixels first and the temperature last."""
    steps: list[tuple[str, dict[str, np.ndarray], dict[str, Any]]] = [
        ("Flatten", {}, {}),
        ("Cast", {}, {"to": TensorProto.FLOAT}),
        ("Div", {"white": np.float32(255)}, {}),
        *(step_of(layer) for layer in reader.network if not isinstance(layer, nn.Dropout)),
        ("Div", {"temperature": np.float32(reader.temperature)}, {}),
    ]
    nodes, weights, value = [], [], "images"
    for number, (operator, tensors, attributes) in enumerate(steps):
        names = [f"{number}.{name}" for name in tensors]
        weights += [numpy_helper.from_array(np.asarray(tensor), name) for name, tensor in zip(names, tensors.values())]
        result = "logits" if number == len(steps) - 1 else f"{number}.{operator}"
        nodes.append(helper.make_node(operator, [value, *names], [result], result, **attributes))
        value = result
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], "probabilities"))

    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", SIDE, SIDE])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", len(reader.classes)])
        for name in ("logits", "probabilities")
    ]
    graph = helper.make_graph(nodes, "MLP", [images], outputs, weights)
    # with the oldest format that has these operators, so that older runtimes read it too
    return helper.make_model_gen_version(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="mnist_mlp"
    )


def step_of(layer: nn.Module) -> tuple[str, dict[str, np.ndarray], dict[str, Any]]:
    """The operator of a layer, its tensors in the operator's order, which happens to be torch's, and its attributes."""
    tensors = {name: tensor.numpy() for name, tensor in layer.state_dict().items() if name != "num_batches_tracked"}
    if isinstance(layer, nn.BatchNorm1d):
        return "BatchNormalization", tensors, {"epsilon": layer.eps}
    return OPERATORS[type(layer)], tensors, {"transB": 1} if isinstance(layer, nn.Linear) else {}


def compare(content: bytes, reader: Reader, test: Split) -> str:
    """Says how far an ONNX file and ``reader`` agree on the images. Raises InputError where that is not far enough."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    parts = [session.run(["logits"], {"images": part.numpy()})[0] for part in test.images.split(BATCH_SIZE)]
    logits, expected = np.concatenate(parts), reader.logits(test.images.numpy()).numpy()
    labels = logits.argmax(1)
    others = int((labels != expected.argmax(1)).sum())
    difference = float(np.abs(logits - expected).max())
    if others or not difference <= TOLERANCE:  # it may be not a number
        raise InputError(
            f"not exported: of {len(labels):,} test images onnxruntime reads {others:,} other than torch does, and"
            f" logits differ by up to {difference:.1e}, where {TOLERANCE:.0e} is allowed"
        )
    accuracy = (labels == test.labels.numpy()).mean()
    return (
        f"all {len(labels):,} test images are read as torch reads them, logits differ by {difference:.1e} at most,"
        f" accuracy {accuracy:.2%}"
    )


def example(path: Path) -> str:
    """A command that reads an empty image with an exported file."""
    session = f"onnxruntime.InferenceSession({json.dumps(str(path))})"
    code = f'import numpy, onnxruntime; print({session}.run(None, {{"images": numpy.zeros((1, 28, 28), "uint8")}}))'
    return f"python -c {shlex.quote(code)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mnist_mlp.export", description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder, or a checkpoint in one")
    parser.add_argument("--to", type=Path, metavar="FILE", help="what to write; otherwise model.onnx in the run folder")
    parser.add_argument("--root", type=Path, metavar="FOLDER", help="where its data are; otherwise as it was trained")
    arguments = parser.parse_args()
    with one_line_errors():
        export(arguments.run, arguments.to, arguments.root)


if __name__ == "__main__":
    main()
