"""Landscapes whose optimum is known, for tests and comparisons of strategies without any training."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from autogan.basics.randomness import derived_seed
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Observation, Rung, State, Strategy


@dataclass(frozen=True)
class AdditiveToy:
    """Every option of every decision is worth a standard normal number; an architecture the sum of its own.

    noise: standard deviation of what is added to every scoring. fails: architectures that cannot be scored.
    """

    space: SearchSpace
    seed: int
    noise: float = 0.0
    fails: Callable[[Architecture], bool] = lambda architecture: False

    @cached_property
    def _worth(self) -> list[list[dict[object, float]]]:
        """By stage and decision: what each option is worth."""
        stream = random.Random(derived_seed(self.seed, "toy"))
        return [
            [{option: stream.gauss(0, 1) for option in d.options} for d in self.space.at_stage(s)]
            for s in range(self.space.stages)
        ]

    def value(self, architecture: Architecture) -> float:
        """What an architecture is worth, without noise."""
        return sum(
            worth[option]
            for decisions, options in zip(self._worth, architecture.taken, strict=False)
            for worth, option in zip(decisions, options, strict=True)
        )

    def mean(self, stages: int) -> float:
        """What the architectures of the first `stages` stages are worth on average."""
        decisions = [worth for of_stage in self._worth[:stages] for worth in of_stage]
        return sum(sum(worth.values()) / len(worth) for worth in decisions)

    def deviation(self, stages: int) -> float:
        """The standard deviation of what the architectures of the first `stages` stages are worth."""
        variance = 0.0
        for worth in (worth for of_stage in self._worth[:stages] for worth in of_stage):
            mean = sum(worth.values()) / len(worth)
            variance += sum((value - mean) ** 2 for value in worth.values()) / len(worth)
        return float(variance**0.5)

    def optimum(self, stages: int) -> float:
        """The most that an architecture of the first `stages` stages is worth."""
        return sum(max(worth.values()) for of_stage in self._worth[:stages] for worth in of_stage)

    def loss(self, architecture: Architecture, gates: Mapping[str, Tensor]) -> Tensor:
        """The negative worth as a function of the gates of the newest stage's decisions."""
        stage = len(architecture) - 1
        names = [decision.name for decision in self.space.at_stage(stage)]
        chosen = zip(names, self._worth[stage], architecture.taken[stage], strict=True)
        return -torch.stack([worth[option] * gates[name] for name, worth, option in chosen]).sum()

    def observed(self, architecture: Architecture, rung: Rung, number: int) -> Observation:
        """What the scoring number `number` says of an architecture."""
        if self.fails(architecture):
            return Observation(architecture, rung, self.seed, (), State.FAILED)
        stream = random.Random(derived_seed(self.seed, f"noise/{number}"))
        value = self.value(architecture) + self.noise * stream.gauss(0, 1)
        return Observation(architecture, rung, self.seed, (value,))


def search_toy(
    strategy: Strategy, toy: AdditiveToy, rung: Rung, steps: int, samples: int = 1
) -> list[Observation]:
    """Lets a strategy of one goal learn on a rung for some steps; all that was observed."""
    history: list[Observation] = []
    for _ in range(steps):
        proposals = strategy.propose(samples, rung, history)
        observations = [
            toy.observed(proposal, rung, len(history) + number)
            for number, proposal in enumerate(proposals)
        ]
        history += observations
        strategy.learn_from_loss(toy.loss, rung)
        complete = [o for o in observations if o.state is State.COMPLETE]
        if complete:
            strategy.observe(complete)
    return history
