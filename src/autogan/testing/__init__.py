"""Conformance suites for those who write a plug-in of their own.

Each is a class of tests for pytest. Inherit it in a test file, in a class whose name begins with `Test`,
and say how yours is made. Nothing here imports pytest.
"""

from autogan.testing.image_sources import ImageSourceConformance
from autogan.testing.judges import JudgeConformance
from autogan.testing.objectives import ObjectiveConformance
from autogan.testing.spaces import SpaceConformance
from autogan.testing.strategies import StrategyConformance
from autogan.testing.toys import AdditiveToy, search_toy

__all__ = [
    "AdditiveToy",
    "ImageSourceConformance",
    "JudgeConformance",
    "ObjectiveConformance",
    "SpaceConformance",
    "StrategyConformance",
    "search_toy",
]
