"""What is better where there are several goals: who dominates whom, and the fronts that follow."""

from collections.abc import Sequence

Gains = tuple[float, ...]
"""One number for each goal, of which more is better."""


def dominates(one: Gains, other: Gains) -> bool:
    """Whether `one` is nowhere worse, and somewhere better."""
    pairs = list(zip(one, other, strict=True))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def fronts(gains: Sequence[Gains]) -> list[list[int]]:
    """The places of all in `gains` by fronts: first those that no other dominates, and so on.

    Inside a front the best by the first goal comes first; equals in their order. With one goal a
    front holds equals alone. What dominates another has the larger tuple, so one pass from the largest
    down finds for each the first front in which none dominates it (Zhang et al., 2015).
    """
    found: list[list[int]] = []
    for place in sorted(range(len(gains)), key=lambda p: gains[p], reverse=True):
        for front in found:
            if not any(dominates(gains[other], gains[place]) for other in reversed(front)):
                front.append(place)
                break
        else:
            found.append([place])
    return found


def first_front(gains: Sequence[Gains]) -> list[int]:
    """The places of those that no other dominates, the best by the first goal first."""
    return next(iter(fronts(gains)), [])


def ranks(gains: Sequence[Gains]) -> list[int]:
    """For each the number of its front, from 0."""
    numbers = [0] * len(gains)
    for number, front in enumerate(fronts(gains)):
        for place in front:
            numbers[place] = number
    return numbers
