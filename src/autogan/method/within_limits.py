"""What a strategy proposes within the limits: what lies beyond them is neither scored nor trained with.

Without limits a strategy is asked as ever, and draws the same random numbers.
"""

import random
from collections.abc import Callable, Sequence

from autogan.basics.errors import UserError
from autogan.basics.randomness import derived_seed
from autogan.spaces.architecture import Architecture
from autogan.spaces.limits import Limits
from autogan.strategies.base import Observation, Rung, State, Strategy, uniform

ATTEMPTS = 50
"""Times that a strategy is asked again before an architecture within the limits is drawn at random."""
ATTEMPTS_FOR_CANDIDATES = 10
"""The same where a stage ends, and the strategy names several at once."""
DRAWS = 5_000

Asked = Callable[[int, Sequence[Observation]], list[Architecture]]
"""From a number of architectures, and the history, to so many proposals."""


class WithinLimits:
    """A strategy of a search with shared weights, asked again for what is beyond the limits.

    Such a proposal is told to it as refused, for this question alone: strategies that read the history draw
    from another stream then, and the others draw anew. tell: called where a strategy proposes nothing within
    the limits, once for each rung.
    """

    def __init__(
        self, strategy: Strategy, limits: Limits, seed: int, tell: Callable[[str], None]
    ) -> None:
        self._strategy = strategy
        self._strategy.allows = limits.keeps if limits.given else None
        self._limits = limits
        self._seed = seed
        self._tell = tell
        self._told: Rung | None = None

    def propose(self, count: int, rung: Rung, history: Sequence[Observation]) -> list[Architecture]:
        """As `Strategy.propose`."""

        def asked(number: int, seen: Sequence[Observation]) -> list[Architecture]:
            return self._strategy.propose(number, rung, seen)

        return self._kept(asked, count, rung, history, self._stream(rung, history))

    def propose_for_training(
        self, count: int, rung: Rung, history: Sequence[Observation], stream: random.Random
    ) -> list[Architecture]:
        """As `Strategy.propose_for_training`; within the limits too.

        Weights are shared, so any path could be trained. But under a low limit most paths are beyond it, and
        would take most of the training away from those that are scored.
        """

        def asked(number: int, seen: Sequence[Observation]) -> list[Architecture]:
            return self._strategy.propose_for_training(number, rung, seen, stream)

        return self._kept(asked, count, rung, history, stream)

    def candidates(
        self, count: int, rung: Rung, history: Sequence[Observation]
    ) -> list[Architecture]:
        """As `Strategy.candidates`."""
        if not self._limits.given:
            return self._strategy.candidates(count, rung, history)
        found: dict[Architecture, None] = {}
        seen = list(history)
        for _ in range(ATTEMPTS_FOR_CANDIDATES):
            proposals = self._strategy.candidates(count, rung, seen)
            found |= dict.fromkeys(filter(self._limits.keeps, proposals))
            seen += map(self._seen, proposals, [rung] * len(proposals))
            if len(found) >= count:
                break
        if found:
            return list(found)[:count]
        return [self._drawn(rung, self._stream(rung, history), ATTEMPTS_FOR_CANDIDATES)]

    def _kept(
        self,
        asked: Asked,
        count: int,
        rung: Rung,
        history: Sequence[Observation],
        stream: random.Random,
    ) -> list[Architecture]:
        if not self._limits.given:
            return asked(count, history)
        kept: list[Architecture] = []
        seen = list(history)
        for _ in range(ATTEMPTS):
            proposals = asked(count - len(kept), seen)
            kept += filter(self._limits.keeps, proposals)
            if len(kept) == count:
                return kept
            seen += map(self._seen, proposals, [rung] * len(proposals))
        return kept + [self._drawn(rung, stream, ATTEMPTS) for _ in range(count - len(kept))]

    def _stream(self, rung: Rung, history: Sequence[Observation]) -> random.Random:
        """For draws at this point of a search."""
        return random.Random(derived_seed(self._seed, f"limits/{rung.stage}/{len(history)}"))

    def _seen(self, proposal: Architecture, rung: Rung) -> Observation:
        kept = self._limits.keeps(proposal)
        state = State.RUNNING if kept else State.FAILED
        return Observation(proposal, rung, self._seed, (), state, refused=not kept)

    def _drawn(self, rung: Rung, stream: random.Random, tries: int) -> Architecture:
        """Uniform over what keeps the limits; the strategy was asked so many times in vain."""
        if self._told != rung:
            self._told = rung
            self._tell(
                f"Hardly any proposal of the strategy keeps search.limits: after {tries} tries "
                "architectures that do are drawn at random."
            )
        for _ in range(DRAWS):
            architecture = uniform(self._strategy.space, rung, stream)
            if self._limits.keeps(architecture):
                return architecture
        raise UserError(
            f"Hardly an architecture keeps search.limits: none of {DRAWS:,} random ones did. Raise them."
        )
