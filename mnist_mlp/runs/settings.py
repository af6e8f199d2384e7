"""Settings by dotted keys, whether two runs have the same ones, and which of them a resumed run may change."""

from typing import Any

from mnist_mlp.components.signatures import signature_of

# What a resumed run may change: where the data lie and how long and where it trains, not what it computes.
FREE_SETTINGS = {"checkpoint", "data.root", "data.extra", "data.fallback", "data.block_size"} | {
    f"trainer.{name}"
    for name in ("max_epochs", "max_steps", "max_time", "accelerator", "devices", "num_nodes", "strategy", "profiler")
}
# What settings were before they could be chosen
ADDED: dict[str, Any] = {"monitor": "val_accuracy", "mode": "max", "init_share": 0.0, "matmul_precision": "highest"} | {
    group: {} for group in ("callbacks", "metrics", "logger")
}


def flatten(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested settings by dotted keys, such as ``model.dropout``. An empty group keeps its own key."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        key = f"{prefix}{name}"
        flat |= flatten(value, f"{key}.") if isinstance(value, dict) and value else {key: value}  # pyright: ignore
    return flat


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Returns settings by dotted keys as they were before ``flatten``."""
    settings: dict[str, Any] = {}
    for key, value in flat.items():
        *groups, name = key.split(".")
        inner = settings
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[name] = value
    return settings


def first_difference(before: dict[str, Any], now: dict[str, Any]) -> str | None:
    """Returns the key of the first setting, shallow keys first, that differs, or None.

    Values are compared as text, since older runs kept text. Of a ``_target_`` only the class or function counts:
    modules may have moved. A key that one run lacks, as it came later, has the default of its class or function.
    """

    def comparable(settings: dict[str, Any], key: str) -> str:
        text = str(settings[key] if key in settings else default(before | now, key))
        return text.rpartition(".")[2] if key.endswith("_target_") else text

    keys = sorted(before.keys() | now.keys(), key=lambda key: (key.count("."), key))
    return next((key for key in keys if comparable(before, key) != comparable(now, key)), None)


def default(settings: dict[str, Any], key: str) -> Any:
    """Returns the value of a setting that is not given."""
    group, _, name = key.rpartition(".")
    signature = signature_of(str(settings.get(f"{group}._target_")))
    if signature and name in signature.arguments:
        return signature.arguments[name].default
    return ADDED.get(key)
