"""Every strategy keeps to the seam."""

from autogan.settings.sections import SearchSettings
from autogan.spaces.space import SearchSpace
from autogan.strategies import STRATEGIES, make_strategy
from autogan.strategies.base import Strategy
from autogan.testing import StrategyConformance


class TestReinforce(StrategyConformance):
    def make(self, space: SearchSpace, seed: int) -> Strategy:
        return make_strategy(SearchSettings(strategy="reinforce"), space, seed)


class TestRandom(StrategyConformance):
    def make(self, space: SearchSpace, seed: int) -> Strategy:
        return make_strategy(SearchSettings(strategy="random"), space, seed)


def test_none_is_left_out() -> None:
    assert STRATEGIES == ("reinforce", "random")
