import gc
import io
import os
import socket
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import anyio
import numpy as np
import pytest
from PIL import Image, ImageDraw
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient
from support.commands import assert_one_error_line
from support.runs import perceptron, save_run

from mnist_mlp.draw import server
from mnist_mlp.draw.__main__ import listen
from mnist_mlp.draw.runs import Runs, cached_reader
from mnist_mlp.draw.server import application
from mnist_mlp.errors import InputError
from mnist_mlp.reader import DIGITS, Reader

HERE = "http://127.0.0.1:8000"


def add_run(folder: Path, seed: int, **metrics: object) -> None:
    """Writes a finished run with random weights."""
    save_run(folder, perceptron(seed=seed), **{"data": "mnist", "classes": DIGITS, "temperature": 2.0} | metrics)


@pytest.fixture
def outputs(tmp_path) -> Path:
    add_run(tmp_path / "outputs/day/a", 0)
    add_run(tmp_path / "outputs/day/b", 1, val_accuracy=None)
    add_run(tmp_path / "elsewhere", 2)
    return tmp_path / "outputs"


@pytest.fixture
def client(outputs) -> TestClient:
    return TestClient(application(Runs([outputs / "day/a"], outputs, threshold=0.0)), base_url=HERE)


def drawing(*strokes: list[tuple[int, int]], width: int = 280) -> bytes:
    """Strokes on white paper, as the page sends them."""
    picture = Image.new("L", (width, 280), 255)
    for stroke in strokes:
        ImageDraw.Draw(picture).line(stroke, fill=0, width=16, joint="curve")
    return b"P5 %d 280 255\n" % width + picture.tobytes()


SEVEN = [(70, 60), (210, 50), (120, 240)]


def test_a_drawing_is_read_as_its_reader_reads_it(client, outputs):
    body = drawing(SEVEN)
    answer = client.post("/read?run=day/a&run=day/b", content=body).json()
    (digit,) = Reader(outputs / "day/a").digits_in(np.array(Image.open(io.BytesIO(body))), several=False)
    assert (answer["width"], answer["height"]) == (280, 280)
    assert answer["boxes"] == [list(digit.box)]
    assert answer["boxes"][0] == pytest.approx([62, 42, 218, 248], abs=6)  # around the strokes that were drawn
    assert answer["images"] == [digit.image.ravel().tolist()]
    assert len(answer["readings"]) == 2
    for name, reading in zip("ab", answer["readings"]):
        reader = Reader(outputs / "day" / name)
        (probabilities,) = reader.probabilities(digit.image[None])
        assert reading["probabilities"][0] == pytest.approx(probabilities.tolist(), abs=1e-4)
        assert reading["labels"] == [str(probabilities.argmax())]
        assert reading["evidence"][0] == pytest.approx(reader.evidence(digit.image).ravel().tolist(), abs=1e-3)
        assert reading["classes"] == DIGITS


def test_several_digits_only_on_request(client):
    body = drawing(SEVEN, [(x + 280, y) for x, y in SEVEN], width=560)
    boxes = client.post("/read?run=day/a&several", content=body).json()["boxes"]
    assert len(boxes) == 2 and boxes[0][2] < 280 < boxes[1][0]
    assert len(client.post("/read?run=day/a", content=body).json()["boxes"]) == 1


def test_each_digit_has_its_line(client):
    small = [[(x // 3 + dx, y // 3 + dy) for x, y in SEVEN] for dx, dy in ((10, 0), (100, 10), (5, 150), (190, 160))]
    assert client.post("/read?run=day/a&several", content=drawing(*small)).json()["lines"] == [0, 0, 1, 1]


def test_a_digit_below_the_threshold_is_not_readable(outputs):
    def readings(typed: float | None = None) -> list[dict]:
        client = TestClient(application(Runs([], outputs, typed)), base_url=HERE)
        return client.post("/read?run=day/a&run=sure", content=drawing(SEVEN)).json()["readings"]

    add_run(outputs / "sure", 0, threshold=1.0)
    (highest,) = np.max(readings()[0]["probabilities"], axis=1)
    for threshold, read in [(highest - 0.01, True), (highest + 0.01, False)]:
        add_run(outputs / "day/a", 0, threshold=threshold)
        cached_reader.cache_clear()
        assert [reading["labels"] != [None] for reading in readings()] == [read, False]
        assert [reading["labels"] != [None] for reading in readings(threshold)] == [read, read]


def test_nothing_drawn(client):
    answer = client.post("/read?run=day/a", content=drawing()).json()
    assert answer["boxes"] == answer["images"] == []
    assert answer["lines"] == []
    reading = {"classes": DIGITS, "labels": [], "threshold": 0.0, "probabilities": [], "evidence": []}
    assert answer["readings"] == [reading]


@pytest.mark.parametrize(
    ("query", "body", "said"),
    [
        ("", drawing(SEVEN), "run: must be the names of one or two runs"),
        ("run=day/a&run=day/a&run=day/b", drawing(SEVEN), "run: must be the names of one or two runs"),
        ("run=day/c", drawing(SEVEN), "day/c: no such run; reload the page"),
        ("run=day/a/../b", drawing(SEVEN), "no such run"),
        ("run=../elsewhere", drawing(SEVEN), "no such run"),
        ("run=day/a", b"", "picture: not a readable image"),
        ("run=day/a", b"<svg/>", "picture: not a readable image"),
        ("run=day/a", drawing(SEVEN)[:-1000], "picture: not a readable image"),
        ("run=day/a", b"P5 12000 12000 255\n", "pixels are too many"),
    ],
)
def test_a_bad_request_is_answered_in_one_line(client, query, body, said):
    response = client.post(f"/read?{query}", content=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert said in error and "\n" not in error


def test_a_path_is_not_a_name(client, outputs):
    assert (
        client.post("/read", params={"run": f"{outputs.parent}/elsewhere"}, content=drawing(SEVEN)).status_code == 400
    )


def test_a_body_is_read_up_to_the_limit_only(client, monkeypatch):
    monkeypatch.setattr(server, "MAX_BYTES", 100_000)
    assert client.post("/read?run=day/a", content=drawing(SEVEN)).status_code == 200
    response = client.post("/read?run=day/a", content=bytes(100_001))
    assert response.status_code == 413
    assert "larger than" in response.json()["error"]
    received: list[int] = []

    async def receive() -> dict:  # an endless body without a Content-Length
        received.append(10_000)
        return {"type": "http.request", "body": bytes(10_000), "more_body": True}

    with pytest.raises(HTTPException):
        anyio.run(server.body_of, Request({"type": "http", "method": "POST"}, receive))
    assert sum(received) == 110_000


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:8000", None, 200),
        ("localhost:8000", "http://localhost:8000", 200),
        ("[::1]:8000", "http://[::1]:8000", 200),
        ("192.168.1.7:8000", "http://192.168.1.7:8000", 200),
        ("evil.example:8000", None, 403),
        ("evil.example:8000", "http://evil.example:8000", 403),
        ("127.0.0.1.evil.example", None, 403),
        ("", None, 403),
        ("[", None, 403),
        ("127.0.0.1:8000", "http://evil.example", 403),
        ("127.0.0.1:8000", "http://127.0.0.1:8001", 403),
        ("127.0.0.1:8000", "null", 403),
    ],
)
def test_only_the_server_s_own_page_may_send_requests(client, host, origin, status):
    headers = {"host": host} | ({"origin": origin} if origin else {})
    assert client.post("/read?run=day/a", content=drawing(SEVEN), headers=headers).status_code == status
    assert client.get("/runs", headers=headers).status_code == status


def test_the_names_given_as_host_and_allowed_are_accepted(outputs):
    app = application(Runs([outputs / "day/a"], outputs), host="Digits.local", allowed=["mybox", "Proxy.example"])
    assert TestClient(app, base_url="http://digits.local").get("/runs").status_code == 200
    client = TestClient(app, base_url="http://MYBOX:8765")
    assert client.get("/runs").status_code == 200
    for origin, status in (("https://proxy.example", 200), ("https://other.example", 403)):
        assert client.get("/runs", headers={"host": "127.0.0.1", "origin": origin}).status_code == status


def test_a_refusal_says_what_to_do(client):
    refused = client.get("/", headers={"host": "raspberrypi.local:8765"})
    assert refused.status_code == 403
    assert "start it with --allow raspberrypi.local" in refused.json()["error"]
    refused = client.get("/", headers={"origin": "https://proxy.example"})
    assert "sent by another page, 'https://proxy.example'" in refused.json()["error"]


def ended_on(run: Path, day: str) -> None:
    """Sets the time of a run's end."""
    time = datetime.fromisoformat(f"{day} 12:30").timestamp()
    os.utime(run / "metrics.json", (time, time))


def test_the_runs_that_can_be_chosen(outputs):
    runs = Runs([outputs / "day/b", outputs.parent / "elsewhere"], outputs)
    client = TestClient(application(runs), base_url=HERE)
    elsewhere = str(outputs.parent / "elsewhere")
    listed = {run["name"]: run["val_accuracy"] for run in client.get("/runs").json()["runs"]}
    assert listed == {"day/b": None, elsewhere: 0.9, "day/a": 0.9}
    assert client.get("/runs").json()["chosen"] == ["day/b", elsewhere]
    assert client.post("/read", params={"run": elsewhere}, content=drawing(SEVEN)).status_code == 200
    add_run(outputs / "later", 3)
    assert client.post("/read?run=later", content=drawing(SEVEN)).status_code == 400  # not listed yet
    assert "later" in [run["name"] for run in client.get("/runs").json()["runs"]]
    assert client.post("/read?run=later", content=drawing(SEVEN)).status_code == 200


def test_runs_are_listed_by_date_with_a_title_and_whose_accuracy_it_is(outputs):
    add_run(outputs / "2026-11-20/15-05-10-wide-adam", 3, data="fashion_mnist")
    for run, day in (("day/a", "2026-11-22"), ("day/b", "2026-11-21"), ("2026-11-20/15-05-10-wide-adam", "2026-11-23")):
        ended_on(outputs / run, day)
    listed = Runs([outputs / "day/b"], outputs).listing()
    assert [(run["title"], run["date"]) for run in listed] == [
        ("b", "2026-11-21 12:30"),  # typed
        ("wide-adam", "2026-11-23 12:30"),
        ("a", "2026-11-22 12:30"),
    ]
    assert (listed[1]["val_accuracy"], listed[1]["data"]) == (0.9, "fashion_mnist")


def test_a_checkpoint_is_listed_with_what_its_run_reached(outputs):
    (listed,) = [
        run for run in Runs([outputs / "day/a/checkpoints/best.ckpt"], outputs).listing() if "best" in run["name"]
    ]
    assert (listed["title"], listed["val_accuracy"], listed["date"] is None) == ("a", 0.9, False)


@pytest.mark.parametrize("accuracy", [np.nan, np.inf, "0.9", [0.9], 2])
def test_damaged_metrics_do_not_hide_other_runs(outputs, accuracy):
    add_run(outputs / "day/b", 1, val_accuracy=accuracy)
    client = TestClient(application(Runs([outputs / "day/a"], outputs)), base_url=HERE)
    (run,) = client.get("/runs").json()["runs"]
    assert (run["name"], run["val_accuracy"]) == ("day/a", 0.9)


def test_unknown_paths_and_methods_are_answered_in_json(client):
    assert client.get("/etc/passwd").json() == {"error": "Not Found"}
    assert client.get("/server.py").json() == {"error": "Not Found"}
    assert client.get("/read?run=day/a").status_code == 405


def test_a_port_in_use_is_one_line_and_lightning_is_not_imported(outputs):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code = """
import sys
from mnist_mlp.draw.__main__ import main
try:
    main()
finally:
    print([name for name in ("lightning", "torchvision") if name in sys.modules])
"""
        command = [sys.executable, "-c", code, "--no-browser", "--port", str(taken.getsockname()[1])]
        result = subprocess.run(command, cwd=outputs.parent, capture_output=True, text=True, timeout=60)
    assert_one_error_line(result, "Address already in use", "--port")
    assert result.stdout == "[]\n"


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # Python's create_server leaves it open
@pytest.mark.parametrize("port", [-1, 70000])
def test_a_port_out_of_range(port):
    with pytest.raises(InputError, match=f"cannot listen on 127.0.0.1 port {port}"):
        listen("127.0.0.1", port)
    gc.collect()  # warns here, not in a later test
