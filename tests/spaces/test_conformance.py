"""Every search space keeps to the seam."""

from autogan.spaces import SPACES
from autogan.spaces.autogan.space import AutoGanSpace
from autogan.spaces.modern.space import ModernSpace
from autogan.spaces.space import SearchSpace
from autogan.testing import SpaceConformance


class TestAutoGan(SpaceConformance):
    def make(self, stages: int) -> SearchSpace:
        return AutoGanSpace.of(stages)


class TestModern(SpaceConformance):
    def make(self, stages: int) -> SearchSpace:
        return ModernSpace.of(stages)


def test_none_is_left_out() -> None:
    assert (AutoGanSpace.name, ModernSpace.name) == SPACES
