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
