"""The rules of the house that no linter checks: sizes of files, folders and functions, and what the README promises."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.commands import PROJECT, composed

from mnist_mlp.command.help import HELP
from mnist_mlp.command.settings import check

PACKAGE = PROJECT / "mnist_mlp"
CORE = ("model", "data", "training", "runs")
CODE = [*PACKAGE.rglob("*.py"), *PROJECT.glob("tests/**/*.py"), PROJECT / "train.py"]
README = (PROJECT / "README.md").read_text()


def test_no_file_has_more_than_300_lines():
    files = [*CODE, *PACKAGE.rglob("*.js"), *PACKAGE.rglob("*.css"), *PACKAGE.rglob("*.html")]
    assert {str(path): lines for path in files if (lines := len(path.read_text().splitlines())) > 300} == {}


def test_no_folder_has_more_than_10_files():
    folders = {path.parent for path in [*CODE, *PROJECT.glob("conf/**/*.yaml"), *PROJECT.glob("docs/**/*")]}
    files = {
        folder: [path for path in folder.iterdir() if path.is_file() and path.name != "__init__.py"]
        for folder in folders - {PROJECT}
    }
    assert {str(folder): len(found) for folder, found in files.items() if len(found) > 10} == {}


def test_no_function_has_more_than_40_lines():
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = {}
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, functions) and node.end_lineno - node.lineno >= 40:
                long[f"{path}:{node.name}"] = node.end_lineno - node.lineno + 1
    assert long == {}


def test_the_readme_fits_a_page_and_says_how_long_the_core_is():
    assert len(README.splitlines()) <= 110
    lines = sum(len(path.read_text().splitlines()) for folder in CORE for path in PACKAGE.glob(f"{folder}/**/*.py"))
    said = re.search(r"([\d,]+) lines", README)
    assert said and int(said[1].replace(",", "")) == lines


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of each ``python train.py`` in a text, without those that are placeholders."""
    for line in re.findall(r"^ *python train\.py(.*)$", text.replace("\\\n", " ").replace("`", "\n"), re.MULTILINE):
        words = shlex.split(re.split(r"  +[a-z]", line)[0], comments=True)
        if not any(re.search(r"=.*([A-Z]{3}|\.\.\.)", word) for word in words):
            yield [word for word in words if "=" in word and not word.startswith(("hydra.launcher", "resume="))]


DOCUMENTS = {str(path.relative_to(PROJECT)): path.read_text() for path in PROJECT.glob("docs/*.md")}
DOCUMENTS |= {"README.md": README, "--help": HELP}
del DOCUMENTS["docs/extending.md"]  # its commands name what one adds


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_command_of_the_documents_composes(name):
    found = list(commands(DOCUMENTS[name]))
    assert found or name == "docs/design.md"
    for overrides in found:
        config = composed(*map(first_value, overrides))
        if config.data.dataset == "digits" or config.data.root is not None:
            check(config)


def first_value(override: str) -> str:
    """The override, with the first of the values that a sweep goes through."""
    key, _, values = override.partition("=")
    if re.match(r"\w+\(", values):
        return "seed=0"
    return override if values.startswith("[") else f"{key}={values.split(',')[0]}"


def test_links_of_the_documents_lead_somewhere():
    missing = []
    for path in [PROJECT / "README.md", *PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            if not (path.parent / link).exists():
                missing.append(f"{path.name}: {link}")
    assert missing == []


def test_comments_in_yaml_quote_results():
    """A percentage in a YAML comment is one of docs/results.md."""
    results = (PROJECT / "docs/results.md").read_text()
    quoted = {
        (path.name, number)
        for path in Path(PROJECT / "conf").rglob("*.yaml")
        for number in re.findall(r"#.*?(\d\d\.\d+) (?:±|%)", path.read_text())
    }
    assert {pair for pair in quoted if pair[1] not in results} == set()


@pytest.mark.parametrize("name", [*DOCUMENTS, "docs/extending.md"])
def test_what_shells_expand_is_quoted_in_commands(name):
    """A Mac's shell, zsh, refuses [ ] ( ) * ? outside quotation marks if no file is named so."""
    text = DOCUMENTS.get(name) or (PROJECT / name).read_text()
    text = re.sub(r"```python\n.*?```", "", text.replace("\\\n", " "), flags=re.DOTALL)
    lines = re.findall(
        r"(?:^ *|`)((?:python|pip|pytest|tensorboard|mnist-)[ \w][^`\n]*|[\w.]+=[^`\s]*)", text, re.MULTILINE
    )
    bare = [re.sub(r"'[^']*'|\"[^\"]*\"", "", re.split("  +", line)[0]) for line in lines]
    assert lines and [line for line in bare if re.search(r"[][()*?]|[ =]~", line)] == []
