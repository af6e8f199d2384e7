"""The one kind of error that is the user's to mend."""


class InputError(Exception):
    """Says which file or key is wrong, what is wrong with it and what to do; shown as one line, without a traceback."""


def one_line(message: object) -> str:
    """The text with every run of white space, line breaks included, made one space."""
    return " ".join(str(message).split())
