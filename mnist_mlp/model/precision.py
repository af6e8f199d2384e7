"""With what precision matrices are multiplied."""

from collections.abc import Generator
from contextlib import contextmanager

import torch


@contextmanager
def matmul_precision(precision: str) -> Generator[None]:
    """Has torch multiply float32 matrices with a precision: ``highest``, ``high`` or ``medium``.

    ``medium`` rounds factors to bfloat16, with 8 significant bits, where the processor has instructions for it, such
    as AMX; sums are float32. Elsewhere it is the same as ``highest``. See ``torch.set_float32_matmul_precision``.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def fastest_precision(accelerator: str) -> str:
    """Returns which of Lightning's bf16-mixed and 32-true trains faster on this machine.

    Processors without AMX are slower in bfloat16 than in float32, some more than ten times.

    Args:
        accelerator: Lightning's name of it; ``auto`` prefers a GPU.
    """
    if accelerator != "cpu" and torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        amx = torch.cpu._is_amx_tile_supported()  # pyright: ignore[reportPrivateUsage] - nothing public in torch 2.9
        fast = accelerator in ("cpu", "auto") and amx
    return "bf16-mixed" if fast else "32-true"
