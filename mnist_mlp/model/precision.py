"""With what precision float32 matrices are multiplied."""

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
