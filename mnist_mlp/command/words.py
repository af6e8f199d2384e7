"""A word that is no setting: what was meant by it, and how that is typed."""

import re
import shlex
from pathlib import Path

from mnist_mlp.command.hints import meant, no_such_option
from mnist_mlp.command.options import options
from mnist_mlp.command.settings import rules
from mnist_mlp.errors import InputError

COMMANDS = ("predict", "draw", "evaluate", "report", "export")
# What holds a path, which is taken as it is, whatever Hydra's grammar makes of its characters.
PATHS = ("data.root", "data.extra", "init", "checkpoint", "hydra.run.dir", "hydra.sweep.dir", "resume")
SEE_HELP = "python train.py --help shows what can be typed"
CLOSING = {"[": "]", "{": "}", "(": ")"}


def check_word(word: str, following: list[str]) -> None:
    """Raises InputError if a word is no setting, or goes on in those after it.

    Args:
        word: What is not a flag.
        following: The words after it.
    """
    key, equals, value = word.partition("=")
    if not key:
        raise InputError(f"{word}: cannot be read as KEY=VALUE; {SEE_HELP}")
    if whole := with_following(word, following):
        raise InputError(f"{' '.join([word, *following[:2]])}: write it without spaces: {whole}")
    if not equals and not word.startswith("~"):
        raise InputError(f"{word}: {meaning(word, following[0] if following and '=' not in following[0] else '')}")
    if is_unknown(key) and (hint := known_name(key)):
        raise InputError(f"{word}: there is no {key}; did you mean {assignment(hint, value)}?")
    if key in options() and re.fullmatch(r"true|false|[\d.]+", value, re.IGNORECASE):
        raise no_such_option(key, value, options()[key])


def with_following(word: str, following: list[str]) -> str | None:
    """Returns the setting that a word and those after it are, if there were spaces in it, or None."""
    if not following:
        return None
    key, equals, value = word.partition("=")
    next_word = following[0]
    if not equals and next_word.startswith("="):
        value, *following = [*filter(None, [next_word[1:]]), *following[1:], ""]
        return assignment(known_name(key) or key, closed(value, following) or value)
    if not equals or "=" in next_word:
        return None
    if key in PATHS and Path(f"{value} {next_word}").exists():
        return None
    joined = closed(value, following) if value else next_word
    return joined and assignment(known_name(key) or key, joined)


def closed(value: str, following: list[str]) -> str | None:
    """Returns a list whose parts became words of their own as one text, or None if it is no such list."""
    closing = CLOSING.get(value[:1])
    if closing is None or value.endswith(closing):
        return None
    for count, word in enumerate(following, start=1):
        if word.endswith(closing):
            return ",".join(part.strip(",") for part in (value, *following[:count]))
    return None


def meaning(word: str, value: str) -> str:
    """Returns what was meant by a word without an equals sign, before another such word, ``value``, or nothing."""
    lower = word.lower()
    groups = [group for group, names in options().items() if lower in names]
    is_pair = bool(groups) and any(value in names for names in options().values())  # two choices: mlp adam
    name, sign, rest = re.split("([:./])", word, maxsplit=1) if re.match(r"\w+[:./]", word) else (word, "", "")
    if lower in COMMANDS:
        return f"a command of its own: python -m mnist_mlp.{lower}"
    key = known_name(name)
    if key and lower not in rules() and (sign == ":" or rest in options().get(name, {})):
        return f"settings are written with =: {assignment(key, rest or value)}"
    if value and not is_pair and (key := known_name(word)):
        return f"settings are written with =: {assignment(key, value)}"
    if lower in options():
        return f"write {lower}=NAME; there are {', '.join(options()[lower])}"
    key = known_name(word) if lower.removesuffix(".py") != "train" else None
    if choices := [*([assignment(key, "")] if key else []), *(f"{group}={lower}" for group in groups)]:
        return f"write {' or '.join(choices)}"
    if Path(word).is_dir():
        folder = shlex.quote(word)
        return f"to train on the images in a folder: data=folder data.root={folder}; to continue a run: resume={folder}"
    if Path(word).is_file() and not word.endswith(".py"):
        return f"to read the digits in a picture: python -m mnist_mlp.predict {shlex.quote(word)}"
    return f"neither a setting (KEY=VALUE) nor a choice (GROUP=NAME); {SEE_HELP}"


def known_name(name: str) -> str | None:
    """Returns the key, group or choice that a name is or means."""
    return name if is_known(name) else meant(name, rules())


def assignment(key: str, value: str) -> str:
    """Returns how a value is given to a key that is known, as one types it in a shell."""
    if "=" in key:  # a choice
        return key
    if key == "model.hidden_sizes" and value[:1] != "[":
        value = f"[{value}]" if "," in value else "[512,512]"
    return shlex.quote(f"{key}={value or 'VALUE'}")


def is_unknown(key: str) -> bool:
    """Returns whether a key without a group, such as ``lr``, is neither a setting nor a group."""
    return key.replace("_", "").isalnum() and not is_known(key)


def is_known(name: str) -> bool:
    """Returns whether a name is a group, ``resume`` or a setting. Groups first: the rules take time to be read."""
    return name in options() or name == "resume" or name in rules()
