"""Every strategy keeps to the seam, in stages of growth and, where it is for them, in trials from scratch."""

from autogan.settings.search import SearchSettings
from autogan.spaces.space import SearchSpace
from autogan.strategies import STRATEGIES, make_strategy
from autogan.strategies.base import Rung, Strategy
from autogan.testing import StrategyConformance


class Suite(StrategyConformance):
    name: str

    def make(self, space: SearchSpace, seed: int) -> Strategy:
        return make_strategy(SearchSettings(strategy=self.name), space, seed)


class FromHistorySuite(Suite):
    """What only reads the history learns of failures too, and within few trials."""

    learns_from_failures = True
    learning_rung = Rung(2, 100)

    def make_learner(self, space: SearchSpace, seed: int) -> Strategy:
        return make_strategy(
            SearchSettings(strategy=self.name, nsga2={"population": 10}), space, seed
        )


class TestReinforce(Suite):
    name = "reinforce"
    learning_steps = 300

    def make_learner(self, space: SearchSpace, seed: int) -> Strategy:
        settings = SearchSettings(strategy="reinforce", controller={"learning_rate": 0.01})
        return make_strategy(settings, space, seed)


class TestRandom(Suite):
    name = "random"
    learns = False


class TestGradient(Suite):
    name = "gradient"
    learning_steps = 30


class TestEvolution(FromHistorySuite):
    name = "evolution"


class TestLocalSearch(FromHistorySuite):
    name = "local-search"


class TestTpe(FromHistorySuite):
    name = "tpe"


class TestNsga2(FromHistorySuite):
    name = "nsga2"


class TestGp(FromHistorySuite):
    name = "gp"
    learning_steps = 24
    landscapes = 4


class FromScratch:
    """The same with trials; what is learned is tested once."""

    rungs = (Rung(2, 100), Rung(2, 400))
    learns = learns_from_failures = False


class TestReinforceFromScratch(FromScratch, TestReinforce):
    pass


class TestRandomFromScratch(FromScratch, TestRandom):
    pass


class TestEvolutionFromScratch(FromScratch, TestEvolution):
    pass


class TestLocalSearchFromScratch(FromScratch, TestLocalSearch):
    pass


class TestTpeFromScratch(FromScratch, TestTpe):
    pass


class TestNsga2FromScratch(FromScratch, TestNsga2):
    pass


def test_none_is_left_out() -> None:
    suites = (*Suite.__subclasses__(), *FromHistorySuite.__subclasses__())
    assert {suite.name for suite in suites if "name" in vars(suite)} == set(STRATEGIES)
