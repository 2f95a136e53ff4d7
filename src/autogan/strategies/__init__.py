"""Search strategies: what proposes architectures and learns from their rewards."""

from typing import get_args

from autogan.settings.sections import SearchSettings
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Strategy

STRATEGIES: tuple[str, ...] = get_args(SearchSettings.model_fields["strategy"].annotation)


def make_strategy(settings: SearchSettings, space: SearchSpace, seed: int) -> Strategy:
    """The strategy that `settings.strategy` names, at the first stage of `space`."""
    if settings.strategy == "reinforce":
        from autogan.strategies.reinforce import Reinforce

        return Reinforce(space, settings.controller, seed)
    from autogan.strategies.uniform import UniformRandom

    assert settings.strategy == "random", settings.strategy
    return UniformRandom(space, seed)
