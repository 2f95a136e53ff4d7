"""What the JSON files of a run's folder must hold, as types that pydantic reads them into.

They name what verification looks at; fields beyond these are let through (docs/run-folder.md lists
them all).
"""

from dataclasses import dataclass

from autogan.judges import Scores
from autogan.method.derive import Candidate
from autogan.method.search import Child
from autogan.method.train import Validation


@dataclass(frozen=True)
class Data:
    """data.json."""

    name: str
    digest: str
    training_images: int
    held_out_images: int


@dataclass(frozen=True)
class Found:
    """architectures.json."""

    stages: list[list[Child]]
    ranking: list[Child]
    scored: int


@dataclass(frozen=True)
class Derived:
    """derive.json."""

    ranking: list[Child]
    candidates: list[Candidate]
    failed: list[dict[str, object]]


@dataclass(frozen=True)
class Judge:
    """The judge in results.json."""

    name: str
    kind: str
    class_names: list[str]


@dataclass(frozen=True)
class Protocol:
    """The protocol in results.json."""

    name: str
    images: int
    real_images: int


@dataclass(frozen=True)
class Results:
    """results.json."""

    schema: int
    architecture: str
    vector: list[int]
    image_size: int
    parameters: int
    multiply_accumulates: int
    data: Data
    judge: Judge
    protocol: Protocol
    scores: Scores
    floor: Scores | None
    untrained: Scores
    chosen_by: dict[str, str]
    candidates: list[Candidate]
    validation: Validation
    seconds: dict[str, float]
    neighbours: dict[str, float]
    files: dict[str, str]


@dataclass(frozen=True)
class Losses:
    """A line of log.jsonl."""

    part: str
    step: int
    discriminator_loss: float
    generator_loss: float


@dataclass(frozen=True)
class Update:
    """A line of log.jsonl: one of the controller."""

    iteration: int
    step: int


@dataclass(frozen=True)
class Moment:
    """A line of log.jsonl: an iteration ended, a stage began, the weights were drawn anew."""

    iteration: int
    stage: int


@dataclass(frozen=True)
class PartValidation:
    """A line of log.jsonl."""

    part: str
    generator_steps: int
    inception_score: float | None
    frechet_distance: float


@dataclass(frozen=True)
class Finished:
    """The last line of log.jsonl."""

    scores: Scores


LINES: dict[str, type] = {
    "losses": Losses,
    "child": Child,
    "controller": Update,
    "iteration": Moment,
    "grow": Moment,
    "reset": Moment,
    "validation": PartValidation,
    "candidate": Candidate,
    "finished": Finished,
}
"""What each event of log.jsonl must tell. A newer version may know more events."""
