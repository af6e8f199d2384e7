"""Every random choice derives from the run's seed and what it is for, so a run can be repeated or continued exactly."""

import hashlib


def seed_for(purpose: str, *numbers: int) -> int:
    """A 63-bit seed for one purpose, such as ``seed_for("shuffle", seed, epoch)``; unrelated for other arguments."""
    digest = hashlib.sha256(repr((purpose, *numbers)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
