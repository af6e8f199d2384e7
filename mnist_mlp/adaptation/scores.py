"""What learning own digits brought: what was read before and after, of own digits and of the test images."""

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from mnist_mlp.data.batches import logits_of

if TYPE_CHECKING:
    from mnist_mlp.data.module import DigitsDataModule  # imports Lightning


def scores(data: "DigitsDataModule", before: nn.Module | None, after: nn.Module) -> dict[str, dict[str, Any]]:
    """Returns for ``learned`` and ``apart`` own digits, and the ``test`` images, how many are read correctly.

    Args:
        data: Data with own digits.
        before: The network that the training started from, or None.
        after: The trained network, on the CPU.

    Returns:
        ``images``, ``before`` (None without such a network) and ``after`` of each, as numbers of images.
    """
    own: Any = data.own
    parts = {"learned": own.learned, "apart": own.apart, "test": data.parts["test"]}
    return {
        name: {
            "images": len(labels),
            "before": count_correct(before, images, labels) if before else None,
            "after": count_correct(after, images, labels),
        }
        for name, (images, labels) in parts.items()
    }


def count_correct(network: nn.Module, images: Tensor, labels: Tensor) -> int:
    """Returns how many images, uint8 (n, 784), are classified correctly."""
    return int((logits_of(network.eval(), images).argmax(1) == labels).sum())


def in_words(scores: dict[str, dict[str, Any]], dataset: str) -> str:
    """Returns what a training prints of them: a line for each that has images."""
    names = {
        "apart": "own digits kept apart",
        "learned": "own digits it learned from, which says little of others",
        "test": f"test images of {dataset}",
    }
    return "\n".join(f"{name}: {line(scores[part])}" for part, name in names.items() if scores[part]["images"])


def line(score: dict[str, Any]) -> str:
    """Returns such as "20 of 20 (100.00%) read correctly, 95 % interval 83.89 to 100.00", or with those before."""
    images, before, after = score["images"], score["before"], score["after"]
    low, high = interval(after, images)
    was = "" if before is None else f"{before:,} ({before / images:.2%}) read correctly before, "
    return (
        f"{was}{after:,} of {images:,} ({after / images:.2%}) {'after' if was else 'read correctly'},"
        f" 95 % interval {100 * low:.2f} to {100 * high:.2f}"
    )


def interval(successes: int, trials: int) -> tuple[float, float]:
    """Returns the bounds of a share's 95 % interval (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    from scipy.stats import binomtest  # takes half a second

    found = binomtest(successes, trials).proportion_ci(0.95, "wilson")
    return float(found.low), float(found.high)
