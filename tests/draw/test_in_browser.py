"""The page as a person uses it: real pointer events in Chromium, on a desktop and on a phone.

MNIST_MLP_RUN names the run to read with, otherwise one is trained. MNIST_MLP_SCREENSHOTS names a folder to save
screenshots in.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline
from support.commands import heed_ctrl_c, train_py

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs Chromium on the path")]

NOTHING = "\N{EN DASH}"  # what the page shows for empty paper

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


def along(points: list[tuple[int, int]], steps: int = 40) -> np.ndarray:
    """A smooth stroke through the points, as a moving pointer reports it: (steps, 2), in units of the paper's side."""
    corners = np.array(points) / 100
    times = np.linspace(0, len(points) - 1, steps)
    return CubicSpline(range(len(points)), corners)(times) if len(points) > 2 else corners


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    if "MNIST_MLP_RUN" in os.environ:
        return Path(os.environ["MNIST_MLP_RUN"]).resolve()
    if "MNIST_ROOT" not in os.environ:
        pytest.skip("set MNIST_MLP_RUN to a run to read with, or MNIST_ROOT to train one")
    folder = tmp_path_factory.mktemp("run")
    settings = ["experiment=record", "average=none", "trainer.max_epochs=6", f"hydra.run.dir={folder}"]
    train_py(folder, *settings, MNIST_ROOT=str(Path(os.environ["MNIST_ROOT"]).resolve())).check_returncode()
    return folder


@pytest.fixture(scope="module")
def address(run):
    """The address of a server that reads with the run, or compares it with itself."""
    command = [sys.executable, "-m", "mnist_mlp.draw", "--run", run, "--port", "0", "--no-browser"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, preexec_fn=heed_ctrl_c, **pipes) as server:
        try:
            server.stdout.readline()
            yield re.search(r"http://\S+", server.stdout.readline())[0]
        finally:
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=20)
        assert server.returncode == 130 and errors.split() == ["interrupted"]


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


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


@pytest.fixture(params=DEVICES)
def page(request, chromium, address, tmp_path):
    """The open page. The test fails if it logs an error, asks another server, or is wider than the screen.

    Browsers also log what the Content-Security-Policy blocks as an error.
    """
    context = chromium.new_context(**DEVICES[request.param])
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request", lambda sent: None if sent.url.startswith((address, "blob:", "data:")) else wrong.append(sent.url)
    )
    page.goto(address)
    folder = Path(os.environ.get("MNIST_MLP_SCREENSHOTS", tmp_path))

    def save(name: str) -> None:
        playwright.expect(page.locator("#cards")).to_have_attribute("aria-busy", "false")
        page.screenshot(path=folder / f"{request.param}-{name}.png", full_page=name == "compared")

    page.save = save
    page.touch = context.new_cdp_session(page) if request.param == "phone" else None
    yield page
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], "something is cut off"
    context.close()
    assert [text for text in wrong if "400 (Bad Request)" not in text] == []  # a test provoked it


def draw(page, digit: int, left: float = 0, top: float = 0, size: float = 1) -> None:
    """By mouse, or by touch on the phone, in a square of the paper: its place and size are parts of the paper's."""
    paper = page.locator("#canvas").bounding_box()
    for points in DIGITS[digit]:
        path = along(points) * size + [left, top]
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


def test_ten_drawn_digits_are_read(page):
    playwright.expect(page.locator("#run option").first).to_be_attached()
    page.save("empty")
    scrolled = page.evaluate("scrollY")
    for digit in range(10):
        draw(page, digit)
        playwright.expect(reads(page)).to_have_text(str(digit))
        page.save(str(digit))
        page.get_by_role("button", name="Clear").click()
        playwright.expect(reads(page)).to_have_text(NOTHING)
        playwright.expect(page.get_by_text("nothing drawn")).to_be_visible()
    assert page.evaluate("scrollY") == scrolled  # a finger draws and does not scroll
    times = page.evaluate("performance.getEntriesByName('read').map(entry => entry.duration)")
    print(f"{len(times)} updates, ms: median {np.median(times):.1f}, 95 % {np.quantile(times, 0.95):.1f}")
    assert len(times) > 50  # while they were drawn


def test_undo(page):
    draw(page, 1)
    playwright.expect(reads(page)).to_have_text("1")
    draw(page, 0)
    page.keyboard.press("Control+z")
    playwright.expect(reads(page)).to_have_text("1")
    page.keyboard.press("Escape")
    playwright.expect(reads(page)).to_have_text(NOTHING)
    page.keyboard.press("Control+z")
    playwright.expect(reads(page)).to_have_text("1")
    page.get_by_role("button", name="Undo").click()
    playwright.expect(reads(page)).to_have_text(NOTHING)
    playwright.expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_what_is_below_the_threshold_is_not_readable(page):
    page.evaluate("""() => {
        const json = Response.prototype.json
        Response.prototype.json = async function () {
            const answer = await json.call(this)
            if (answer.readings) answer.readings[0].labels = [null]  // the list of runs has none
            return answer
        }
    }""")
    draw(page, 4)
    playwright.expect(reads(page)).to_have_text("4?")
    playwright.expect(page.locator(".answer span")).to_contain_text("not readable: ")
    playwright.expect(page.locator(".threshold")).to_contain_text("a digit counts as not readable")
    page.save("unreadable")
    assert violations(page) == []


def photo_of(rows: list[list[int]], path: Path) -> Path:
    """Rows of digits in pen on grey paper."""
    photo = Image.new("L", (300 * max(map(len, rows)), 400 * len(rows) + 20), 205)
    pen = ImageDraw.Draw(photo)
    for row, digits in enumerate(rows):
        for place, digit in enumerate(digits):
            for points in DIGITS[digit]:
                stroke = [tuple(point) for point in (along(points) * 260 + [300 * place + 20, 400 * row + 80]).tolist()]
                pen.line(stroke, fill=60, width=14, joint="curve")
    photo.save(path)
    return path


def test_several_digits_are_drawn_and_read(page):
    draw_three(page)
    playwright.expect(page.locator(".box")).to_have_count(3)
    playwright.expect(reads(page)).to_have_text("2")  # the one drawn last
    page.get_by_role("button", name="Digit 1 of 3: 3").click()
    playwright.expect(reads(page)).to_have_text("3")
    page.keyboard.press("ArrowRight")
    playwright.expect(reads(page)).to_have_text("7")
    assert page.locator("#spoken").evaluate("output => output.value") == "3, 7, 2"
    page.save("three")
    assert violations(page) == []


def test_lines_of_a_photo_stay_lines(page, tmp_path):
    page.locator("#file").set_input_files(photo_of([[1, 2, 3], [4, 5], [6]], tmp_path / "lines.png"))
    playwright.expect(page.locator(".reads div")).to_have_text(["123", "45", "6"])
    page.save("lines")
    assert page.locator("#spoken").evaluate("output => output.value") == "1, 2, 3; next line: 4, 5; next line: 6"
    assert violations(page) == []


def test_labels_do_not_cover_each_other(page, tmp_path):
    small = Image.open(photo_of([[2, 0, 2, 6, 8]] * 9, tmp_path / "page.png"))
    small.resize((small.width // 4, small.height // 7)).save(tmp_path / "page.png")
    page.locator("#file").set_input_files(tmp_path / "page.png")
    playwright.expect(page.locator(".reads button")).to_have_count(45)
    covered = """labels => labels.map(label => label.getBoundingClientRect()).flatMap((a, i, all) =>
        all.slice(i + 1).filter(b => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom))"""
    page.save("dense")
    shown = page.locator(".box span:not(.hidden)")
    assert shown.count() > 0
    assert shown.evaluate_all(covered) == []


def test_a_file_that_is_refused_is_named_and_the_drawing_stays(page, tmp_path):
    draw_three(page)
    page.locator("#file").set_input_files(__file__)
    playwright.expect(page.get_by_role("alert")).to_contain_text(f"{Path(__file__).name}: not a readable image")
    playwright.expect(page.locator(".reads button")).to_have_text(["3", "7", "2"])
    page.save("refused")
    assert violations(page) == []
    draw(page, 1, 0.4, 0.7, 0.2)
    playwright.expect(page.get_by_role("alert")).to_be_hidden()


def test_photo_of_several_digits_compared(page, tmp_path):
    page.locator("#file").set_input_files(photo_of([[2, 0, 2, 6]], tmp_path / "year.png"))
    playwright.expect(page.locator(".reads button")).to_have_text(["2", "0", "2", "6"])
    playwright.expect(page.locator(".box")).to_have_count(4)
    page.get_by_role("button", name="Digit 4 of 4: 6").click()
    playwright.expect(reads(page)).to_have_text("6")
    page.save("photo")
    page.locator("#compare").select_option(index=1)
    playwright.expect(page.locator(".reads")).to_have_text(["2026", "2026"])
    page.save("compared")
    assert violations(page) == []
