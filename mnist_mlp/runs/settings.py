"""Settings by dotted keys, and whether two runs have the same ones."""

from typing import Any


def flatten(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested settings by dotted keys, such as ``model.dropout``. An empty group keeps its own key."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        key = f"{prefix}{name}"
        flat |= flatten(value, f"{key}.") if isinstance(value, dict) and value else {key: value}  # pyright: ignore
    return flat


def first_difference(before: dict[str, Any], now: dict[str, Any]) -> str | None:
    """Returns the key of the first setting, shallow keys first, that differs, or None.

    Values are compared as text, since older runs kept text. Of a ``_target_`` only the class or function counts:
    modules may have moved.
    """

    def comparable(settings: dict[str, Any], key: str) -> str:
        text = str(settings.get(key))
        return text.rpartition(".")[2] if key.endswith("_target_") else text

    keys = sorted(before.keys() | now.keys(), key=lambda key: (key.count("."), key))
    return next((key for key in keys if comparable(before, key) != comparable(now, key)), None)
