"""Where inside an iteration a search stands, as a value that a checkpoint holds."""

from dataclasses import dataclass, field
from typing import Any

from autogan.runs.outcomes import Child, from_plain, to_plain
from autogan.spaces.architecture import Architecture

SHARED_TRAINING, CONTROLLER, GROWTH, RANKING = "shared training", "controller", "growth", "ranking"
"""The phases of an iteration; ranking comes once, when all iterations are done."""


@dataclass
class Position:
    """Where inside an iteration a search stands.

    step: steps of the phase that are done. collapsed: whether the game of this iteration's shared
    training has ended.
    proposed: architectures that are being scored now, or that the next batches of shared training
    take; scored: the first of those, None for one that could not be.
    """

    phase: str = SHARED_TRAINING
    step: int = 0
    collapsed: bool = False
    proposed: list[Architecture] = field(default_factory=list)
    scored: list[Child | None] = field(default_factory=list)

    def state_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "phase": self.phase,
            "step": self.step,
            "collapsed": self.collapsed,
            "proposed": [str(architecture) for architecture in self.proposed],
            "scored": [to_plain(child) if child else None for child in self.scored],
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> "Position":
        """The position that `state_dict` described."""
        return cls(
            state["phase"],
            state["step"],
            state["collapsed"],
            [Architecture.parse(text) for text in state["proposed"]],
            [from_plain(Child, child) if child else None for child in state["scored"]],
        )
