"""What the page's server does with own digits: keeps them, and starts a training that learns them."""

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mnist_mlp.adaptation.collection import Collection
from mnist_mlp.draw.learning import Learning
from mnist_mlp.draw.runs import Runs
from mnist_mlp.errors import InputError, one_line
from mnist_mlp.pictures.in_folders.labels import NO_DIGIT
from mnist_mlp.pictures.mnist_form import SIDE

MAX_NAME = 200  # letters of the name of a photo


class OwnDigits:
    """Own digits that the page keeps in a folder and learns from.

    Args:
        runs: The runs to read with.
        collection: Where digits are kept.
    """

    def __init__(self, runs: Runs, collection: Collection) -> None:
        self.runs = runs
        self.collection = collection
        self.learning = Learning(collection.folder, runs.outputs)

    def state(self) -> dict[str, Any]:
        """Returns what the page shows of own digits, ready for JSON.

        That is the ``folder``, the ``count`` of those with a label, how many ``changes`` can be taken back, and how far
        ``learning`` is.
        """
        new = self.learning.run and self.runs.name_of(self.learning.run)
        return {
            "folder": str(self.collection.folder),
            "count": self.collection.count(),
            "changes": len(self.collection.kept),
            "learning": self.learning.report() | {"run": new},
        }

    def keep(self, name: str, label: str, source: str, body: bytes) -> dict[str, Any]:
        """Keeps a digit, and returns the state and what was done.

        Args:
            name: The name of the run that read it.
            label: Its label, or ``no_digit``.
            source: The name of the photo that it was found in; empty if it was drawn.
            body: Its image as the network saw it: 784 bytes.

        Raises:
            InputError: One of these is not what it must be.
        """
        reader = self.runs.reader(name)
        if label not in (*reader.classes, NO_DIGIT):
            raise InputError(f"{label}: no label of this run")
        if len(body) != SIDE**2:
            raise InputError("the body must be an image of 28 x 28 bytes")
        image = np.frombuffer(bytearray(body), np.uint8).reshape(SIDE, SIDE)  # torch wants it writable
        probabilities = reader.probabilities(image[None])
        (read,), place = reader.labels(probabilities), probabilities.argmax()
        seen = read or f"{reader.classes[place]}?", float(probabilities.max())
        before = self.collection.keep(image, label, *seen, name, one_line(source)[:MAX_NAME] or "drawn")
        folder = self.collection.place / label
        if before is None:
            said = f"kept as {label} in {folder}"
        else:
            said = f"already kept as {label}" if before == label else f"moved from {before} to {label} in {folder}"
        return self.state() | {"said": said}

    def undo(self) -> dict[str, Any]:
        """Takes back what was kept last, and returns the state and what was done."""
        label = self.collection.undo()
        return self.state() | {"said": f"the last one, {label}, was taken back" if label else "nothing to take back"}

    def learn(self, name: str) -> dict[str, Any]:
        """Starts a training from the weights of a run, and returns the state."""
        self.runs.reader(name)  # is it one of those listed, and readable?
        if not self.collection.count():
            raise InputError("no digit has a label yet")
        self.learning.start(self.runs.paths[name])
        return self.state()


def routes(
    own: OwnDigits, in_thread: Callable[..., Awaitable[Any]], body_of: Callable[[Request], Awaitable[bytes]]
) -> list[Route]:
    """Returns the routes POST /keep?run=NAME&label=LABEL[&source=PHOTO], /undo, /learn?run=NAME, and GET /own.

    Args:
        own: What answers.
        in_thread: Calls a function in a thread, one at a time.
        body_of: Returns a request's body, if it is not too large.
    """

    async def keep(request: Request) -> Response:
        names = (request.query_params.get(key, "") for key in ("run", "label", "source"))
        return JSONResponse(await in_thread(own.keep, *names, await body_of(request)))

    async def undo(request: Request) -> Response:
        return JSONResponse(await in_thread(own.undo))

    async def learn(request: Request) -> Response:
        return JSONResponse(await in_thread(own.learn, request.query_params.get("run", "")))

    async def state(request: Request) -> Response:
        return JSONResponse(await in_thread(own.state))

    changes = [Route(f"/{change.__name__}", change, methods=["POST"]) for change in (keep, undo, learn)]
    return [*changes, Route("/own", state)]
