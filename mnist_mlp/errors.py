"""The one kind of error that is the user's to mend, and how it is said: in one line, without a traceback."""

import sys
from contextlib import contextmanager

from hydra.errors import ConfigCompositionException, HydraException, InstantiationException, OverrideParseException
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException


class InputError(Exception):
    """Says which file or key is wrong, what is wrong with it and what to do."""


@contextmanager
def shown_in_one_line():
    """Ends the program with a line on stderr: status 2 after what the user can mend, 130 after Ctrl-C."""
    try:
        yield
    except (InputError, OSError, HydraException, OmegaConfBaseException) as error:
        print(f"error: {one_line(explained(error))}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as interrupt:
        print(f"\ninterrupted{f': {interrupt}' if interrupt.args else ''}", file=sys.stderr)
        sys.exit(130)


def explained(error: Exception) -> str:
    """What a learner needs of the error; Hydra's own messages speak to people who know Hydra."""
    cause = error.__cause__
    if isinstance(error, InstantiationException) and cause is not None:
        return explained(cause)
    if isinstance(error, OverrideParseException):
        return f"{error.override}: {error}"
    if isinstance(error, ConfigCompositionException) and isinstance(cause, ConfigKeyError):
        return f"unknown key {cause.full_key}; python train.py --cfg job shows all keys"
    return str(error).split("Config search path:")[0]


def one_line(message: object) -> str:
    """The text with every run of white space, line breaks included, made one space."""
    return " ".join(str(message).split())
