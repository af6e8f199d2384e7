"""Own digits, kept and learned on the page in Chromium. The variables are those of test_in_browser.py."""

import os

import pytest
from support.browser import CHROMIUM, DEVICES, draw, draw_three, opened, playwright, reads, served, violations

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs Chromium on the path")]


@pytest.fixture(params=DEVICES)
def collecting(request, chromium, run, tmp_path):
    """The page of a server that keeps digits in my_digits, and looks for runs and writes new ones below outputs."""
    with (
        served("--run", run, "--collect", "my_digits", folder=tmp_path) as address,
        opened(chromium, request.param, address, tmp_path) as page,
    ):
        yield page


def give(page, label: str) -> None:
    page.get_by_role("group", name="The label of the digit").get_by_role("button", name=label).click()


def test_digits_are_kept_under_the_label_they_are_given(collecting, tmp_path):
    page, own = collecting, tmp_path / "my_digits"
    playwright.expect(page.get_by_text("keeps the digit in my_digits")).to_be_visible()
    draw_three(page)
    assert not own.exists()
    page.get_by_role("button", name="Digit 1 of 3: 3").click()
    page.keyboard.press("3")
    playwright.expect(page.locator("#kept")).to_have_text("Digit 1 of 3: kept as 3 in my_digits/3")
    playwright.expect(reads(page)).to_have_text("7")  # the next
    give(page, "1")
    playwright.expect(reads(page)).to_have_text("2")
    give(page, "no digit")
    playwright.expect(page.locator("#kept")).to_have_text("Digit 3 of 3: kept as no_digit in my_digits/no_digit")
    playwright.expect(page.get_by_role("button", name="Learn from 2 digits")).to_be_visible()
    assert sorted(path.parent.name for path in own.glob("*/*.png")) == ["1", "3", "no_digit"]
    page.get_by_role("button", name="Digit 1 of 3: 3").click()
    playwright.expect(page.locator("#labels [aria-pressed=true]")).to_have_text("3")
    page.save("kept")
    assert violations(page) == []
    page.get_by_role("button", name="Take back").click()
    playwright.expect(page.locator("#kept")).to_have_text("The last one, no_digit, was taken back")
    assert sorted(path.parent.name for path in own.glob("*/*.png")) == ["1", "3"]
    page.get_by_role("button", name="Take back").click()
    page.get_by_role("button", name="Take back").click()
    playwright.expect(page.get_by_role("button", name="Take back")).to_be_hidden()
    playwright.expect(page.locator("#learn")).to_be_hidden()


ODD = {2: -50, 3: 60, 7: 50}  # degrees: a hand that slants so far that the run misreads it


@pytest.mark.skipif("MNIST_ROOT" not in os.environ, reason="learning needs MNIST beside one's own digits")
def test_a_hand_is_learned(collecting, tmp_path):
    page = collecting
    for digit in range(10):
        draw(page, digit, turn=ODD.get(digit, 0))
        playwright.expect(page.locator("#cards")).to_have_attribute("aria-busy", "false")
        assert (reads(page).text_content() == str(digit)) == (digit not in ODD)
        page.keyboard.press(str(digit))
        playwright.expect(page.locator("#kept")).to_have_text(f"Kept as {digit} in my_digits/{digit}")
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Learn from 10 digits").click()
    playwright.expect(page.locator("#progress")).to_contain_text("epoch", timeout=300_000)
    page.save("learning")
    assert violations(page) == []
    playwright.expect(page.locator("#progress")).to_contain_text("Learned in", timeout=300_000)
    playwright.expect(page.locator("#compare option:checked")).to_contain_text("learned")
    for digit, turn in ODD.items():
        draw(page, digit, turn=turn)
        playwright.expect(page.locator("#cards")).to_have_attribute("aria-busy", "false")
        page.save(f"learned-{digit}")
        playwright.expect(page.locator(".card").nth(1).locator(".answer b")).to_have_text(str(digit))
        page.keyboard.press("Escape")
    assert violations(page) == []
