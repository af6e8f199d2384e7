"""The page as a person uses it: real pointer events in Chromium, on a desktop and on a phone.

MNIST_MLP_RUN names the run to read with, otherwise one is trained. MNIST_MLP_SCREENSHOTS names a folder to save
screenshots in.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from support.browser import (
    CHROMIUM,
    DEVICES,
    DIGITS,
    along,
    draw,
    draw_three,
    opened,
    playwright,
    reads,
    served,
    violations,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs Chromium on the path")]

NOTHING = "\N{EN DASH}"  # what the page shows for empty paper


@pytest.fixture(scope="module")
def address(run):
    """The address of a server that reads with the run, or compares it with itself."""
    with served("--run", run) as address:
        yield address


@pytest.fixture(params=DEVICES)
def page(request, chromium, address, tmp_path):
    with opened(chromium, request.param, address, tmp_path) as page:
        yield page


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
