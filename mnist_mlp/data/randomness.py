"""Every random choice follows from the run's seed and its purpose, so a run can be repeated or resumed exactly."""

import hashlib


def seed_for(purpose: str, *numbers: int) -> int:
    """Returns a 63-bit seed for one purpose, such as ``seed_for("shuffle", seed, epoch)``."""
    digest = hashlib.sha256(repr((purpose, *numbers)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
