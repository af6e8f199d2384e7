"""Generated bad inputs: whatever a file holds or a person types, there is a result or an InputError, in little memory.

EXAMPLES=600 SEED=1 pytest tests/end_to_end/test_bad_inputs.py -n 0 -s says at the end how many there were, and the
memory they took. Without SEED it is 0, or random under --slow.
"""

import io
import os
import pickle
import resource
import signal
import struct
import zlib
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image
from support.commands import composed

from mnist_mlp.command.explain import explain
from mnist_mlp.command.settings import check, rules
from mnist_mlp.data import datasets
from mnist_mlp.data.folder import read_image
from mnist_mlp.errors import InputError
from mnist_mlp.training import run as training

EXAMPLES = int(os.environ.get("EXAMPLES", 30))  # of each kind
SEED = int(os.environ.get("SEED", 0))
MAX_MEMORY = 2 * 2**30  # bytes
HANGS = 120  # s; an input takes a hundredth of one
tried = 0


def bad_inputs(**strategies):
    """Decorates a test that takes generated inputs: it runs on EXAMPLES of them."""

    def decorate(test):
        quick = settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        return seed(SEED)(quick(given(**strategies)(test)))

    return decorate


@contextmanager
def counted():
    """Counts an input, and ends the test if it hangs."""
    global tried
    tried += 1

    def hangs(*_):
        raise AssertionError(f"no end after {HANGS} s")

    signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)


@pytest.fixture(scope="module", autouse=True)
def memory():
    before = peak()
    yield
    print(f"\n{tried} bad inputs, {(peak() - before) / 2**20:.0f} MiB more than before them (SEED={SEED})")
    assert peak() - before < MAX_MEMORY


def peak() -> int:
    """Returns the largest number of bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@st.composite
def damaged(draw, whole: bytes) -> bytes:
    """Draws the bytes with some flipped, cut out, put in or written over."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(content) - 1)) | st.integers(0, min(64, max(0, len(content) - 1))))
        what = draw(st.sampled_from(["flip", "cut", "put", "over", "end"]))
        if what == "flip" and content:
            content[place] ^= 1 << draw(st.integers(0, 7))
        elif what == "cut":
            del content[place : place + draw(st.integers(1, 100))]
        elif what == "put":
            content[place:place] = draw(st.binary(max_size=50))
        elif what == "over":
            piece = draw(st.sampled_from([b"\xff" * 4, b"\x00" * 4, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00"]))
            content[place : place + 4] = piece
        else:
            del content[place:]
    return bytes(content)


IDX = struct.pack(">4B3I", 0, 0, 8, 3, 20, 28, 28) + bytes(20 * 784), struct.pack(">4BI", 0, 0, 8, 1, 20) + bytes(20)


@bad_inputs(
    which=st.integers(0, 3),
    content=st.sampled_from(IDX).flatmap(damaged)
    | st.binary(max_size=100)
    | st.tuples(st.integers(1, 3), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3)).map(
        lambda lie: bytes([0, 0, 8, lie[0]]) + b"".join(size.to_bytes(4, "big") for size in lie[1])
    ),
)
def test_idx_files(tmp_path_factory, which, content):
    root = tmp_path_factory.getbasetemp() / "idx"
    raw = root / "MNIST/raw"
    raw.mkdir(parents=True, exist_ok=True)
    for place, path in enumerate(datasets.idx_paths("mnist", root)):
        path.write_bytes(content if place == which else IDX[place % 2])
    with counted():
        try:
            data = datasets.read("mnist", root)
            assert data.train.images.shape[1:] == (28, 28)
            assert len(data.train.images) == len(data.train.labels)
        except InputError as error:
            assert str(root) in str(error)


def picture(kind: str, mode: str) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((40, 30), 80).convert(mode).save(file, kind)
    return file.getvalue()


PICTURES = [picture(*kind) for kind in (("PNG", "L"), ("PNG", "RGBA"), ("JPEG", "RGB"), ("GIF", "P"), ("BMP", "RGB"))]
PICTURES += [picture(*kind) for kind in (("TIFF", "L"), ("WEBP", "RGB"), ("PPM", "L"))]


def png_that_says(width: int, height: int) -> bytes:
    """Returns a small PNG file whose header claims this size."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@bad_inputs(
    content=st.sampled_from(PICTURES).flatmap(damaged)
    | st.binary(max_size=200)
    | st.builds(png_that_says, st.sampled_from([1, 50_000, 2**31 - 1]), st.sampled_from([0, 1, 50_000, 2**31 - 1]))
)
def test_images(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "image.png"
    path.write_bytes(content)
    with counted():
        try:
            assert read_image(str(path)).shape == (28, 28)
        except InputError as error:
            assert str(path) in str(error)


TINY = ["data=digits", "trainer=cpu", "model.hidden_sizes=[4]", "data.batch_size=512"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    training.train(composed(*TINY, "trainer.max_epochs=1"), folder)
    return folder / "checkpoints/last.ckpt"


class Payload:
    """Runs code when it is unpickled."""

    def __init__(self, target: str) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (Path(self.target),)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(torch.zeros(3))
NESTED = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


@bad_inputs(data=st.data())
def test_checkpoints(tmp_path_factory, checkpoint, data):
    folder = tmp_path_factory.mktemp("bad")
    path = folder / "bad.ckpt"
    kind = data.draw(st.sampled_from(["damaged", "other content", "other part", "code"]))
    if kind == "damaged":
        path.write_bytes(data.draw(damaged(checkpoint.read_bytes())))
    elif kind == "code":
        whole = torch.load(checkpoint, weights_only=True)
        whole[data.draw(st.sampled_from(sorted(whole)))] = Payload(str(folder / "ran"))
        if data.draw(st.booleans()):
            torch.save(whole, path)
        else:
            path.write_bytes(pickle.dumps(whole))
    else:
        whole = torch.load(checkpoint, weights_only=True)
        if kind == "other part":
            whole[data.draw(st.sampled_from(sorted(whole)))] = data.draw(NESTED)
        torch.save(whole if kind == "other part" else data.draw(NESTED), path)
    with counted():
        try:
            training.train(composed(*TINY, "trainer.max_epochs=1", f"checkpoint='{path}'"), folder / "run")
        except InputError as error:
            assert "bad.ckpt" in str(error) or "best.ckpt: No such file" in str(error)
    assert not (folder / "ran").exists()


KEYS = st.sampled_from([*rules(), "model", "optimizer", "optimizer.betas", "model._target_", "callbacks"])
VALUES = (
    st.integers().map(str)
    | st.floats().map(str)
    | st.text(max_size=20)
    | st.sampled_from(
        ["[]", "[1e9,1e9]", "[100000,100000]", "{a:1}", "null", "${seed}", "${nothing}", "os.system", "true"]
    )
    | st.sampled_from(["../../etc", "[[1]]", "{_target_:os.system}", "[{_target_:os.system}]", "'", "[", "1,2", "1_0"])
)


@bad_inputs(
    overrides=st.lists(
        st.tuples(st.sampled_from(["", "+", "++", "~"]), KEYS | st.text(max_size=10), VALUES).map(
            lambda parts: f"{parts[0]}{parts[1]}={parts[2]}"
        ),
        min_size=1,
        max_size=3,
    )
)
def test_configs(overrides):
    with counted():
        try:
            check(composed(*overrides))
        except Exception as error:
            assert explain(error), repr(error)
