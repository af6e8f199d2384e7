"""What is typed to train.py, made readable for Hydra: pasted signs, dashes, flags, and paths."""

import re
import unicodedata
from argparse import Namespace

from hydra.main import get_args_parser

from mnist_mlp.command.resume import expanded, parsed, quoted
from mnist_mlp.command.settings import opened, rules
from mnist_mlp.command.words import PATHS, SEE_HELP, assignment, check_word, known_name
from mnist_mlp.errors import InputError


def readable(arguments: list[str]) -> list[str]:
    """Returns the arguments as Hydra can read them: flags first, and paths in quotes where they need them.

    Raises:
        InputError: An argument is neither a setting nor a choice. Says what was meant, if that is plain.
    """
    arguments = [unquoted(argument) for argument in arguments]
    for argument in arguments:
        check_signs(argument)
    known = parsed_flags(arguments)
    words = known.overrides
    for place, word in enumerate(words):
        check_word(word, words[place + 1 :])
    plain_words = (word if known.multirun and "," in word else plain(word) for word in words)
    return [*flags_of(arguments, words), *map(opened, plain_words)]


def flags_of(arguments: list[str], words: list[str]) -> list[str]:
    """Returns the arguments that are not among the words."""
    return [argument for argument in arguments if argument not in words]


def flags_first(arguments: list[str]) -> list[str]:
    """Returns the arguments in the order in which Hydra reads them: it takes no words on both sides of a flag."""
    words = parsed_flags(arguments).overrides
    return [*flags_of(arguments, words), *words]


def unquoted(argument: str) -> str:
    """Returns an argument without quotation marks around all of it: Windows' cmd leaves them there."""
    is_quoted = len(argument) > 1 and argument[0] == argument[-1] and argument[0] in "'\""
    return argument[1:-1] if is_quoted else argument


def check_signs(argument: str) -> None:
    """Raises InputError for a quotation mark, dash or space that is none of a keyboard's: pasted from a text."""
    key, _, value = argument.partition("=")
    for sign in key + value[:1] if key in PATHS else argument:
        name = "" if sign.isascii() else unicodedata.name(sign, "")
        if found := re.search("(QUOTATION MARK)|(DASH|MINUS|HYPHEN)|NO-BREAK SPACE", name):
            plain = ('a plain "' if "DOUBLE" in name else "a plain '") if found[1] else "-" if found[2] else "a space"
            raise InputError(f"{argument}: {sign!r} is the {name.lower()} of a pasted text; type {plain} instead")


def parsed_flags(arguments: list[str]) -> Namespace:
    """Returns Hydra's flags, such as ``multirun``, and in ``overrides`` the arguments that belong to none.

    Raises:
        InputError: There is no such flag.
    """
    parser = get_args_parser()

    def refuse(message: str) -> None:
        raise InputError(f"{message}; {SEE_HELP}")

    for argument, following in zip(arguments, [*arguments[1:], ""]):
        flag, _, value = argument.partition("=")
        is_flag = re.search(rf"(^|[\s\[]){re.escape(flag)}\b", parser.format_usage())
        if flag.startswith("-") and not is_flag and (key := known_name(flag.lstrip("-"))):
            raise InputError(f"{argument}: settings have no dashes: {assignment(key, value or following)}")
    parser.error = refuse  # pyright: ignore[reportAttributeAccessIssue]
    known, unknown = parser.parse_known_intermixed_args(arguments)
    if unknown:
        refuse(f"{unknown[0]}: no such option")
    return known


def plain(word: str) -> str:
    """Returns a setting as Hydra reads it: its path expanded, and in quotes if need be; other values without quotes."""
    key, equals, value = word.partition("=")
    if key not in PATHS or not equals:
        bare = unquoted(value)
        return f"{key}={bare}" if bare != value and key in rules() else word
    if not value:
        raise InputError(f"{word}: must be a file or folder")
    if key == "resume":
        return f"{key}={expanded(value)}"
    is_plain = re.fullmatch(r"[\w./+:@%-]*", value, re.ASCII) and isinstance(parsed(word).value(), str)
    if is_plain or value == "null" or value[0] in "'\"[" or "${" in value:
        return word
    return f"{key}={quoted(expanded(value))}"
