"""Own digits that the page's server keeps and learns."""

import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient
from support.runs import perceptron, save_run

from mnist_mlp.adaptation.collection import Collection
from mnist_mlp.data.folder import read_image
from mnist_mlp.draw import learning
from mnist_mlp.draw.runs import Runs
from mnist_mlp.draw.server import application
from mnist_mlp.pictures.digits import digits_in
from mnist_mlp.reader import DIGITS, Reader

HERE = "http://127.0.0.1:8000"


@pytest.fixture
def run(tmp_path) -> Path:
    return save_run(tmp_path / "outputs/a", perceptron(), data="mnist", classes=DIGITS, threshold=0.0).path


@pytest.fixture
def own(tmp_path) -> Path:
    return tmp_path / "my_digits"


@pytest.fixture
def client(run, own):
    runs = Runs([run], run.parent)
    with TestClient(application(runs, collection=Collection(own)), base_url=HERE) as client:
        yield client


def digit(seed: int) -> np.ndarray:
    """A stroke, as a network sees it."""
    paper = np.full((100, 100), 255, np.uint8)
    paper[20:80, 40 : 46 + seed] = 0
    return digits_in(paper, several=False)[0].image


def keep(client: TestClient, seed: int, label: str, source: str = "") -> dict:
    query = {"run": "a", "label": label, "source": source}
    return client.post("/keep", params=query, content=digit(seed).tobytes()).json()


def test_nothing_is_kept_without_a_folder(run):
    client = TestClient(application(Runs([run], run.parent)), base_url=HERE)
    assert client.get("/runs").json()["own"] is None
    assert [client.post(path).status_code for path in ("/keep", "/undo", "/learn")] == [404] * 3


def test_the_page_is_told_where_digits_are_kept(client, own):
    kept = client.get("/runs").json()["own"]
    assert (kept["folder"], kept["count"], kept["changes"]) == (str(own), 0, 0)
    assert kept["learning"] == {"state": "idle", "line": "", "seconds": 0, "run": None}
    assert not own.exists()


def test_a_digit_is_kept_with_what_its_run_read(client, own, run):
    answer = keep(client, 0, "7", "photo\n.jpg")
    assert (answer["said"], answer["count"], answer["changes"]) == (f"kept as 7 in {own}/7", 1, 1)
    (path,) = own.glob("7/*.png")
    assert np.array_equal(read_image(str(path)), digit(0))
    (seen,) = Collection(own).rows()
    (probabilities,) = Reader(run).probabilities(digit(0)[None])
    assert seen[:5] == (
        path.name,
        DIGITS[probabilities.argmax()],
        pytest.approx(probabilities.max(), abs=1e-4),
        "a",
        "photo .jpg",
    )


def test_labels_are_changed_and_taken_back(client, own):
    said = [keep(client, seed, label)["said"] for seed, label in [(0, "7"), (0, "7"), (0, "1"), (1, "no_digit")]]
    assert said == [
        f"kept as 7 in {own}/7",
        "already kept as 7",
        f"moved from 7 to 1 in {own}/1",
        f"kept as no_digit in {own}/no_digit",
    ]
    answers = [client.post("/undo").json() for _ in range(4)]
    assert [answer["changes"] for answer in answers] == [2, 1, 0, 0]
    assert [answer["said"].split()[-1] for answer in answers] == ["back"] * 4
    assert list(own.glob("*/*.png")) == []


@pytest.mark.parametrize(
    ("query", "body", "said"),
    [
        ("run=a&label=x", digit(0).tobytes(), "x: no label of this run"),
        ("run=a&label=..", digit(0).tobytes(), "..: no label of this run"),
        ("run=a", digit(0).tobytes(), ": no label of this run"),
        ("run=b&label=1", digit(0).tobytes(), "b: no such run"),
        ("run=a&label=1", b"", "28 x 28 bytes"),
        ("run=a&label=1", bytes(785), "28 x 28 bytes"),
        ("run=a&label=1", bytes(784), "not a digit in MNIST's form"),
    ],
)
def test_what_cannot_be_kept_is_answered_in_one_line(client, own, query, body, said):
    response = client.post(f"/keep?{query}", content=body)
    assert response.status_code == 400 and said in response.json()["error"]
    assert not own.exists()


@pytest.mark.parametrize("path", ["keep?run=a&label=1", "undo", "learn?run=a"])
def test_other_pages_can_change_nothing(client, own, path):
    response = client.post(f"/{path}", content=digit(0).tobytes(), headers={"origin": "http://evil.example"})
    assert response.status_code == 403 and not own.exists()
    assert client.get(f"/{path}").status_code == 405


def test_a_body_is_limited(client):
    assert client.post("/keep?run=a&label=1", content=bytes(20_000_001)).status_code == 413


# Learning: a script stands in for train.py, which takes half a minute


@pytest.fixture
def train_py(tmp_path, monkeypatch):
    """Returns a function that writes what is started."""

    def write(code: str) -> None:
        (tmp_path / "train.py").write_text(f"import sys\nprint('starting PyTorch', file=sys.stderr)\n{code}\n")

    monkeypatch.setattr(learning, "TRAIN_PY", tmp_path / "train.py")
    return write


def ended(client: TestClient) -> dict:
    for _ in range(1200):
        state = client.get("/own").json()["learning"]
        if state["state"] != "running":
            return state
        time.sleep(0.05)
    raise AssertionError(state)


SAVE_RUN = """
import json
from pathlib import Path
settings = dict(word.split("=", 1) for word in sys.argv[1:])
folder = Path(settings["hydra.run.dir"])
counts = {"images": 3, "before": 1, "after": 3}
own = {"learned": counts, "apart": counts | {"images": 0}, "test": counts | {"images": 10_000}}
scores = {"test_accuracy": 0.9, "test_loss": 0.3, "val_accuracy": 0.9, "fit_seconds": 1.0}
(folder / "checkpoints").mkdir(parents=True)
(folder / "checkpoints/best.ckpt").touch()
(folder / "metrics.json").write_text(json.dumps(scores | {"own_digits": own}))
Path("arguments").write_text("\\n".join(sys.argv[1:]))
"""


def test_a_training_is_started_and_its_run_offered(client, own, run, train_py, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    train_py(SAVE_RUN)
    keep(client, 0, "7")
    assert client.post("/learn?run=a").json()["learning"]["state"] == "running"
    state = ended(client)
    assert state["state"] == "finished", state
    assert state["line"] == (
        "Own digits it learned from: 1 of 3 read correctly before, 3 after;"
        " test images: 1 of 10,000 read correctly before, 3 after"
    )
    assert state["run"] in [run["name"] for run in client.get("/runs").json()["runs"]]
    arguments = Path("arguments").read_text().splitlines()
    assert arguments[:3] == ["experiment=learn", "data=mnist", "data.fallback=null"]
    assert arguments[3:5] == [f"init={run}", f"data.extra={own}"]


def test_one_training_at_a_time_which_ends_with_the_server(run, own, train_py, tmp_path, monkeypatch):
    began, started = tmp_path / "began", []

    class Popen(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(learning.subprocess, "Popen", Popen)
    train_py(
        "import time\nprint(' 1  0.3899 97.56%', flush=True)\nprint('total 1,293', flush=True)\n"
        f"open({str(began)!r}, 'w').close()\ntime.sleep(600)"
    )
    with TestClient(application(Runs([run], run.parent), collection=Collection(own)), base_url=HERE) as client:
        keep(client, 0, "7")
        client.post("/learn?run=a")
        assert client.post("/learn?run=a").json() == {"error": "a training is under way; wait for its end"}
        while not began.exists():
            time.sleep(0.05)
        assert client.get("/own").json()["learning"]["line"] == "epoch 1 is done"
    (process,) = started
    assert process.poll() is not None


def test_a_training_that_fails_says_why(client, train_py):
    train_py("print('warning: dear me')\nprint('error: no room', file=sys.stderr)\nsys.exit(2)")
    keep(client, 0, "7")
    client.post("/learn?run=a")
    state = ended(client)
    assert (state["state"], state["line"]) == ("failed", "error: no room")


def test_what_cannot_be_learned_is_answered_in_one_line(client, monkeypatch, tmp_path):
    assert client.post("/learn?run=a").json() == {"error": "no digit has a label yet"}
    keep(client, 0, "7")
    assert "no such run" in client.post("/learn?run=b").json()["error"]
    monkeypatch.setattr(learning, "TRAIN_PY", tmp_path / "gone.py")
    assert "needs the project's folder, not only its package" in client.post("/learn?run=a").json()["error"]
