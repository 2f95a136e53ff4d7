"""Search strategies: what proposes architectures and learns from their rewards."""

from autogan.config import SearchSettings
from autogan.errors import unknown_name
from autogan.space import SearchSpace
from autogan.strategies.base import Strategy

STRATEGIES = ("reinforce", "random")


def make_strategy(settings: SearchSettings, space: SearchSpace, seed: int) -> Strategy:
    """The strategy that `settings.strategy` names, at the first stage of `space`."""
    if settings.strategy == "reinforce":
        from autogan.strategies.reinforce import Reinforce

        return Reinforce(space, settings.controller, seed)
    if settings.strategy == "random":
        from autogan.strategies.uniform import UniformRandom

        return UniformRandom(space, seed)
    raise unknown_name("search.strategy", settings.strategy, STRATEGIES)
