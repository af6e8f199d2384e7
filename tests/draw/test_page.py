"""The page's files, as the server sends them."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from mnist_mlp.draw.runs import Runs
from mnist_mlp.draw.server import MEDIA_TYPES, PAGE_FILES, application

NODE = shutil.which("node")
SCRIPTS = [path for path in PAGE_FILES if path.suffix == ".js"]


class Page(HTMLParser):
    """Collects what an HTML page refers to, and what a Content-Security-Policy without 'unsafe-inline' blocks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.references += [names[name] for name in ("src", "href") if name in names]
        self.inline += [f"<{tag} {name}>" for name in names if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.inline.append(f"<{tag}>")


@pytest.fixture
def client(tmp_path) -> TestClient:
    return TestClient(application(Runs([], tmp_path)), base_url="http://127.0.0.1:8000")


def test_all_that_the_page_refers_to_is_served(client):
    page = Page(client.get("/").text)
    assert page.inline == []
    found, waiting = {"page.html"}, [name for name in page.references if not name.startswith("data:")]
    while waiting:
        name = waiting.pop()
        response = client.get(f"/{name}")
        assert response.status_code == 200, name
        suffix = name[name.rindex(".") :]
        assert response.headers["content-type"] == f"{MEDIA_TYPES[suffix]}; charset=utf-8"
        found.add(name)
        imported = re.findall(r'\bfrom "\./([^"]+)"', response.text) if suffix == ".js" else []
        waiting += set(imported) - found
    assert found == {path.name for path in PAGE_FILES}  # none is left over


@pytest.mark.parametrize("path", PAGE_FILES, ids=lambda path: path.name)
def test_each_file_comes_with_a_policy_that_allows_nothing_inline_or_from_elsewhere(client, path):
    response = client.get("/" if path.name == "page.html" else f"/{path.name}")
    policy = dict(rule.split(" ", 1) for rule in response.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in str(policy)
    assert response.text == path.read_text(encoding="utf-8")
    assert "://" not in response.text.replace("http://www.w3.org/2000/svg", "") and "@import" not in response.text


@pytest.mark.skipif(not NODE, reason="needs Node.js on the path")
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_a_module_without_syntax_errors(path):
    command = [NODE, "--input-type=module", "--check"]
    result = subprocess.run(command, input=path.read_bytes(), capture_output=True, timeout=60)
    assert result.returncode == 0, result.stderr.decode()


# What is seen on what, and the contrast that the Web Content Accessibility Guidelines 2.2 ask for at level AA.
TEXT, GRAPHICS = 4.5, 3.0
CONTRASTS = [
    *(("card", text, TEXT) for text in ("text", "faint", "for", "against")),
    *(("page", text, TEXT) for text in ("text", "faint")),
    *(("card", sign, GRAPHICS) for sign in ("edge", "bar", "for", "ink")),
    *(("page", sign, GRAPHICS) for sign in ("edge", "for")),
]


def luminance(colour: str) -> float:
    """The relative luminance of a colour such as #fff or #1c66c9, 0 to 1."""
    digits = colour.removeprefix("#")
    pairs = [digit * 2 for digit in digits] if len(digits) == 3 else [digits[i : i + 2] for i in (0, 2, 4)]
    parts = [int(pair, 16) / 255 for pair in pairs]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ground", "sign", "least"), CONTRASTS)
def test_contrasts(theme, ground, sign, least):
    css = next(path for path in PAGE_FILES if path.suffix == ".css").read_text()
    colours = dict(re.findall(r"--(\w+): (#\w+)", re.findall(r":root \{(.*?)\}", css, re.DOTALL)[theme]))
    assert contrast(colours[ground], colours[sign]) >= least


@pytest.mark.parametrize(
    "colour", re.findall(r"background: (#(?!fff|000)\w+)", (PAGE_FILES[0].parent / "page.css").read_text())
)
def test_contrast_of_the_labels(colour):
    assert contrast(colour, "#fff") >= TEXT
