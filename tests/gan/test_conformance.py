"""Every objective keeps to the seam: those that exist, and what later ones will ask for."""

from games import GradientPenalties, Paired, Remembering

from autogan.gan.objectives import Hinge, Objective
from autogan.testing import ObjectiveConformance


class TestHinge(ObjectiveConformance):
    def make(self) -> Objective:
        return Hinge()


class TestGradientPenalties(ObjectiveConformance):
    def make(self) -> Objective:
        return GradientPenalties()


class TestPaired(ObjectiveConformance):
    def make(self) -> Objective:
        return Paired()


class TestRemembering(ObjectiveConformance):
    def make(self) -> Objective:
        return Remembering()
