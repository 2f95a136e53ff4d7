"""The seam between a search and what chooses its architectures.

Stages of the shared search and trainings from scratch are asked about in one way: a `Rung` says how an
architecture is to be scored, an `Observation` what one scoring said.
"""

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.strategies.fronts import Gains, ranks

if TYPE_CHECKING:
    from torch import Tensor

    LossOf = Callable[[Architecture, Mapping[str, Tensor]], Tensor]
    """From an architecture, and a gate for each decision of its newest stage, to the generator's loss."""


Allows = Callable[[Architecture], bool]
"""Whether an architecture keeps the limits, or can grow into one that does."""


@dataclass(frozen=True)
class Rung:
    """A level of a search: architectures on it are scored alike, the best go on to the next.

    stage: of growth; architectures on this rung have stage + 1 cells. steps: generator steps of a
    training from scratch; None: they are scored with the shared weights. promoted: what went on to this
    rung from the one before, which its architectures extend; none where they are free. Two rungs are
    the same level whatever was promoted.
    """

    stage: int
    steps: int | None = None
    promoted: tuple[Architecture, ...] = field(default=(), compare=False)


class State(StrEnum):
    """How a scoring ended."""

    COMPLETE = "complete"
    STOPPED = "stopped"
    """Ended early, because others were better."""
    DIVERGED = "diverged"
    """Its training went wrong."""
    FAILED = "failed"
    """It could not be scored."""
    RUNNING = "running"
    """It is being scored now, by whomever."""


@dataclass(frozen=True)
class Observation:
    """What one scoring of an architecture said.

    seed: of the training, or of the search whose shared weights scored it. values: one for each of
    the strategy's goals, in their order, each finite; none where the scoring gave no values. refused: it has
    failed because it lies beyond the limits of the search; told within one question alone, which is then
    asked again.
    """

    architecture: Architecture
    rung: Rung
    seed: int
    values: tuple[float, ...]
    state: State = State.COMPLETE
    refused: bool = False

    def __post_init__(self) -> None:
        assert all(map(math.isfinite, self.values)), f"{self.values}: such a scoring has failed"
        assert self.values or self.state is not State.COMPLETE, "complete, and without values"


@dataclass(frozen=True)
class Goal:
    """One thing that is wanted, and which way is better."""

    name: str
    direction: Literal["maximise", "minimise"] = "maximise"

    def gain(self, value: float) -> float:
        """`value` as a number of which more is better."""
        return value if self.direction == "maximise" else -value


@dataclass(frozen=True)
class Descent:
    """A proposal, and of which architecture it is a changed copy; of none where it was made otherwise."""

    architecture: Architecture
    parent: Architecture | None = None


class Strategy(ABC):
    """Proposes architectures for a rung, is told how they scored, and says what goes on.

    The search calls `propose_for_training` for blocks of shared-training batches, `propose` for every
    step of learning, `observe` with what was proposed and how that scored, `candidates` and `promote`
    when a rung ends. A strategy changes nothing but itself. One that only reads the history keeps no
    state (`FromHistory`): it draws from a stream named by its seed and the number of the proposal, and
    so goes on exactly after an interruption.
    """

    def __init__(self, space: SearchSpace, goals: Sequence[Goal] = (Goal("reward"),)) -> None:
        self.space = space
        self.goals = tuple(goals)
        self.allows: Allows | None = None
        """What the limits of the search allow; None: all. Proposals beyond it come back as refused, so a
        strategy may heed it, and need not."""

    @abstractmethod
    def propose(self, count: int, rung: Rung, history: Sequence[Observation]) -> list[Architecture]:
        """`count` architectures for a rung; after a promotion each extends a promoted one.

        history: every observation so far, of all rungs, in the order in which they were made.
        """

    def descents(self, count: int, rung: Rung, history: Sequence[Observation]) -> list[Descent]:
        """What `propose` proposes, with the parents where the strategy knows some."""
        return [Descent(proposal) for proposal in self.propose(count, rung, history)]

    def propose_for_training(
        self,
        count: int,
        rung: Rung,
        history: Sequence[Observation],
        stream: random.Random,
    ) -> list[Architecture]:
        """`count` architectures to train shared weights with, one for each batch.

        By default uniform over what extends a uniformly chosen promoted one, so that all paths are
        trained alike and the later scores are fair (single path one-shot, arXiv 1904.00420).
        stream: for these draws alone, so that nothing need be remembered between them.
        """
        return [uniform(self.space, rung, stream) for _ in range(count)]

    def candidates(
        self, count: int, rung: Rung, history: Sequence[Observation]
    ) -> list[Architecture]:
        """At most `count` distinct architectures that are scored to be promoted or derived from.

        By default what it proposes. A policy that has settled may know fewer than `count`: after 20
        times as many proposals what was found is taken.
        """
        distinct: dict[Architecture, None] = {}
        for _ in range(20 * count):
            distinct.setdefault(self.propose(1, rung, history)[0])
            if len(distinct) == count:
                break
        return list(distinct)

    def observe(self, observations: Sequence[Observation]) -> dict[str, float]:
        """Learns from observations of its own proposals; returns metrics for the journal.

        Called after every step of learning, with complete observations of one rung.
        """
        return {}

    def learn_from_loss(self, loss: "LossOf", rung: Rung) -> dict[str, float]:
        """Learns from the generator's loss itself, for strategies that do; metrics for the journal.

        Called in every step of learning, before `observe`. loss: one forward pass with fresh latents at
        each call; its gradient reaches the gates, and no weight changes.
        """
        return {}

    def promote(
        self, rung: Rung, observations: Sequence[Observation], count: int
    ) -> list[Architecture]:
        """The `count` best distinct architectures of a rung, best first; the rung after it begins.

        In the shared search these are the beams.
        """
        best_first = dict.fromkeys(o.architecture for o in self.ranked(observations))
        return list(best_first)[:count]

    def ranked(self, observations: Sequence[Observation]) -> list[Observation]:
        """Complete observations, best first; equals in their order.

        With several goals by fronts: first those that none dominates (as good in every goal, better in
        one), and so on.
        """
        complete = [o for o in observations if o.state is State.COMPLETE]
        rank = ranks([self.gains(o) for o in complete])
        return [o for _, o in sorted(zip(rank, complete, strict=True), key=lambda pair: pair[0])]

    def gains(self, observation: Observation) -> Gains:
        """Its values as numbers of which more is better."""
        pairs = zip(self.goals, observation.values, strict=True)
        return tuple(goal.gain(value) for goal, value in pairs)

    def state_dict(self) -> dict[str, Any]:
        """All that it knows beyond the history: tensors, numbers, strings, lists, dictionaries."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        assert not state, "a strategy with a state overrides this"


def uniform(space: SearchSpace, rung: Rung, stream: random.Random) -> Architecture:
    """Uniform over what extends a uniformly chosen promoted architecture."""
    beginning = stream.choice(rung.promoted) if rung.promoted else None
    return space.prefix(rung.stage + 1).sample(stream, beginning)
