"""What a run finds out, as values: scored children, validations, trained candidates.

They are typed with pydantic's annotations, so that one adapter writes them into a file and reads them
back: an architecture is a value here and its text form in the file.
"""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, InstanceOf, PlainSerializer, TypeAdapter

from autogan.spaces.architecture import Architecture

T = TypeVar("T")
COLLAPSED_SPREAD = 1e-3
"""Below this share of the real images' variance, a generator makes one image over and over."""


def _parsed(value: Any) -> Any:
    return Architecture.parse(value) if isinstance(value, str) else value


WrittenArchitecture = Annotated[
    InstanceOf[Architecture], BeforeValidator(_parsed), PlainSerializer(str)
]
"""An architecture that files hold as its text form."""


@dataclass(frozen=True)
class Child:
    """An architecture that was scored with the shared weights.

    purpose: "controller" (a reward), "beam" (at the end of a stage) or "derive" (at the very end).
    reward: inception score of its images, or their negative Fréchet distance to real images of the
    stage's resolution (`search.reward`); seconds: what scoring it took.
    """

    architecture: WrittenArchitecture
    stage: int
    iteration: int
    purpose: str
    reward: float
    seconds: float


@dataclass(frozen=True)
class Validation:
    """Scores of the averaged generator on the validation latents after some generator steps."""

    generator_steps: int
    inception_score: float | None
    """None: the judge knows no classes."""
    frechet_distance: float
    spread: float | None = None
    """Total variance of the judge's features of its images, as a share of that of the training
    images; None in files of before it was measured."""

    @property
    def collapsed(self) -> bool:
        """Whether the generator makes one image over and over."""
        return self.spread is not None and self.spread < COLLAPSED_SPREAD

    def better_than(self, other: "Validation | None", metric: str) -> bool:
        """Whether this one is preferred: a higher inception score or a lower Fréchet distance."""
        if other is None:
            return True
        mine, theirs = getattr(self, metric), getattr(other, metric)
        return bool(mine > theirs if metric == "inception_score" else mine < theirs)


@dataclass(frozen=True)
class Candidate:
    """An architecture of the final ranking that was trained.

    shared_reward: its score with the shared weights; validation: its best on the validation latents.
    file: its generator, relative to the run's folder.
    """

    architecture: WrittenArchitecture
    shared_reward: float
    generator_steps: int
    validation: Validation
    file: str


def best_first(candidates: list[Candidate], metric: str) -> list[Candidate]:
    """The candidates by what they validated to; those that have collapsed come last."""
    return sorted(candidates, key=lambda candidate: _preference(candidate, metric))


def _preference(candidate: Candidate, metric: str) -> tuple[bool, float]:
    """Smaller is better: what has not collapsed, then the metric."""
    value: float = getattr(candidate.validation, metric)
    return candidate.validation.collapsed, -value if metric == "inception_score" else value


@dataclass(frozen=True)
class FailedCandidate:
    """An architecture of the final ranking whose training went wrong."""

    architecture: WrittenArchitecture
    shared_reward: float
    reason: str


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_plain(value: Any) -> Any:
    """One of these values, as JSON can hold it."""
    kind: Any = type(value)
    return _adapter(kind).dump_python(value, mode="json")


def from_plain(kind: type[T], plain: Any) -> T:
    """The value of a kind that `to_plain` described; `pydantic.ValidationError` where it is none."""
    described: Any = kind
    value: T = _adapter(described).validate_python(plain)
    return value
