"""What a class or a function takes, read from its source without importing it: importing torch takes seconds.

A component declares its settings once, in its signature. There a type may be narrowed: ``Annotated[float, "[0, 1)"]``
is a number in that interval, ``Annotated[str, "ACTIVATIONS"]`` a key of the dict of that name in the same module.
"""

import ast
import math
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union, get_args, get_origin

Rule = tuple[str, Callable[[Any], bool]]  # what a value must be, in words, and the test
ANYTHING: Rule = ("anything", lambda value: True)
REQUIRED = object()  # stands for the default of an argument that has none
UNKNOWN = object()  # and of one whose default is not a plain value
Tensor = type("Tensor", (), {})  # of torch, which is not imported here; no setting can be one
TYPES = {
    "Tensor": Tensor,
    "Annotated": Annotated,
    "Literal": Literal,
    "Optional": Optional,
    "Union": Union,
    "Sequence": Sequence,
}
NAMES = {int: "an integer", float: "a number", bool: "true or false", str: "text", NoneType: "null"}


class Argument(NamedTuple):
    """An argument's rule, and its default."""

    rule: Rule
    default: Any


class Signature(NamedTuple):
    """The arguments by name, and whether others are taken too."""

    arguments: dict[str, Argument]
    open: bool


@cache
def signature_of(target: str) -> Signature | None:
    """Returns what the class or function with a dotted name takes; None if its source does not say."""
    found = definition(*target.rpartition(".")[::2])
    return found and _signature(*found)


def interval(kind: type, text: str) -> Rule:
    """Returns the rule for a number, of type int or float, in an interval such as "[0, 1)" or "(0, inf)"."""
    low, high = map(float, text[1:-1].split(","))
    if text[0] + text[-1] == "[]":
        words = f"{NAMES[kind]} from {low:g} to {high:g}"
    elif high < math.inf:
        words = f"{NAMES[kind]} in {text}"
    else:
        words = f"{NAMES[kind]} above {low:g}" if text[0] == "(" else f"{NAMES[kind]}, at least {low:g}"

    def holds(value: Any) -> bool:
        above = value > low if text[0] == "(" else value >= low
        return above and (value < high if text[-1] == ")" else value <= high)

    return words, lambda value: _is(kind, value) and holds(value)


def rule_of(kind: Any, module: str = "") -> Rule:
    """Returns the rule for values of a type. Types that are not plain may be anything."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return interval(inner[0], inner[1]) if inner[1][0] in "([" else _one_of(_keys(module, inner[1]))
    if origin is Literal:
        return _one_of(inner)
    if origin in (Union, UnionType):
        inner = [part for part in inner if part is not Tensor and (part is not int or float not in inner)]
        rules = [rule_of(part, module) for part in sorted(inner, key=lambda part: part is NoneType)]
        return ", or ".join(words for words, _ in rules), lambda value: any(holds(value) for _, holds in rules)
    if origin in (list, Sequence, get_origin(Sequence[int])):
        words, holds = rule_of(inner[0], module)
        plural = re.sub(r"^an? (\w+)(,| )?", r"a list of \1s\2", words).replace("s, at", "s, each at")
        plural += ", such as [512,512] or []" * (", each at" in plural)
        return plural, lambda value: isinstance(value, list) and all(map(holds, value))
    if origin is tuple and len(set(inner)) == 1:
        words, holds = rule_of(list[inner[0]], module)
        words = words.replace("list of", f"list of {len(inner)}")
        return words, lambda value: holds(value) and len(value) == len(inner)
    return (NAMES[kind], lambda value: _is(kind, value)) if kind in NAMES else ANYTHING


def _is(kind: type, value: Any) -> bool:
    if kind in (int, float):
        right = (int, float) if kind is float else int
        return isinstance(value, right) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, kind)


def _one_of(choices: Sequence[Any]) -> Rule:
    names = ", ".join("null" if choice is None else str(choice) for choice in choices)
    return f"one of {names}", lambda value: any(value is choice or value == choice for choice in choices)


def _signature(node: ast.AST, module: str) -> Signature | None:
    """Returns the signature of a definition: of a class that of its ``__init__``, its own or a base's."""
    if isinstance(node, ast.ClassDef):
        for part in node.body:
            if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                return _signature(part, module)
        bases = [definition(module, base.id) for base in node.bases if isinstance(base, ast.Name)]
        return next((_signature(*base) for base in bases if base), None)
    assert isinstance(node, ast.FunctionDef)
    given = node.args
    names = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(names) - len(given.defaults)) + given.defaults
    pairs = [*zip(names, defaults), *zip(given.kwonlyargs, given.kw_defaults)]
    arguments = {
        argument.arg: Argument(rule_of(_type(argument.annotation), module), _default(default))
        for argument, default in pairs
        if argument.arg != "self"
    }
    return Signature(arguments, open=given.kwarg is not None)


def _type(annotation: ast.expr | None) -> Any:
    try:
        return eval(ast.unparse(annotation), TYPES.copy()) if annotation else Any  # names of other types are unknown
    except (NameError, TypeError, SyntaxError, AttributeError):
        return Any


def _default(node: ast.expr | None) -> Any:
    if node is None:
        return REQUIRED
    try:
        return ast.literal_eval(node)
    except ValueError:
        return UNKNOWN


def definition(module: str, name: str) -> tuple[ast.AST, str] | None:
    """Returns the definition of a name in a module, or where it imports it from, and the module that has it."""
    path = _path(module) if module else None
    for node in _tree(path).body if path else ():
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return node, module
        if isinstance(node, ast.ImportFrom):
            names = [part.name for part in node.names if name in (part.asname or part.name, "*") or part.name == "*"]
            source = _source(node, module if path.name == "__init__.py" else module.rpartition(".")[0])
            if names and (found := definition(source, name if names[0] == "*" else names[0])):
                return found
    return None


def _source(node: ast.ImportFrom, package: str) -> str:
    """Returns the full name of the module that a statement in a package imports from."""
    above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def _keys(module: str, name: str) -> list[Any]:
    """Returns the keys of a dict that a module defines."""
    for node in _tree(_path(module)).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return [ast.literal_eval(key) for key in getattr(node.value, "keys", ())]
    raise LookupError(f"{module} has no {name}")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


def _path(module: str) -> Path | None:
    """Returns a module's file. Of other packages only the outermost is looked up, which imports nothing."""
    top, *rest = module.split(".")
    try:
        spec = find_spec(module if top == "mnist_mlp" else top)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin)
    for part in rest if top != "mnist_mlp" else ():
        path = path.parent / part
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return path if path.is_file() else None
