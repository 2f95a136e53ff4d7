"""What can be proposed on a rung, as a list of decisions whose answers are numbers."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from autogan.spaces.architecture import Architecture
from autogan.spaces.decisions import Option
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Allows, Rung

Codes = tuple[int, ...]
"""The position of the taken option, for every question of a domain."""
BEAM = "beam"
"""The question which of the promoted architectures is extended."""


@dataclass(frozen=True)
class Domain:
    """The architectures of a rung: those that extend a promoted one, or where none is, the whole space.

    Where there are promoted ones, the first question is which of them, and the others are the decisions
    of the stages that they do not have yet: none, where a rung differs from the one before in steps alone.
    """

    space: SearchSpace
    rung: Rung
    allows: Allows | None = field(default=None, compare=False)
    """What its neighbours are among; None: all."""

    @cached_property
    def _done(self) -> int:
        """Stages that are decided."""
        return len(self.rung.promoted[0]) if self.rung.promoted else 0

    @cached_property
    def questions(self) -> dict[str, tuple[Option | Architecture, ...]]:
        """The options of every question, by its name: the place and the name of a decision."""
        beams = {BEAM: self.rung.promoted} if self.rung.promoted else {}
        decisions = {
            f"{decision.place} {decision.name}": decision.options
            for stage in range(self._done, self.rung.stage + 1)
            for decision in self.space.at_stage(stage)
        }
        return {**beams, **decisions}

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """How many options every question has."""
        return tuple(map(len, self.questions.values()))

    @cached_property
    def cardinality(self) -> int:
        """How many architectures there are."""
        return math.prod(self.sizes)

    def decode(self, codes: Sequence[int]) -> Architecture:
        """The architecture of these codes."""
        architecture, position = None, 0
        if self.rung.promoted:
            architecture, position = self.rung.promoted[codes[0]], 1
        for stage in range(self._done, self.rung.stage + 1):
            end = position + len(self.space.at_stage(stage))
            architecture = self.space.extend(architecture, codes[position:end])
            position = end
        assert architecture is not None, "a rung has at least one stage"
        return architecture

    def encode(self, architecture: Architecture) -> Codes | None:
        """The codes of an architecture; None where it is not one of these."""
        if len(architecture) != self.rung.stage + 1 or architecture not in self.space:
            return None
        beam: Codes = ()
        if self.rung.promoted:
            beginning = architecture.prefix(self._done)
            if beginning not in self.rung.promoted:
                return None
            beam = (self.rung.promoted.index(beginning),)
        stages = range(self._done, self.rung.stage + 1)
        return (*beam, *(c for s in stages for c in self.space.encode(architecture, s)))

    def sample(self, stream: random.Random) -> Codes:
        """Uniform over all architectures."""
        return tuple(stream.randrange(size) for size in self.sizes)

    def mutate(self, codes: Codes, stream: random.Random) -> Codes:
        """Another answer to one question, both uniform; the same codes where no question is open."""
        questions = [number for number, size in enumerate(self.sizes) if size > 1]
        if not questions:
            return codes
        question = stream.choice(questions)
        others = [code for code in range(self.sizes[question]) if code != codes[question]]
        return (*codes[:question], stream.choice(others), *codes[question + 1 :])

    def neighbours(self, codes: Codes) -> Iterator[Codes]:
        """All that differ in the answer to one question, and are allowed."""
        for question, size in enumerate(self.sizes):
            for code in range(size):
                if code != codes[question]:
                    other = (*codes[:question], code, *codes[question + 1 :])
                    if self.allows is None or self.allows(self.decode(other)):
                        yield other
