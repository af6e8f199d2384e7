"""The page to draw on as a person uses it: a server for it, Chromium, and strokes by mouse or by touch."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from support.commands import heed_ctrl_c

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)

# Each digit's strokes as a hand writes them, through points (x, y) in hundredths of the paper's side.
DIGITS = [
    [[(55, 12), (32, 24), (24, 50), (31, 79), (51, 89), (71, 77), (77, 49), (70, 23), (53, 11)]],
    [[(57, 11), (54, 38), (49, 65), (46, 90)]],
    [[(26, 31), (36, 15), (55, 11), (70, 25), (64, 46), (45, 68), (26, 87), (50, 85), (79, 87)]],
    [[(29, 18), (50, 11), (69, 22), (64, 40), (46, 47)], [(46, 47), (67, 57), (73, 73), (55, 89), (27, 82)]],
    [[(39, 11), (31, 35), (23, 56), (50, 57), (79, 54)], [(66, 33), (63, 60), (59, 91)]],
    [[(36, 13), (33, 41), (50, 38), (69, 50), (70, 70), (54, 87), (28, 84)], [(36, 13), (55, 14), (74, 11)]],
    [[(63, 10), (43, 30), (31, 58), (35, 81), (52, 90), (67, 78), (63, 60), (48, 55), (33, 67)]],
    [[(23, 17), (50, 15), (75, 14)], [(75, 14), (61, 42), (50, 68), (45, 90)]],
    [[(68, 20), (50, 11), (33, 22), (41, 40), (61, 56), (69, 76), (50, 89), (31, 76), (39, 56), (60, 40), (68, 21)]],
    [[(68, 26), (51, 12), (34, 26), (39, 46), (56, 47), (68, 27), (66, 55), (61, 91)]],
]


def launch(driver):
    """Starts Chromium without a window."""
    return driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


def along(points: list[tuple[int, int]], steps: int = 40) -> np.ndarray:
    """A smooth stroke through the points, as a moving pointer reports it: (steps, 2), in units of the paper's side."""
    corners = np.array(points) / 100
    times = np.linspace(0, len(points) - 1, steps)
    return CubicSpline(range(len(points)), corners)(times) if len(points) > 2 else corners


DEVICES = {
    "desktop": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "color_scheme": "dark",
        "has_touch": True,
        "is_mobile": True,
        "device_scale_factor": 2,
    },
}


@contextmanager
def served(*arguments: object, folder: Path | None = None) -> Iterator[str]:
    """Yields the address at which ``python -m mnist_mlp.draw ARGUMENTS`` serves the page, and ends it by Ctrl-C."""
    command = [sys.executable, "-m", "mnist_mlp.draw", *arguments, "--port", "0", "--no-browser"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, preexec_fn=heed_ctrl_c, cwd=folder, **pipes) as server:
        try:
            server.stdout.readline()
            yield re.search(r"http://\S+", server.stdout.readline())[0]
        finally:
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=20)
        assert (server.returncode, errors.split()) == (130, ["interrupted"]), errors


def draw(page, digit: int, left: float = 0, top: float = 0, size: float = 1, turn: float = 0) -> None:
    """By mouse, or by touch on the phone, in a square of the paper: its place and size are parts of the paper's."""
    paper = page.locator("#canvas").bounding_box()
    for points in DIGITS[digit]:
        path = along(points)
        if turn:  # counterclockwise, degrees, about the middle
            cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
            path = 0.5 + 0.8 * (path - 0.5) @ [[cos, sin], [-sin, cos]]
        path = path * size + [left, top]
        path = path * [paper["width"], paper["height"]] + [paper["x"], paper["y"]]
        if page.touch:
            for kind, places in [
                ("touchStart", path[:1]),
                *(("touchMove", [place]) for place in path),
                ("touchEnd", []),
            ]:
                touches = [{"x": x, "y": y} for x, y in np.asarray(places).tolist()]
                page.touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
        else:
            page.mouse.move(*path[0])
            page.mouse.down()
            for place in path:
                page.mouse.move(*place)
            page.mouse.up()


@contextmanager
def opened(chromium, device: str, address: str, folder: Path):
    """Yields the open page. The test fails if it logs an error, asks another server, or is wider than the screen.

    Browsers also log what the Content-Security-Policy blocks as an error.
    """
    context = chromium.new_context(**DEVICES[device])
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request", lambda sent: None if sent.url.startswith((address, "blob:", "data:")) else wrong.append(sent.url)
    )
    page.goto(address)
    folder = Path(os.environ.get("MNIST_MLP_SCREENSHOTS", folder))

    def save(name: str) -> None:
        playwright.expect(page.locator("#cards")).to_have_attribute("aria-busy", "false")
        page.screenshot(path=folder / f"{device}-{name}.png", full_page=name == "compared")

    page.save = save
    page.touch = context.new_cdp_session(page) if device == "phone" else None
    yield page
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], "something is cut off"
    context.close()
    assert [text for text in wrong if "400 (Bad Request)" not in text] == []  # a test provoked it


def draw_three(page) -> None:
    for place, digit in enumerate((3, 7, 2)):
        draw(page, digit, 0.03 + 0.32 * place, 0.3, 0.3)
    playwright.expect(page.locator(".reads button")).to_have_text(["3", "7", "2"])


def violations(page) -> list:
    """What axe-core finds: where, and which rule of accessibility is broken."""
    found = axe.Axe().run(page).response["violations"]
    return [(rule["id"], node["target"]) for rule in found for node in rule["nodes"]]


def reads(page):
    return page.locator(".answer b").first
