"""What conf/ offers: its groups, their options, and what each option's file says about itself."""

from functools import cache
from pathlib import Path

CONF = Path(__file__).parents[2] / "conf"


@cache
def options() -> dict[str, dict[str, str]]:
    """Returns the options of each group by name, each with the first comment of its file."""
    return {
        group.name: {path.stem: description(path.read_text(encoding="utf-8")) for path in sorted(group.glob("*.yaml"))}
        for group in sorted(CONF.glob("*/"))
    }


def description(text: str) -> str:
    """Returns the first comment of an option's file. That of Hydra's package is none."""
    comments = (line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#"))
    return next((comment for comment in comments if not comment.startswith("@package")), "")
