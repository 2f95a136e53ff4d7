"""How far two orders of the same things agree."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def kendall(
    one: Sequence[float] | npt.NDArray[np.float64], other: Sequence[float] | npt.NDArray[np.float64]
) -> float:
    """Kendall's τ-b: 1 for the same order, −1 for the opposite one.

    Pairs that are equal in one of the two count less; 0 where all are equal in one.
    """
    first, second = (np.sign(np.subtract.outer(v, v)) for v in map(np.asarray, (one, other)))
    pairs = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / pairs) if pairs else 0.0
