"""Uniform random search: the baseline every strategy must beat."""

import random
from collections.abc import Sequence
from typing import Any

from autogan.basics.randomness import derived_seed
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Goal, Observation, Rung, Strategy


class UniformRandom(Strategy):
    """Uniform over what extends a uniformly chosen beam; observations teach it nothing."""

    def __init__(
        self, space: SearchSpace, seed: int, goals: Sequence[Goal] = (Goal("reward"),)
    ) -> None:
        super().__init__(space, goals)
        self.beams: list[Architecture] = []
        self._generator = random.Random(derived_seed(seed, "strategy"))

    def propose(self, count: int, rung: Rung, history: Sequence[Observation]) -> list[Architecture]:
        space = self.space.prefix(rung.stage + 1)
        beams = self.beams if rung.steps is None else list(rung.promoted)
        return [
            space.sample(self._generator, self._generator.choice(beams or [None]))
            for _ in range(count)
        ]

    def propose_for_training(
        self,
        count: int,
        rung: Rung,
        history: Sequence[Observation],
        stream: random.Random,
    ) -> list[Architecture]:
        """Uniform too, but from its own stream, as it always was."""
        return self.propose(count, rung, history)

    def promote(
        self, rung: Rung, observations: Sequence[Observation], count: int
    ) -> list[Architecture]:
        promoted = super().promote(rung, observations, count)
        if rung.steps is None:
            self.beams = promoted
        return list(promoted)

    def state_dict(self) -> dict[str, Any]:
        version, internal, gauss = self._generator.getstate()
        return {
            "beams": [str(beam) for beam in self.beams],
            "generator": [version, list(internal), gauss],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.beams = [Architecture.parse(beam) for beam in state["beams"]]
        version, internal, gauss = state["generator"]
        self._generator.setstate((version, tuple(internal), gauss))
