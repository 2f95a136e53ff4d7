"""What is known of an architecture before it is trained: parameters, multiply-accumulates, latency."""

import random
import statistics
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar

import torch

from autogan.basics.errors import UserError
from autogan.images.classes import Classes
from autogan.nets.layers import initialise
from autogan.settings.limits import LimitSettings
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.sizes import generator_size
from autogan.spaces.space import SearchSpace

LATENCY_CALLS = 15
"""Single images whose median is told, after as many warm-up calls."""
LOOKED_AT = 5000
"""Architectures among which one that keeps the limits is looked for before anything is trained."""


class Costs:
    """The costs of architectures with a run's widths, each counted or measured once."""

    def __init__(self, settings: Settings, classes: Classes | None, device: torch.device) -> None:
        self._settings = settings
        self._classes = classes
        self._device = device
        self._known: dict[tuple[Architecture, str], float] = {}

    def of(self, architecture: Architecture, name: str) -> float:
        """parameters, multiply_accumulates or latency_milliseconds."""
        architecture, _ = players(architecture)
        key = (architecture, name)
        if key not in self._known:
            self._known[key] = self._found(architecture, name)
        return self._known[key]

    def _found(self, architecture: Architecture, name: str) -> float:
        if name == "latency_milliseconds":
            return self._latency(architecture)
        size = generator_size(
            architecture,
            latent_size=self._settings.network.latent_size,
            channels=self._settings.train.generator_channels,
            bottom_size=self._settings.network.bottom_size,
            classes=self._classes,
        )
        return float(getattr(size, name))

    @torch.inference_mode()
    def _latency(self, architecture: Architecture) -> float:
        """One image at a time, in evaluation mode."""
        generator = SearchSpace.only(architecture).generator(
            latent_size=self._settings.network.latent_size,
            channels=self._settings.train.generator_channels,
            bottom_size=self._settings.network.bottom_size,
            classes=self._classes,
        )
        initialise(generator, torch.Generator().manual_seed(0))
        generator.to(self._device).eval()
        latents = torch.zeros(1, self._settings.network.latent_size, device=self._device)
        labels = (
            None
            if self._classes is None
            else torch.zeros(1, dtype=torch.int64, device=self._device)
        )
        taken = []
        for _ in range(2 * LATENCY_CALLS):
            began = time.perf_counter()
            generator(latents, architecture, labels=labels)
            if self._device.type == "cuda":
                torch.cuda.synchronize(self._device)
            taken.append(1000 * (time.perf_counter() - began))
        return statistics.median(taken[LATENCY_CALLS:])

    def exceeded(self, architecture: Architecture, limits: LimitSettings) -> dict[str, float]:
        """The limits that an architecture does not keep, with its own costs."""
        costs = {name: self.of(architecture, name) for name in limits.given}
        return {name: cost for name, cost in costs.items() if cost > limits.given[name]}


class Limits:
    """The limits of a search, kept by whole architectures and by those that still grow.

    A partial architecture, as a search with shared weights has in its early stages, costs what its cheapest
    completion costs: the cells that it lacks are answered, one decision after the other, by whatever costs
    least. So what is kept can always become an architecture within the limits. Of a pair the
    generator counts. A latency is measured of one completion only: that with the fewest
    multiply-accumulates.

    space: of the generators, all cells.
    """

    def __init__(self, space: SearchSpace, settings: LimitSettings, costs: Costs) -> None:
        self.given = settings.given
        self._space = space
        self._costs = costs
        self._counted = {n: v for n, v in self.given.items() if n != "latency_milliseconds"}
        self._kept: dict[Architecture, bool] = {}

    def keeps(self, architecture: Architecture) -> bool:
        """Whether it keeps all limits, or can grow into one that does."""
        generator, _ = players(architecture)
        if generator not in self._kept:
            completed = self.completed(generator)
            self._kept[generator] = _excess(completed, self.given, self._costs) <= 1
        return self._kept[generator]

    def completed(self, generator: Architecture) -> Architecture:
        """The whole architecture that begins so and costs least; the same one whatever was asked before."""
        done = len(generator)
        start = Architecture(self._space.name, (*generator.taken, *self._cheapest.taken[done:]))
        return _downhill(self._space, start, self._effort, done)[1]

    @cached_property
    def _cheapest(self) -> Architecture:
        return _downhill(self._space, self._space.first(), self._effort)[1]

    def _effort(self, architecture: Architecture) -> tuple[float, float]:
        """What makes one completion cheaper than another: the limits that can be counted, then the work."""
        excess = _excess(architecture, self._counted, self._costs) if self._counted else 0.0
        return max(1.0, excess), self._costs.of(architecture, "multiply_accumulates")


def refuse_impossible(space: SearchSpace, settings: LimitSettings, costs: Costs) -> None:
    """Raises `UserError` where none of LOOKED_AT random architectures, and of all that a way down from
    the best of them finds, keeps the limits."""
    limits = settings.given
    if not limits:
        return
    stream = random.Random(0)
    looked_at = min(LOOKED_AT, space.cardinality())
    if "latency_milliseconds" in limits:
        looked_at = min(looked_at, 50)  # each is built and run
    nearest: tuple[float, Architecture] | None = None
    for _ in range(looked_at):
        architecture = space.sample(stream)
        excess = _excess(architecture, limits, costs)
        if excess <= 1:
            return
        if nearest is None or excess < nearest[0]:
            nearest = (excess, architecture)
    assert nearest is not None, "a space has members"
    excess, smallest = _downhill(space, nearest[1], lambda a: _excess(a, limits, costs))
    if excess <= 1:
        return
    shown = ", ".join(f"{name} {costs.of(smallest, name):,.10g}" for name in limits)
    asked = ", ".join(f"search.limits.{name}={limit:,.10g}" for name, limit in limits.items())
    raise UserError(
        f"No architecture was found that keeps {asked}. The smallest is {smallest} ({shown}). Raise "
        "the limit, or lower train.generator_channels."
    )


def _excess(architecture: Architecture, limits: Mapping[str, float], costs: Costs) -> float:
    """Its largest cost as a multiple of the limit; 1 or less where it keeps them."""
    return max(costs.of(architecture, name) / limit for name, limit in limits.items())


Effort = TypeVar("Effort", float, tuple[float, float])


def _downhill(
    space: SearchSpace,
    start: Architecture,
    effort: Callable[[Architecture], Effort],
    done: int = 0,
) -> tuple[Effort, Architecture]:
    """The least effort that is reached by changing one decision after the other, and what has it.

    done: stages at the beginning that stay as they are.
    """
    best, better = (effort(start), start), True
    while better:
        better = False
        for stage, decisions in enumerate(space.by_stage[done:], done):
            for place, decision in enumerate(decisions):
                for option in decision.options:
                    taken = list(map(list, best[1].taken))
                    taken[stage][place] = option
                    other = Architecture(space.name, tuple(map(tuple, taken)))
                    asked = effort(other)
                    if asked < best[0]:
                        best, better = (asked, other), True
    return best
