"""A table of trained generators: questions are answered at once that would take days of training.

    import autogan
    table = autogan.Table.open()  # GAN-Bench-2592, which comes with the program; or the path of another
    best = table.best()[0]
    print(best, table.query(best).rungs[-1].test)

Nothing here imports torch.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from autogan.basics.errors import UserError
from autogan.spaces.architecture import Architecture
from autogan.strategies.fronts import Gains, first_front
from autogan.trials.table_file import (
    GAN_BENCH,
    identity_in,
    reading,
    records_in,
    sizes_in,
    version_in,
)
from autogan.trials.table_values import (
    HIGHER_IS_BETTER,
    SCORES,
    Identity,
    Latents,
    RungRecord,
    ScoreName,
    TrainingRecord,
    known_score,
)

SIZES = ("parameters", "multiply_accumulates")


@dataclass(frozen=True)
class Simulated:
    """What a training up to a rung would have said, and when.

    values: None where it had diverged by then. seconds: from the rung before to this one, its scoring
    included. total_seconds: since the beginning of the training.
    """

    values: RungRecord | None
    seconds: float
    total_seconds: float


@dataclass(frozen=True)
class Completeness:
    """How much of a table is there: the members of the space, and those with so many seeds or more."""

    members: int
    trained: int
    with_seeds: dict[int, int]

    @property
    def whole(self) -> bool:
        """Whether every member was trained."""
        return self.trained == self.members

    def __str__(self) -> str:
        more = [f"{n:,} with {seeds} seeds" for seeds, n in self.with_seeds.items()]
        return ", ".join([f"{self.trained:,} of {self.members:,} architectures", *more])


class Table:
    """A table in memory: every question outside it raises `UserError`. Made by `Table.open`."""

    def __init__(
        self,
        name: str,
        identity: Identity,
        version: str,
        sizes: dict[str, tuple[int, int]],
        records: Sequence[TrainingRecord],
    ) -> None:
        """name: for messages. sizes: parameters and multiply-accumulates of every member, by its text."""
        self.name = name
        self.identity = identity
        self.version = version
        self.space = identity.search_space()
        self.rungs = identity.rungs
        self._sizes = sizes
        self._records: dict[Architecture, dict[int, TrainingRecord]] = {}
        for record in records:
            self._records.setdefault(record.architecture, {})[record.seed] = record

    @classmethod
    def open(cls, path: str | Path = GAN_BENCH) -> Self:
        """Reads a table's file whole. Raises `UserError` where it is damaged or something else."""
        path = Path(path)
        with reading(path) as connection:
            identity = identity_in(connection, path)
            sizes, version = sizes_in(connection), version_in(connection)
            name = path.stem if path == GAN_BENCH else str(path)
            return cls(name, identity, version, sizes, list(records_in(connection, path)))

    @property
    def architectures(self) -> list[Architecture]:
        """Those that were trained, in the order of their trainings."""
        return list(self._records)

    @property
    def records(self) -> list[TrainingRecord]:
        """All trainings."""
        return [record for seeds in self._records.values() for record in seeds.values()]

    @property
    def machines(self) -> list[str]:
        """What trained them; seconds and latencies compare only within one."""
        return sorted({record.machine for record in self.records})

    @property
    def completeness(self) -> Completeness:
        """How much of it is there."""
        most = max(map(len, self._records.values()), default=0)
        with_seeds = {
            seeds: sum(len(of) >= seeds for of in self._records.values())
            for seeds in range(2, most + 1)
        }
        return Completeness(len(self._sizes), len(self._records), with_seeds)

    def seeds(self, architecture: Architecture) -> list[int]:
        """Those that an architecture was trained with."""
        if architecture not in self._records:
            self._refuse_foreign(architecture)
            raise UserError(
                f"{self.name} has no training of {architecture} yet: it holds {self.completeness}."
            )
        return list(self._records[architecture])

    def query(self, architecture: Architecture, seed: int = 0) -> TrainingRecord:
        """One training with all its rungs. Raises `UserError` where the table has none such."""
        seeds = self.seeds(architecture)
        if seed not in seeds:
            have = ", ".join(map(str, seeds))
            raise UserError(f"{self.name} has {architecture} with the seeds {have}, not {seed}.")
        return self._records[architecture][seed]

    def sizes(self, architecture: Architecture) -> dict[str, int]:
        """Parameters and multiply-accumulates of the generator; known of every member."""
        self._refuse_foreign(architecture)
        return dict(zip(SIZES, self._sizes[str(architecture)], strict=True))

    def simulate(self, architecture: Architecture, rung: int, seed: int = 0) -> Simulated:
        """What training up to a rung would have said, and how long it would have taken.

        rung: counted from 0, or from the end with -1.
        """
        record, rung = self.query(architecture, seed), self._refuse_rung(rung)
        total = record.total_seconds(rung)
        before = record.total_seconds(rung - 1) if rung else 0.0
        return Simulated(record.at(rung), total - before, total)

    def score(
        self,
        architecture: Architecture,
        score: ScoreName = "frechet_distance",
        rung: int = -1,
        latents: Latents = "test",
    ) -> float | None:
        """The mean of a score over an architecture's seeds; None where one of them diverged before, or
        the images have no classes. rung: counted from 0, or from the end with -1."""
        rung = self._refuse_rung(rung)
        score = known_score(score)
        values = []
        for seed in self.seeds(architecture):
            reached = self._records[architecture][seed].at(rung)
            value = getattr(reached.scores(latents), score) if reached else None
            if value is None:
                return None
            values.append(value)
        return statistics.fmean(values)

    def best(
        self,
        score: ScoreName = "frechet_distance",
        count: int = 10,
        rung: int = -1,
        latents: Latents = "test",
    ) -> list[Architecture]:
        """The `count` best of the space, best first. Raises `UserError` where the table is not whole."""
        self.refuse_partial("best")
        scored = [(self.score(a, score, rung, latents), a) for a in self._records]
        sign = -1 if score in HIGHER_IS_BETTER else 1
        reached = [(sign * value, a) for value, a in scored if value is not None]
        return [a for _, a in sorted(reached, key=lambda pair: pair[0])[:count]]

    def pareto(
        self,
        goals: Sequence[str] = ("frechet_distance", "parameters"),
        rung: int = -1,
        latents: Latents = "test",
    ) -> list[Architecture]:
        """Those that none dominates (as good in every goal, better in one); best by the first goal first.

        goals: scores, parameters, multiply_accumulates. Raises `UserError` where the table is not whole."""
        self.refuse_partial("pareto")
        if not goals:
            raise UserError(f"Name goals: {', '.join((*SCORES, *SIZES))}.")
        gains: dict[Architecture, Gains] = {}
        for architecture in self._records:
            values = [self._goal(architecture, goal, rung, latents) for goal in goals]
            if None not in values:
                gains[architecture] = tuple(value for value in values if value is not None)
        architectures = list(gains)
        return [architectures[place] for place in first_front(list(gains.values()))]

    def _goal(
        self, architecture: Architecture, goal: str, rung: int, latents: Latents
    ) -> float | None:
        """More is better."""
        if goal in SIZES:
            return -self.sizes(architecture)[goal]
        for name in SCORES:
            if name == goal:
                value = self.score(architecture, name, rung, latents)
                return value if value is None or name in HIGHER_IS_BETTER else -value
        raise UserError(f"Goals are {', '.join((*SCORES, *SIZES))}, not {goal!r}.")

    def refuse_partial(self, what: str) -> None:
        """Raises `UserError` where a member of the space was not trained yet: what is asked needs all."""
        if not self.completeness.whole:
            raise UserError(
                f"{self.name} is not whole, and {what} needs all of it: it holds {self.completeness}. "
                "Collect the rest: autogan table collect."
            )

    def _refuse_foreign(self, architecture: Architecture) -> None:
        if str(architecture) not in self._sizes:
            raise UserError(
                f"{architecture} is no member of {self.name}: that is of the space "
                f"{self.identity.space} with {self.identity.stages} cells."
            )

    def _refuse_rung(self, rung: int) -> int:
        """The rung, counted from 0."""
        if not -len(self.rungs) <= rung < len(self.rungs):
            steps = ", ".join(map(str, self.rungs))
            raise UserError(
                f"There is no rung {rung}: {self.name} has {len(self.rungs)}, after {steps} steps."
            )
        return rung % len(self.rungs)
