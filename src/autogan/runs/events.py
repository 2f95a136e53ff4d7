"""Every kind of line in log.jsonl, and what it tells (docs/run-folder.md lists them for readers).

Lines of a search for discriminators after that for generators say the `part` "discriminator".

The journal writes these, and whoever reads a run's folder gets them back.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from autogan.runs.outcomes import (
    Candidate,
    Child,
    Validation,
    WrittenArchitecture,
    from_plain,
    to_plain,
)

Line = dict[str, Any]


class Event:
    """One line. `name` is the line's "event"; the fields of the dataclass are the rest of it."""

    name: ClassVar[str]

    def fields(self) -> Line:
        """The rest of the line, as JSON can hold it; what is None is left out."""
        return {key: value for key, value in to_plain(self).items() if value is not None}

    @classmethod
    def of(cls, line: Line) -> Self:
        """The event of a line. `ValueError` or `KeyError` where the line is not of this kind."""
        return from_plain(cls, line)


@dataclass(frozen=True)
class Losses(Event):
    """Every `log_every_steps`. part: "search", "discriminator", or the training's name; stage: of a search.

    augmentation_probability: where it is adaptive.
    """

    name = "losses"
    part: str
    step: int
    discriminator_loss: float
    generator_loss: float
    stage: int | None = None
    augmentation_probability: float | None = None

    def fields(self) -> Line:
        """The stage stands before the losses."""
        return _ordered(super().fields(), "part", "step", "stage")


@dataclass(frozen=True)
class ChildScored(Event):
    """An architecture was scored with the shared weights; its line is the child's own fields."""

    name = "child"
    child: Child

    def fields(self) -> Line:
        """The child's; `seconds` are what scoring it took."""
        return to_plain(self.child)

    @classmethod
    def of(cls, line: Line) -> Self:
        """The child of a line."""
        return cls(from_plain(Child, line))


@dataclass(frozen=True)
class StrategyUpdate(Event):
    """The strategy learned from children: `metrics` are the mean reward and what it says of itself."""

    name = "controller"
    iteration: int
    step: int
    metrics: dict[str, float] = field(default_factory=dict)
    part: str | None = None

    def fields(self) -> Line:
        """The metrics stand beside the other fields."""
        own = {"iteration": self.iteration, "step": self.step, "part": self.part}
        return {name: v for name, v in own.items() if v is not None} | self.metrics

    @classmethod
    def of(cls, line: Line) -> Self:
        """All that stands beside the iteration and the step are metrics."""
        beside = ("event", "seconds", "iteration", "step", "part")
        metrics = {name: value for name, value in line.items() if name not in beside}
        return from_plain(cls, {**line, "metrics": metrics})


@dataclass(frozen=True)
class IterationEnded(Event):
    """A search iteration ended. steps: discriminator steps since the search began."""

    name = "iteration"
    iteration: int
    stage: int
    steps: int
    part: str | None = None


@dataclass(frozen=True)
class Grown(Event):
    """A stage ended, and `stage` begins."""

    name = "grow"
    iteration: int
    stage: int
    part: str | None = None


@dataclass(frozen=True)
class WeightsReset(Event):
    """The shared weights were drawn anew."""

    name = "reset"
    iteration: int
    stage: int
    part: str | None = None


@dataclass(frozen=True)
class Failed(Event):
    """An architecture could not be scored, or not be trained (purpose "candidate")."""

    name = "failed"
    architecture: WrittenArchitecture
    purpose: str
    reason: str
    stage: int | None = None
    iteration: int | None = None
    shared_reward: float | None = None

    def fields(self) -> Line:
        """In the order of version 0.1.0: a candidate's line begins with its purpose."""
        if self.purpose == "candidate":
            return _ordered(super().fields(), "purpose", "architecture", "shared_reward")
        return _ordered(super().fields(), "architecture", "stage", "iteration", "purpose")


@dataclass(frozen=True)
class RolledBack(Event):
    """Training went wrong and went back to its last good checkpoint."""

    name = "rolled_back"
    part: str
    attempt: int
    reason: str


@dataclass(frozen=True)
class Validated(Event):
    """The averaged generator of a training was scored on the validation latents."""

    name = "validation"
    part: str
    validation: Validation

    def fields(self) -> Line:
        """The validation's fields stand beside the part; scores that are None stay."""
        return {"part": self.part, **to_plain(self.validation)}

    @classmethod
    def of(cls, line: Line) -> Self:
        """The part and the validation of a line."""
        return from_plain(cls, {"part": line["part"], "validation": line})


@dataclass(frozen=True)
class CandidateTrained(Event):
    """A candidate was trained; its line is the candidate's own fields."""

    name = "candidate"
    candidate: Candidate

    def fields(self) -> Line:
        """The candidate's."""
        return to_plain(self.candidate)

    @classmethod
    def of(cls, line: Line) -> Self:
        """The candidate of a line."""
        return cls(from_plain(Candidate, line))


@dataclass(frozen=True)
class Finished(Event):
    """The run came to its end, with these scores."""

    name = "finished"
    scores: dict[str, Any]


EVENTS: dict[str, type[Event]] = {
    kind.name: kind
    for kind in (
        Losses,
        ChildScored,
        StrategyUpdate,
        IterationEnded,
        Grown,
        WeightsReset,
        Failed,
        RolledBack,
        Validated,
        CandidateTrained,
        Finished,
    )
}
"""All kinds by the name that their lines carry. A newer version may know more."""


def _ordered(fields: Line, *first: str) -> Line:
    """The same fields with `first` in front, where they are there."""
    return {**{name: fields[name] for name in first if name in fields}, **fields}


def read_event(line: Any) -> Event | None:
    """The event that a line of the log stands for; None where this version knows no such kind.

    Raises `ValueError`, `KeyError` or `TypeError` where the line is not what a run writes.
    """
    name = line["event"]
    if not isinstance(name, str):
        raise ValueError("it needs an event and its seconds")
    return EVENTS[name].of(line) if name in EVENTS else None
