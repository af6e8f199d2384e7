"""The page's server: its files, the list of runs, and the reading of pictures."""

import io
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from mnist_mlp.adaptation.collection import Collection
from mnist_mlp.draw.own_digits import OwnDigits, routes
from mnist_mlp.draw.runs import Runs
from mnist_mlp.draw.security import CONTENT_SECURITY_POLICY, OwnPageOnly
from mnist_mlp.errors import InputError
from mnist_mlp.pictures.files import read_picture
from mnist_mlp.reader import Reader

# Said explicitly, because a system's own table may be wrong, and browsers run no module of another type.
MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
PAGE_FILES = [path for path in (Path(__file__).parent / "page").iterdir() if path.suffix in MEDIA_TYPES]
HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-store"}
MAX_BYTES = 20_000_000  # of a picture


def application(
    runs: Runs, host: str = "127.0.0.1", allowed: Sequence[str] = (), collection: Collection | None = None
) -> Starlette:
    """Returns the page's server.

    GET / and the files it refers to: the page. GET /runs: the runs. POST /read?run=NAME[&run=NAME][&several][&drawing]:
    what one or two runs read in the picture in the body, as a single digit or as several; a drawing is dark on white.
    With a collection there is more; see ``own_digits.routes``. An error is one line of JSON, ``{"error": "..."}``.

    Args:
        runs: The runs to read with.
        host: The name or address that the server listens on.
        allowed: Further names under which the page may be opened.
        collection: Where digits are kept that are given a label; without it nothing is kept.
    """
    one_at_a_time = CapacityLimiter(1)  # a picture may take a second and 1 GB
    own = OwnDigits(runs, collection) if collection else None

    async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
        return await to_thread.run_sync(function, *arguments, limiter=one_at_a_time)

    async def list_runs(request: Request) -> Response:
        return JSONResponse(await in_thread(overview, runs, own))

    async def read(request: Request) -> Response:
        return JSONResponse(await in_thread(read_picture_with, runs, request.query_params, await body_of(request)))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        yield
        if own:
            own.learning.stop()

    reading = [Route("/runs", list_runs), Route("/read", read, methods=["POST"])]
    return Starlette(
        routes=[*map(page_route, PAGE_FILES), *reading, *(routes(own, in_thread, body_of) if own else [])],
        lifespan=lifespan,
        middleware=[Middleware(OwnPageOnly, host=host, allowed=allowed)],
        exception_handlers={InputError: refuse, HTTPException: refuse, ClientDisconnect: refuse},
    )


def overview(runs: Runs, own: OwnDigits | None) -> dict[str, Any]:
    """Returns what the page shows at first: the runs there are now, and what is kept."""
    runs.refresh()
    kept = own.state() if own else None
    return {"runs": runs.listing(), "chosen": runs.chosen, "max_bytes": MAX_BYTES, "own": kept}


def read_picture_with(runs: Runs, query: QueryParams, picture: bytes) -> dict[str, Any]:
    """Returns what the runs that a query names read in a picture file."""
    names = query.getlist("run")
    if not 1 <= len(names) <= 2:
        raise InputError("run: must be the names of one or two runs")
    readers = [runs.reader(name) for name in names]
    return read_digits(read_picture(io.BytesIO(picture)), readers, "several" in query, "drawing" in query)


def page_route(path: Path) -> Route:
    """Returns the route of one of the page's files."""

    async def send(request: Request) -> Response:
        return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], headers=HEADERS)

    return Route("/" if path.name == "page.html" else f"/{path.name}", send)


async def body_of(request: Request) -> bytes:
    """Returns a request's body; reads at most ``MAX_BYTES`` and one chunk, whatever its Content-Length.

    Raises:
        HTTPException: The body is larger.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise HTTPException(413, f"larger than {MAX_BYTES // 1_000_000} MB")
    return bytes(body)


async def refuse(request: Request, error: Exception) -> Response:
    """Returns an error as one line of JSON."""
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)
    return JSONResponse({"error": str(error)}, 400)


def read_digits(picture: np.ndarray, readers: list[Reader], several: bool, is_drawing: bool = False) -> dict[str, Any]:
    """Returns the digits in a picture and what each reader reads in them, ready for JSON.

    Args:
        picture: uint8 (height, width).
        readers: One or more readers.
        several: Whether to look for several digits; otherwise all ink is one digit.
        is_drawing: Whether it is a drawing, dark on white.
    """
    if len({(reader.as_digits, reader.on_white) for reader in readers}) > 1:
        raise InputError("these runs learned from pictures of different forms: they cannot be compared on one")
    digits = readers[0].digits_in(picture, several, is_drawing)
    images = np.array([digit.image for digit in digits], np.uint8).reshape(-1, 28, 28)
    return {
        "width": picture.shape[1],
        "height": picture.shape[0],
        "boxes": [digit.box for digit in digits],
        "lines": [digit.line for digit in digits],
        "images": images.reshape(-1, 784).tolist(),
        "readings": [reading_of(images, reader) for reader in readers],
    }


def reading_of(images: np.ndarray, reader: Reader) -> dict[str, Any]:
    """Returns what a reader reads in images, ready for JSON: labels, probabilities, the threshold, and evidence.

    A label is None if the highest probability is below the threshold.

    Args:
        images: uint8 (n, 28, 28), white on black.
        reader: The reader.
    """
    probabilities = reader.probabilities(images).astype(float)
    evidence = reader.evidence(images).astype(float)
    return {
        "classes": reader.classes,
        "labels": reader.labels(probabilities),
        "threshold": reader.threshold,
        "probabilities": probabilities.round(4).tolist(),
        "evidence": evidence.round(3).reshape(-1, 784).tolist(),
    }
