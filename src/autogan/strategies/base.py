"""The seam between the search and what chooses architectures."""

from abc import ABC, abstractmethod
from typing import Any

from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace


class Strategy(ABC):
    """Proposes architectures, one stage at a time, and is told their rewards.

    The search calls `propose` for blocks of shared-training batches and every scoring, `observe` once per
    controller step with what it proposed and how that scored (higher is better), and `grow` at a
    stage boundary. A strategy changes nothing but itself, and its state holds all that it knows.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.beams: list[Architecture] = []

    @property
    def stage(self) -> int:
        """The present stage: proposals have stage + 1 cells."""
        return len(self.beams[0]) if self.beams else 0

    @abstractmethod
    def propose(self, count: int) -> list[Architecture]:
        """`count` architectures of the present stage; beyond the first stage each extends a beam."""

    @abstractmethod
    def observe(self, architectures: list[Architecture], rewards: list[float]) -> dict[str, float]:
        """Learns from rewards of architectures of the present stage; returns figures for the log."""

    def grow(self, beams: list[Architecture]) -> None:
        """Goes on to the next stage, whose architectures extend these distinct kept ones."""
        assert beams and len(beams[0]) == self.stage + 1 < self.space.stages + 1
        self.beams = list(beams)

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """The whole state: tensors, numbers, strings, lists and dictionaries."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
