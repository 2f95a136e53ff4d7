"""What a table of trained generators holds, as values: what was trained, and what came of each training."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Literal, Self

from autogan.basics.errors import unknown_name
from autogan.basics.trees import leaves
from autogan.runs.outcomes import COLLAPSED_SPREAD
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace

Latents = Literal["validation", "test"]
LATENTS: tuple[Latents, ...] = ("validation", "test")
"""What images are scored from: latents that a search may look at, and such that nothing is chosen by."""
ScoreName = Literal["frechet_distance", "kernel_distance", "inception_score", "precision", "recall"]
SCORES: tuple[ScoreName, ...] = (
    "frechet_distance",
    "kernel_distance",
    "inception_score",
    "precision",
    "recall",
)
HIGHER_IS_BETTER: tuple[ScoreName, ...] = ("inception_score", "precision", "recall")


def known_score(text: str) -> ScoreName:
    """The score of that name; `UserError` lists them where there is none."""
    for name in SCORES:
        if name == text:
            return name
    raise unknown_name("score", text, SCORES)


@dataclass(frozen=True)
class Identity:
    """What all trainings of a table share; those of two tables compare only where all of it is the same.

    space, stages: of the search space, all of whose members belong to the table. rungs: generator steps at
    which a training is scored. recipe: every setting that numbers depend on. data, judge: a digest and a
    name. code: a digest of the program's files that numbers come from.
    """

    space: str
    stages: int
    rungs: tuple[int, ...]
    recipe: dict[str, Any]
    data: str
    judge: str
    code: str

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "rungs": list(self.rungs)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """What `to_plain` gave."""
        return cls(**{**plain, "rungs": tuple(plain["rungs"])})

    def differences(self, other: "Identity", own_place: str, other_place: str) -> list[str]:
        """Where another one differs, one line each, with the words that say where each of them is."""
        ours, theirs = leaves(self.to_plain()), leaves(other.to_plain())
        return [
            f"{name}: {ours.get(name)} {own_place}, {theirs.get(name)} {other_place}"
            for name in dict.fromkeys([*ours, *theirs])
            if ours.get(name) != theirs.get(name)
        ]

    def search_space(self) -> SearchSpace:
        """The space."""
        return search_space(self.space, self.stages)


@dataclass(frozen=True)
class TableScores:
    """What the judge says of a generator's images against the training images.

    inception_score: None where the images have no classes. spread: total variance of the features of the
    generated images, as a share of that of the training images.
    """

    frechet_distance: float
    kernel_distance: float
    inception_score: float | None
    precision: float
    recall: float
    spread: float


@dataclass(frozen=True)
class RungRecord:
    """A training at one rung. training_seconds: since its beginning, without any scoring.
    scoring_seconds: of the scoring on the validation latents at this rung."""

    steps: int
    training_seconds: float
    scoring_seconds: float
    validation: TableScores
    test: TableScores

    @property
    def collapsed(self) -> bool:
        """Whether the generator makes one image over and over."""
        return self.validation.spread < COLLAPSED_SPREAD

    def scores(self, latents: Latents) -> TableScores:
        """Those of one set of latents."""
        return self.validation if latents == "validation" else self.test


@dataclass(frozen=True)
class TrainingRecord:
    """One training from scratch.

    state: complete, or diverged: then `rungs` are those before, and `reason` says what happened.
    seconds: of the whole training without scoring, to its end or to where it went wrong.
    latency_milliseconds: of one image. machine: what trained it. ended: Unix time.
    losses: generator step, loss of the discriminator, loss of the generator.
    """

    architecture: Architecture
    seed: int
    state: Literal["complete", "diverged"]
    rungs: tuple[RungRecord, ...]
    seconds: float
    latency_milliseconds: float
    machine: str
    ended: float
    losses: tuple[tuple[int, float, float], ...] = ()
    reason: str = ""

    @cached_property
    def digest(self) -> str:
        """Of all that it says; 16 hexadecimal digits."""
        plain = {**asdict(self), "architecture": str(self.architecture)}
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def numbers(self) -> tuple[Any, ...]:
        """All that does not hang on the clock and on the machine: what another process would find too."""
        scores = tuple((rung.steps, rung.validation, rung.test) for rung in self.rungs)
        return (str(self.architecture), self.seed, self.state, scores, self.losses)

    def total_seconds(self, rung: int) -> float:
        """Of training up to a rung, counted from 0, with the scorings on validation latents up to there.

        All that it took, where it diverged before.
        """
        scored = sum(r.scoring_seconds for r in self.rungs[: rung + 1])
        reached = rung < len(self.rungs)
        return scored + (self.rungs[rung].training_seconds if reached else self.seconds)

    def at(self, rung: int) -> RungRecord | None:
        """What it came to at a rung, counted from 0; None where it diverged before."""
        return self.rungs[rung] if rung < len(self.rungs) else None


SCORE_COLUMNS = tuple(field.name for field in fields(TableScores))
