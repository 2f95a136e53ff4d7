"""What holds for images of every source: the allowed sizes, the version of loading, the fixed order."""

import hashlib

import numpy as np

from autogan.basics.errors import UserError

SMALLEST_SIZE = 8
LARGEST_SIZE = 256
LOADER_VERSION = 3  # raised when the same source would give other pixels, labels or order


def check_size(size: int) -> None:
    """Refuse a size in pixels that no network here is built for."""
    if not SMALLEST_SIZE <= size <= LARGEST_SIZE:
        raise UserError(
            f"The image size is {size}; allowed are {SMALLEST_SIZE} to {LARGEST_SIZE} pixels."
        )


def shuffled(number: int, purpose: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """A fixed permutation of 0..number-1, another one for every purpose."""
    seed = int(hashlib.sha256(purpose.encode()).hexdigest()[:16], 16)
    return np.random.Generator(np.random.PCG64(seed)).permutation(number)
