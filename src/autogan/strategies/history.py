"""What the strategies have in common that only read the history."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from autogan.basics.randomness import derived_seed
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Descent, Goal, Observation, Rung, State, Strategy
from autogan.strategies.domain import Codes, Domain
from autogan.strategies.fronts import Gains, dominates


@dataclass(frozen=True)
class Seen:
    """An observation as these strategies see it.

    gains: one for each goal, more is better; empty where the scoring gave no values, which counts as
    worse than all others. running: whether it is being scored now.
    """

    codes: Codes
    gains: Gains
    running: bool = False

    def beats(self, other: "Seen") -> bool:
        """Whether this one is nowhere worse and somewhere better."""
        if not self.gains or not other.gains:
            return bool(self.gains) and not other.running
        return dominates(self.gains, other.gains)


class FromHistory(Strategy):
    """A strategy whose proposal is a function of its seed, the history, and nothing else.

    So it keeps no state, and goes on exactly from any history; several processes that read one history
    may share it. The number of a proposal is the number of observations before it, those that are
    running included: two proposals are different draws even where nothing was scored between them. What
    was refused counts apart: asked once more, it draws anew, and not what the next proposal would draw.
    """

    def __init__(
        self, space: SearchSpace, seed: int, goals: Sequence[Goal] = (Goal("reward"),)
    ) -> None:
        super().__init__(space, goals)
        self.seed = seed

    @abstractmethod
    def choose(self, domain: Domain, seen: Sequence[Seen], seed: int) -> Codes:
        """The next architecture of a domain.

        seen: what was observed of the domain on its rung, in order, with what is running now.
        seed: of this proposal alone.
        """

    def descend(
        self, domain: Domain, seen: Sequence[Seen], seed: int
    ) -> tuple[Codes, Codes | None]:
        """What `choose` chooses, and of what it is a changed copy, where the strategy makes such."""
        return self.choose(domain, seen, seed), None

    def propose(self, count: int, rung: Rung, history: Sequence[Observation]) -> list[Architecture]:
        """As `Strategy.propose`; the later ones of a block are chosen as if the earlier were running."""
        return [descent.architecture for descent in self.descents(count, rung, history)]

    def descents(self, count: int, rung: Rung, history: Sequence[Observation]) -> list[Descent]:
        """As `Strategy.descents`."""
        domain = Domain(self.space, rung, self.allows)
        seen = self.seen(domain, history)
        refused = sum(o.refused for o in history)
        first, again = len(history) - refused, f"/{refused}" if refused else ""
        made = []
        for number in range(first, first + count):
            seed = derived_seed(self.seed, f"strategy/{number}{again}")
            codes, parent = self.descend(domain, seen, seed)
            seen.append(Seen(codes, (), running=True))
            copied = None if parent is None else domain.decode(parent)
            made.append(Descent(domain.decode(codes), copied))
        return made

    def candidates(
        self, count: int, rung: Rung, history: Sequence[Observation]
    ) -> list[Architecture]:
        """The best that were observed on this rung; then, where there are too few, new proposals.

        The search scores them once more: the shared weights have changed since.
        """
        complete = self.ranked([o for o in history if o.rung == rung])
        domain = Domain(self.space, rung)
        distinct = dict.fromkeys(
            o.architecture for o in complete if domain.encode(o.architecture) is not None
        )
        best = list(distinct)[:count]
        if len(best) < count:
            new = dict.fromkeys([*best, *self.propose(2 * count, rung, history)])
            best = list(new)[:count]
        return best

    def seen(self, domain: Domain, history: Sequence[Observation]) -> list[Seen]:
        """What the history says of a domain on its rung, without what was refused."""
        seen = []
        for o in history:
            codes = domain.encode(o.architecture) if o.rung == domain.rung else None
            if codes is not None and not o.refused:
                gains = self.gains(o) if o.state is State.COMPLETE else ()
                seen.append(Seen(codes, gains, o.state is State.RUNNING))
        return seen
