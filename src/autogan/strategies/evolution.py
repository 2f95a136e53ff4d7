"""Regularised evolution (Real et al., arXiv 1802.01548)."""

import random
from collections.abc import Sequence

from autogan.settings.search import EvolutionSettings
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Goal
from autogan.strategies.domain import Codes, Domain
from autogan.strategies.history import FromHistory, Seen


class Evolution(FromHistory):
    """A population of the latest architectures; the best of a few of them has a child.

    The child answers one question differently than its parent. It joins the population, and the oldest
    member dies, however good it is: so nothing lives on by one lucky score, or by one that was given when
    the shared weights were others. The first `population` proposals are uniform. With several
    goals the parent is one that none of the few beats in all goals, the first of them.
    """

    def __init__(
        self,
        space: SearchSpace,
        settings: EvolutionSettings,
        seed: int,
        goals: Sequence[Goal] = (Goal("reward"),),
    ) -> None:
        super().__init__(space, seed, goals)
        self.settings = settings

    def choose(self, domain: Domain, seen: Sequence[Seen], seed: int) -> Codes:
        """As `FromHistory.choose`."""
        return self.descend(domain, seen, seed)[0]

    def descend(
        self, domain: Domain, seen: Sequence[Seen], seed: int
    ) -> tuple[Codes, Codes | None]:
        """As `FromHistory.descend`."""
        stream = random.Random(seed)
        scored = [one for one in seen if not one.running]
        if len(seen) < self.settings.population or not scored:
            return domain.sample(stream), None
        population = scored[-self.settings.population :]
        parent = stream.choice(population)
        for _ in range(self.settings.tournament - 1):
            other = stream.choice(population)
            parent = other if other.beats(parent) else parent
        return domain.mutate(parent.codes, stream), parent.codes
