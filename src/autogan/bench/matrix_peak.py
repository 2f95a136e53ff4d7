"""The speed of a matrix product, which that of all else is told as a share of."""

import torch

from autogan.device.timing import interleaved


def matrix_peak(
    device: torch.device, dtype: torch.dtype, seconds: float = 1.0, side: int | None = None
) -> float:
    """Floating-point operations a second of a matrix product: the machine's measured peak.

    side: of the matrices; by default so many rows that a larger product is no faster.
    """
    side = side or (8192 if device.type == "cuda" else 1536)
    a = torch.randn(side, side, device=device, dtype=dtype)
    b = torch.randn(side, side, device=device, dtype=dtype)
    timing = interleaved({"product": lambda: a @ b}, device, seconds)["product"]
    return 2 * side**3 / (timing.lower_quartile_ms / 1000)
