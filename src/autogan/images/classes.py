"""The classes that a generator makes images of: their names, and how often each comes. Without torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_CLASSES = 2**20
LONGEST_NAME = 1000
"""Characters of a class's name in a generator's file."""
_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Classes:
    """Names in the order of the labels, and the share of each among the labelled training images.

    unlabelled: whether some training images have no label; only the training needs to know.
    """

    names: tuple[str, ...]
    shares: tuple[float, ...]
    unlabelled: bool = False

    def __post_init__(self) -> None:
        assert len(self.names) == len(self.shares) > 1, self

    def __len__(self) -> int:
        return len(self.names)

    def counts(self, images: int) -> tuple[int, ...]:
        """How many of `images` images each class gets: its share, by the largest remainder."""
        total = math.fsum(self.shares)
        exact = [images * share / total for share in self.shares]
        counts = [int(number) for number in exact]
        by_remainder = sorted(range(len(exact)), key=lambda place: counts[place] - exact[place])
        for place in by_remainder[: images - sum(counts)]:
            counts[place] += 1
        return tuple(counts)

    def to_plain(self) -> dict[str, Any]:
        """As JSON can hold it; without what only the training needs."""
        return {"names": list(self.names), "shares": list(self.shares)}

    @classmethod
    def from_plain(cls, plain: Any) -> "Classes":
        """What `to_plain` gave; `ValueError` for anything else."""
        if not isinstance(plain, dict) or set(plain) != {"names", "shares"}:
            raise ValueError("its classes are not told by names and shares")
        names, shares = plain["names"], plain["shares"]
        if not _are(names, str) or not 1 < len(names) <= MOST_CLASSES:
            raise ValueError("its class names are not two or more texts")
        if not all(0 < len(name) <= LONGEST_NAME for name in names):
            raise ValueError(f"a class name is empty or longer than {LONGEST_NAME:,} characters")
        if len(set(names)) < len(names):
            raise ValueError("it names a class twice")
        if not _are(shares, float) or len(shares) != len(names):
            raise ValueError("its class shares are not one number for each class")
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError("a class share is not from 0 to 1")
        if abs(math.fsum(shares) - 1) > _SUM_TOLERANCE:
            raise ValueError("its class shares do not add up to 1")
        return cls(tuple(names), tuple(shares))


def classes_of(
    names: Sequence[str], counts: Sequence[int], unlabelled: bool = False
) -> Classes | None:
    """The classes of labelled images by how many each has; None where there are fewer than two."""
    if len(names) < 2:
        return None
    total = sum(counts)
    return Classes(tuple(names), tuple(count / total for count in counts), unlabelled)


def _are(values: Any, kind: type) -> bool:
    return isinstance(values, list) and all(type(value) is kind for value in values)
