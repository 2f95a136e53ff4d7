"""Local search (White et al., arXiv 2005.02960)."""

import random
from collections.abc import Sequence

from autogan.strategies.domain import Codes, Domain
from autogan.strategies.history import FromHistory, Seen


class LocalSearch(FromHistory):
    """Climbs: the unseen neighbours of the best of the present climb, one question away, in random order.

    It goes on from a neighbour as soon as that is better. Where all neighbours were seen and none is
    better, a new climb begins at a random unseen architecture; where all architectures of a rung were
    seen, proposals are uniform. An architecture that was scored several times counts with the mean. With
    several goals, better is nowhere worse and somewhere better.
    """

    def choose(self, domain: Domain, seen: Sequence[Seen], seed: int) -> Codes:
        """As `FromHistory.choose`."""
        return self.descend(domain, seen, seed)[0]

    def descend(
        self, domain: Domain, seen: Sequence[Seen], seed: int
    ) -> tuple[Codes, Codes | None]:
        """As `FromHistory.descend`."""
        stream = random.Random(seed)
        known = _means(seen)
        if len(known) >= domain.cardinality:
            return domain.sample(stream), None
        best = _best_of_the_climb(domain, known)
        if best is not None:
            unseen = [codes for codes in domain.neighbours(best.codes) if codes not in known]
            if unseen:
                return stream.choice(unseen), best.codes
        while (start := domain.sample(stream)) in known:
            pass
        return start, None


def _means(seen: Sequence[Seen]) -> dict[Codes, Seen]:
    """Every architecture once, at its first place, with the mean of its complete scorings."""
    scorings: dict[Codes, list[Seen]] = {}
    for one in seen:
        scorings.setdefault(one.codes, []).append(one)
    means = {}
    for codes, several in scorings.items():
        complete = [one.gains for one in several if one.gains]
        gains = tuple(sum(values) / len(values) for values in zip(*complete, strict=True))
        means[codes] = Seen(codes, gains, running=all(one.running for one in several))
    return means


def _best_of_the_climb(domain: Domain, known: dict[Codes, Seen]) -> Seen | None:
    """The best of the present climb, found by following all climbs from the first on.

    A climb ends when all neighbours of its best are known; what is seen after that begins another.
    None where no climb has begun: its first architecture has no score yet, or has failed.
    """
    best: Seen | None = None
    left = 0  # unseen neighbours of `best`
    before: set[Codes] = set()
    for codes, one in known.items():
        if best is not None and left == 0:
            best = None
        if best is None or one.beats(best):
            best = one if one.gains else None
            left = sum(n not in before for n in domain.neighbours(codes))
        elif _differ_once(codes, best.codes):
            left -= 1
        before.add(codes)
    return best


def _differ_once(one: Codes, other: Codes) -> bool:
    return sum(a != b for a, b in zip(one, other, strict=True)) == 1
