"""A page to draw on: what a run reads in a drawing or a photo, while it is drawn, and which pixels made it say so.

python -m mnist_mlp.draw [--run RUN] [--compare RUN] [--threshold P] [--host ADDRESS] [--port PORT] [--no-browser]
"""

import argparse
import io
import socket
import threading
import webbrowser
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import torch
import uvicorn
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mnist_mlp.errors import InputError, one_line_errors
from mnist_mlp.pictures.digits import digits_in
from mnist_mlp.pictures.files import read_picture
from mnist_mlp.predict import probability
from mnist_mlp.reader import Reader, best_run, finished_runs
from mnist_mlp.runs.folder import RunFolder

OUTPUTS = Path("outputs")
PAGE = Path(__file__).with_name("page.html")
PAGE_HEADERS = {  # so that the browser itself lets the page load nothing from elsewhere
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline';"
    " img-src blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
MOST_BYTES = 20_000_000  # of a picture

reader_of = lru_cache(maxsize=8)(Reader)


class Runs:
    """The runs that the page may use: those typed and those below ``outputs``, by names that are no paths.

    Each has its own threshold unless one is given for all.
    """

    def __init__(self, typed: list[Path], outputs: Path, threshold: float | None = None) -> None:
        self.typed = typed
        self.outputs = outputs
        self.threshold = threshold
        self.chosen = [self.name_of(run) for run in typed]
        self.listed()

    def name_of(self, run: Path) -> str:
        run, outputs = run.resolve(), self.outputs.resolve()
        return str(run.relative_to(outputs) if run.is_relative_to(outputs) else run)

    def listed(self) -> list[dict[str, Any]]:
        """The runs' names and validation accuracies, None where there is none; those typed come first."""
        metrics = {run: RunFolder(run).metrics for run in self.typed} | finished_runs(self.outputs)
        self.paths = {self.name_of(run): run for run in metrics}
        return [
            {"name": name, "val_accuracy": metrics[run] and metrics[run].val_accuracy}
            for name, run in self.paths.items()
        ]

    def reader(self, name: str) -> Reader:
        """Raises InputError for a name that was not listed."""
        if name not in self.paths:
            raise InputError(f"{name}: no such run; reload the page")
        return reader_of(self.paths[name], self.threshold)


def reading(picture: np.ndarray, readers: list[Reader], several: bool) -> dict[str, Any]:
    """The digits in a picture, uint8 (height, width), and what each reader makes of each of them, ready for JSON."""
    digits = digits_in(picture, several)
    images = np.array([digit.image for digit in digits], np.uint8).reshape(-1, 28, 28)
    return {
        "width": picture.shape[1],
        "height": picture.shape[0],
        "boxes": [digit.box for digit in digits],
        "images": images.reshape(-1, 784).tolist(),
        "readings": [reading_of(images, reader) for reader in readers],
    }


def reading_of(images: np.ndarray, reader: Reader) -> dict[str, Any]:
    """Labels of images, uint8 (n, 28, 28), None where not readable, and why."""
    probabilities = reader.probabilities(images).astype(float)
    evidence = reader.evidence(images).astype(float)
    return {
        "classes": reader.classes,
        "labels": reader.labels(probabilities),
        "probabilities": probabilities.round(4).tolist(),
        "evidence": evidence.round(3).reshape(-1, 784).tolist(),
    }


def application(runs: Runs, host: str = "127.0.0.1") -> Starlette:
    """The page's server.

    GET /runs lists the runs. POST /read?run=NAME&run=NAME reads the picture that is its body, as one digit, or
    with &several as many. What is wrong with a request is said in JSON, ``{"error": "one line"}``.
    """
    one_at_a_time = CapacityLimiter(1)  # a picture may take a second and 1 GB

    async def page(request: Request) -> Response:
        return FileResponse(PAGE, headers=PAGE_HEADERS)

    async def list_runs(request: Request) -> Response:
        listed = await to_thread.run_sync(runs.listed, limiter=one_at_a_time)
        return JSONResponse({"runs": listed, "chosen": runs.chosen, "most_bytes": MOST_BYTES})

    async def read(request: Request) -> Response:
        names = request.query_params.getlist("run")
        several = "several" in request.query_params
        if not 1 <= len(names) <= 2:
            raise InputError("run: must be the names of one or two runs")
        body = await body_of(request)

        def answer() -> dict[str, Any]:
            readers = [runs.reader(name) for name in names]
            return reading(read_picture(io.BytesIO(body)), readers, several)

        return JSONResponse(await to_thread.run_sync(answer, limiter=one_at_a_time))

    return Starlette(
        routes=[Route("/", page), Route("/runs", list_runs), Route("/read", read, methods=["POST"])],
        middleware=[Middleware(OwnPageOnly, host=host)],
        exception_handlers={InputError: refused, HTTPException: refused, ClientDisconnect: refused},
    )


async def body_of(request: Request) -> bytes:
    """Reads no more than is allowed, whatever the request says of its length."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"larger than {MOST_BYTES // 1_000_000} MB")
    return bytes(body)


async def refused(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)
    return JSONResponse({"error": str(error)}, 400)


class OwnPageOnly:
    """Refuses what a page from elsewhere makes the browser send, directly or by DNS rebinding.

    A name that anyone could point here must not be the Host; an address cannot be pointed. The Origin, which browsers
    send with a POST, must be the Host.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app = app
        self.names = {"localhost", host.lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self.is_own(Headers(scope=scope)):
            response = JSONResponse({"error": "not a request of this server's own page"}, 403)
            await response(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def is_own(self, headers: Headers) -> bool:
        host = headers.get("host", "")
        try:
            name = urlsplit(f"//{host}").hostname or ""
            known = name in self.names or bool(ip_address(name))
            return known and urlsplit(headers.get("origin", f"//{host}")).netloc == host
        except ValueError:
            return False


def listening(host: str, port: int) -> socket.socket:
    """Raises InputError where the port is in use, or the address is not this machine's."""
    try:
        server = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot listen on {host} port {port}: {reason}; try another --port") from error
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else an answer's body waits 40 ms after its head
    return server


def address_of(server: socket.socket) -> str:
    host, port = server.getsockname()[:2]
    host = "localhost" if ip_address(host).is_unspecified else host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mnist_mlp.draw", description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="a run folder or checkpoint; otherwise the best run below outputs")
    parser.add_argument("--compare", type=Path, metavar="RUN", help="a second one, beside it")
    parser.add_argument(
        "--threshold", type=probability, metavar="P", help="less probable digits are not read; otherwise each run's own"
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="0 for any that is free (%(default)s)")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    arguments = parser.parse_args()
    with one_line_errors():
        server = listening(arguments.host, arguments.port)
        typed = [arguments.run or best_run(OUTPUTS), *([arguments.compare] if arguments.compare else [])]
        runs = Runs(typed, OUTPUTS, arguments.threshold)
        torch.set_num_threads(1)  # waking others takes longer than a digit
        for name in runs.chosen:
            runs.reader(name)  # an unreadable one is said now
        address = address_of(server)
        print(f"run:  {' and '.join(map(str, typed))}\npage: {address} (Ctrl-C ends it)", flush=True)
        if not arguments.no_browser:
            threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()  # some browsers wait
        config = uvicorn.Config(application(runs, arguments.host), log_level="warning")
        uvicorn.Server(config).run([server])
