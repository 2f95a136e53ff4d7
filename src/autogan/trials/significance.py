"""Whether two samples differ by more than chance, for many comparisons at once. Without SciPy."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence


def average_ranks(values: Sequence[float]) -> list[float]:
    """The rank of each from 1, the lowest value's; equal ones share their mean rank."""
    places: dict[float, list[int]] = {}
    for place, value in enumerate(sorted(values), start=1):
        places.setdefault(value, []).append(place)
    return [sum(places[value]) / len(places[value]) for value in values]


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """Two-sided p-value of the Mann–Whitney U test, by the normal approximation with ties and continuity
    corrected (as `scipy.stats.mannwhitneyu(method="asymptotic")`); for samples of 20 or more each."""
    n, m = len(one), len(other)
    ranks = average_ranks([*one, *other])
    u = sum(ranks[:n]) - n * (n + 1) / 2
    ties = sum(t**3 - t for t in Counter([*one, *other]).values())
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    if variance <= 0:
        return 1.0  # all values are equal
    distance = max(0.0, abs(u - n * m / 2) - 0.5)
    return math.erfc(distance / math.sqrt(2 * variance))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """The p-values adjusted for their number (Holm 1979): below α means significant at α for all together."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    ordered = sorted(p_values.items(), key=lambda pair: pair[1])
    for place, (name, p) in enumerate(ordered):
        highest = max(highest, min(1.0, p * (len(ordered) - place)))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}
