import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image
from support.commands import assert_one_error_line, command_here, composed
from support.runs import checkpoint_of, save_run

from mnist_mlp import export as module
from mnist_mlp import labelled
from mnist_mlp.export import export, main
from mnist_mlp.model.mlp import ACTIVATIONS, MLP
from mnist_mlp.reader import DIGITS, Reader
from mnist_mlp.training.build import build_data


def network_of(model, seed=0):
    """Returns a network with weights, means and variances that all change its output."""
    torch.manual_seed(seed)
    network = MLP(**model)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.ndim == 1:
            tensor.normal_()
        elif tensor.ndim == 2:
            tensor *= 4
    return network


@pytest.fixture
def add_run(tmp_path, mnist_root):
    """Writes the folder of a run as if a network with the given settings had been trained."""

    def add(averaged=False, classes=None, data="mnist", **model) -> Path:
        average = network_of(model, seed=1) if averaged else None
        settings = {name: value for name, value in model.items() if name != "num_classes"}
        checkpoint = checkpoint_of(network_of(model), average, **settings)
        config = {"data": {"dataset": "mnist", "root": str(mnist_root), "val_fraction": 0.2, "seed": "${seed}"}}
        metrics = {"data": data, "classes": classes or DIGITS, "temperature": 0.7}
        return save_run(tmp_path / "run", checkpoint, config=config | {"seed": 3}, **metrics).path

    return add


def assert_reads_as(path, reader):
    """The file gives the reader's logits and probabilities, whatever the number of images, and needs no other file."""
    assert not any(tensor.external_data for tensor in onnx.load(path, load_external_data=False).graph.initializer)
    session = onnxruntime.InferenceSession(path)
    pixels = np.random.default_rng(0).integers(0, 256, (37, 28, 28), dtype=np.uint8)
    for images in (pixels[:1], pixels[:2], pixels):
        logits, probabilities = session.run(["logits", "probabilities"], {"images": images})
        assert logits.shape == (len(images), len(reader.classes))
        expected = reader.logits(images).numpy()
        allowed = 2e-5 * max(1, np.abs(expected).max())  # rounding; no logit changes a probability by more
        assert np.abs(logits - expected).max() < allowed
        assert np.abs(probabilities - reader.probabilities(images)).max() < allowed
    assert logits.std(0).min() > 0.01  # a file that ignored its input would not do


NETWORKS = [("relu", False, False), ("relu", False, True), ("relu", True, False)]
NETWORKS += [(activation, True, True) for activation in ACTIVATIONS]


@pytest.mark.parametrize(("activation", "batch_norm", "averaged"), NETWORKS)
def test_every_network(add_run, activation, batch_norm, averaged):
    run = add_run(averaged, hidden_sizes=[20, 12], activation=activation, batch_norm=batch_norm, dropout=0.3)
    export(run)
    assert_reads_as(run / "model.onnx", Reader(run))
    assert b'File "' not in (run / "model.onnx").read_bytes()  # torch's stack traces name paths on this machine


def test_the_command_starts_without_what_it_may_not_need_and_says_nothing_else(add_run, tmp_path):
    code = """
import sys
from mnist_mlp.export import main
print([name for name in ("lightning", "onnx", "onnxruntime", "onnxscript") if name in sys.modules])
main()
"""
    command = [sys.executable, "-c", code, add_run(hidden_sizes=[16])]
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment["HOME"] = str(tmp_path)
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=environment)
    assert result.stderr == ""
    assert not list(tmp_path.rglob("*onnxruntime*"))  # no database of events for Microsoft
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["[]", "test images of mnist", "file", "use"]


def test_no_hidden_layer_and_other_classes(add_run, tmp_path, mnist_root, monkeypatch):
    raw = mnist_root / "MNIST/raw"
    for path in raw.glob("*labels*"):
        content = bytearray(path.read_bytes())
        content[8:] = bytes(label % 3 for label in content[8:])
        path.write_bytes(content)
    read = labelled.datasets.read
    monkeypatch.setattr(labelled.datasets, "read", lambda *where: read(*where)._replace(classes=["a", "b", "ü"]))
    run = add_run(classes=["a", "b", "ü"], hidden_sizes=[], num_classes=3)
    export(run / "checkpoints/best.ckpt", tmp_path / "new/a file's.onnx")
    assert_reads_as(tmp_path / "new/a file's.onnx", Reader(run))
    assert not (run / "model.onnx").exists()


def test_what_training_writes_and_what_is_said(tmp_path, trained_run, capsys):
    run, config, metrics, _ = trained_run
    export(run.path, tmp_path / "model.onnx")
    said = capsys.readouterr().out
    assert "onnxruntime labels 0 of 200 images differently from torch" in said
    assert f"accuracy {metrics.test_accuracy:.2%}" in said
    assert_reads_as(tmp_path / "model.onnx", Reader(run.path))

    model = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert OmegaConf.create(properties["config"]) == config
    assert json.loads(properties["metrics"]) == json.loads(metrics.to_json())
    assert json.loads(properties["classes"]) == metrics.classes
    assert json.loads(properties["threshold"]) == metrics.threshold

    command = shlex.split(said.splitlines()[-1].removeprefix("use:  "))
    assert command[:2] == ["python", "-c"]
    without_torch = "import sys; sys.modules['torch'] = None; " + command[2]
    shown = subprocess.run([sys.executable, "-c", without_torch], capture_output=True, text=True, check=True).stdout
    assert shown.count("array(") == 2


@pytest.mark.parametrize("data", ["mnist", "none", None])
def test_a_run_from_another_machine(add_run, monkeypatch, capsys, mnist_root, tmp_path, data):
    run = add_run(data=data, hidden_sizes=[16])
    mnist_root.rename(tmp_path / "moved")
    monkeypatch.setattr(sys, "argv", ["export", str(run), "--root", str(tmp_path / "moved")])
    main()
    assert "test images of mnist: onnxruntime labels 0 of 200 images" in capsys.readouterr().out
    properties = {entry.key: entry.value for entry in onnx.load(run / "model.onnx").metadata_props}
    assert json.loads(properties["threshold"]) == 0.5  # where the run has none


@pytest.mark.parametrize("as_digits", [False, True])
def test_a_folder_s_images_are_those_of_the_training(add_run, tmp_path, as_digits):
    for number in range(20):
        path = tmp_path / f"images/{number % 10}/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = np.full((60, 60), 255, np.uint8)
        picture[5:30, number : number + 4] = 0
        Image.fromarray(picture).save(path)
    run = add_run(data="folder", hidden_sizes=[16])
    settings = ["data=folder", f"data.root={tmp_path}/images", f"data.as_digits={as_digits}"]
    OmegaConf.save(config := composed(*settings), run / ".hydra/config.yaml")
    test = labelled.test_images(Reader(run))
    assert torch.equal(torch.from_numpy(test.images).flatten(1), build_data(config).parts["test"][0])


def test_a_data_set_without_a_test_part_is_split_as_in_training(add_run, capsys):
    run = add_run(data="digits", hidden_sizes=[16])  # as a run that fell back on them
    export(run)
    test = build_data(composed("data=digits")).parts["test"]
    assert f"digits: onnxruntime labels 0 of {len(test[1])} images" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["labels", "logits"])
def test_a_failed_check_leaves_nothing(add_run, monkeypatch, capsys, tmp_path, wrong):
    run = add_run(hidden_sizes=[16])
    forward = module.CalibratedNetwork.forward

    def changed(self, images):
        logits = forward(self, images)[0] + {"labels": 100 * torch.arange(10), "logits": 0.01}[wrong]
        return logits, logits.softmax(1)

    monkeypatch.setattr(module.CalibratedNetwork, "forward", changed)
    if wrong == "labels":  # only
        monkeypatch.setattr(module, "TOLERANCE", np.inf)
    before = sorted(tmp_path.rglob("*"))
    assert_one_line(monkeypatch, capsys, [run, "--to", tmp_path / "new/model.onnx"], "not exported: onnxruntime labels")
    assert sorted(tmp_path.rglob("*")) == before


def test_large_logits_may_differ_more(add_run):
    run = add_run(hidden_sizes=[64])
    checkpoint = torch.load(run / "checkpoints/best.ckpt")
    checkpoint["state_dict"]["network.2.weight"] *= 1e4
    torch.save(checkpoint, run / "checkpoints/best.ckpt")
    export(run)
    assert_reads_as(run / "model.onnx", Reader(run))


def test_a_run_that_diverged(add_run, monkeypatch, capsys):
    run = add_run(hidden_sizes=[])
    checkpoint = torch.load(run / "checkpoints/best.ckpt")
    checkpoint["state_dict"]["network.0.bias"].fill_(torch.nan)
    torch.save(checkpoint, run / "checkpoints/best.ckpt")
    assert_one_line(monkeypatch, capsys, [run], "labels 0 of 200 images differently", "differ by at most nan")


def assert_one_line(monkeypatch, capsys, arguments, *parts):
    """The command ends with status 2 and one line that holds ``parts``."""
    monkeypatch.setattr(sys, "argv", ["export", *map(str, arguments)])
    with pytest.raises(SystemExit, match="2"):
        main()
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("error: ") and err.count("\n") == 1
    for part in parts:
        assert part in err


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("checkpoints/best.ckpt", b"none", "best.ckpt: damaged"),
        ("checkpoints/best.ckpt", None, "best.ckpt: no such file"),
        ("metrics.json", b"{", "metrics.json: damaged"),
        ("metrics.json", b'{"threshold": 0.5}', "metrics.json: damaged, or without a finished run's scores"),
        ("metrics.json", None, "no finished run: metrics.json is missing"),
        (".hydra/config.yaml", None, "config.yaml: No such file"),
        (".hydra/config.yaml", b"a: [", "config.yaml: damaged"),
        (".hydra/config.yaml", b"\xff\xfe", "config.yaml: damaged"),
        (".hydra/config.yaml", b"seed: 0", "config.yaml: damaged"),
        (".hydra/config.yaml", b"data: {dataset: other, root: a, val_fraction: 0.2}", "config.yaml: damaged"),
        (".hydra/config.yaml", b"data: {dataset: mnist, root: '${none:1}', val_fraction: 0.2}", "config.yaml: damaged"),
        (
            ".hydra/config.yaml",
            b"data: {dataset: folder, root: gone, val_fraction: 0.2, _target_: os.abort}",
            "data.root=gone: the folder does not exist; expected are ROOT/<label>/*.png, or such folders in"
            " ROOT/train and ROOT/test, perhaps ROOT/val; --root FOLDER says where they are",
        ),
        (
            ".hydra/config.yaml",
            b"data: {dataset: mnist, root: /dev/null/data, val_fraction: 0.2}",
            "/dev/null/data: Not a directory; --root FOLDER says where they are",
        ),
    ],
)
def test_a_damaged_run(add_run, monkeypatch, capsys, file, content, said):
    run = add_run(data=None, hidden_sizes=[16])
    (run / file).unlink() if content is None else (run / file).write_bytes(content)
    assert_one_line(monkeypatch, capsys, [run], said)
    assert not list(run.glob("model.onnx*"))


def test_test_images_that_are_not_there(add_run, monkeypatch, capsys, mnist_root):
    run = add_run(hidden_sizes=[16])
    (mnist_root / "MNIST/raw/t10k-labels-idx1-ubyte").write_bytes(b"")
    assert_one_line(
        monkeypatch,
        capsys,
        [run],
        "no test images of mnist",
        "t10k-labels",
        "; --root FOLDER says where they are",
    )


def test_a_place_that_cannot_be_written(add_run, monkeypatch, capsys, tmp_path):
    assert_one_line(monkeypatch, capsys, [add_run(hidden_sizes=[16]), "--to", tmp_path], "Is a directory")


def test_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as if it were not there
    result = command_here(tmp_path, "export", tmp_path)
    assert_one_error_line(result, 'not installed: onnxruntime; pip install -c constraints.txt -e ".[export]"')
