"""The final ranking: what the learned policy proposes, scored with the shared weights (section 3.3)."""

from typing import Any

from autogan.method.position import RANKING
from autogan.method.search import Search
from autogan.method.subject import DISCRIMINATOR, SEARCH

RANKINGS = {SEARCH: "ranking", DISCRIMINATOR: "ranking-of-pairs"}
"""By the part of a search: what the states of its ranking are called."""


class Ranking:
    """The candidates to derive from: sampled from the policy that all iterations taught, and scored.

    Work for `drive`. Its states are a part of their own: the last one of the search stays as the
    search left it.
    """

    def __init__(self, search: Search) -> None:
        self.search = search

    @property
    def done(self) -> bool:
        """Whether there is a ranking, in `search.ranking`: best first."""
        return bool(self.search.ranking)

    def step(self) -> bool:
        """Scores the next candidate, or ranks them all; whether the ranking is made."""
        search = self.search
        search.at.phase = RANKING
        count = search.settings.derive.candidates
        if not search.all_scored(lambda: search.distinct(count), "derive"):
            return False
        search.ranking = search.best_scored()
        return True

    def state_dict(self) -> dict[str, Any]:
        """The search's."""
        return self.search.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The search's."""
        self.search.load_state_dict(state)

    def position(self) -> dict[str, Any]:
        """The search's."""
        return self.search.position()

    def refuse_non_finite(self) -> None:
        """The search's."""
        self.search.refuse_non_finite()

    def reseed(self, attempt: int) -> None:
        """The search's."""
        self.search.reseed(attempt)
