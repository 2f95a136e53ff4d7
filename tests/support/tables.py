"""Tables of trained generators without any training: made-up scores, through the writer that collects."""

import random
from pathlib import Path

from autogan.spaces.architecture import Architecture
from autogan.testing import AdditiveToy
from autogan.trials.table_file import TableWriter, create, members_in_order
from autogan.trials.table_values import Identity, RungRecord, TableScores, TrainingRecord

RUNGS = (10, 20, 40)


def identity(stages: int = 1, **changes: object) -> Identity:
    """Of the space of so many cells; one cell has 36 architectures."""
    plain = {
        "space": "autogan",
        "stages": stages,
        "rungs": RUNGS,
        "recipe": {"trials": {"steps": 10, "rungs": 3, "reduction": 2}, "train": {"rate": 0.1}},
        "data": "d" * 64,
        "judge": "judge-1",
        "code": "c" * 64,
    }
    return Identity(**{**plain, **changes})  # type: ignore[arg-type]


def made_up(
    architecture: Architecture, seed: int = 0, *, noise: float = 0.1, diverges_at: int | None = None
) -> TrainingRecord:
    """A training whose distance falls from rung to rung to what the architecture is worth.

    diverges_at: the rung, counted from 0, that it does not reach. The first rung takes 10 seconds, then 10
    and 20, and every scoring on validation latents 1.
    """
    toy = AdditiveToy(identity(len(architecture)).search_space(), 0)
    stream = random.Random(f"{architecture}/{seed}")

    def scores(steps: int) -> TableScores:
        worth = 20 + 100 / steps - toy.value(architecture) + noise * stream.gauss(0, 1)
        return TableScores(worth, worth / 50, 1.5, 0.7, 0.2, 0.4)

    rungs = tuple(
        RungRecord(steps, float(steps), 1.0, scores(steps), scores(steps))
        for steps in RUNGS[:diverges_at]
    )
    diverged = diverges_at is not None
    return TrainingRecord(
        architecture,
        seed,
        "diverged" if diverged else "complete",
        rungs,
        seconds=rungs[-1].training_seconds + 3 if diverged and rungs else 40.0,
        latency_milliseconds=1.5,
        machine="a machine",
        ended=1000.0,
        losses=((10, 1.25, 0.5), (20, 1.0, 0.75)),
        reason="its losses are nan" if diverged else "",
    )


def make_table(path: Path, count: int | None = None, stages: int = 1, **changes: object) -> Path:
    """A table with seed 0 of its first `count` architectures, or of all."""
    of = identity(stages, **changes)
    create(path, of, lambda architecture: (1000 + len(str(architecture)), 50_000))
    writer = TableWriter(path, of)
    for architecture in members_in_order(of.search_space())[:count]:
        writer.add(made_up(architecture))
    writer.close()
    return path
