"""How many threads torch may take."""

import torch
from joblib import cpu_count  # pyright: ignore[reportMissingTypeStubs]


def usable_threads() -> int:
    """Returns torch's number of threads, but no more than this process may use cores.

    torch counts those of the machine, also where a container may use only some of them.
    """
    return min(torch.get_num_threads(), cpu_count())
