"""How much of what one training says is the architecture's, from trainings with several seeds."""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from autogan.trials.rank_correlation import kendall
from autogan.trials.table import Table
from autogan.trials.table_values import ScoreName


@dataclass(frozen=True)
class Reliability:
    """Of one training's score on test latents at a rung.

    share: of the variance that is the architecture's: 1 at most, 0 or less where none of it is, None where
    all scores are equal. agreement: the mean over pairs of seeds of Kendall's τ between the orders in
    which they put the architectures.
    architectures: that were trained with all of `seeds` seeds and did not diverge before the rung.
    """

    score: ScoreName
    steps: int
    share: float | None
    agreement: float
    architectures: int
    seeds: int


def reliability_of(table: Table, score: ScoreName = "frechet_distance") -> list[Reliability]:
    """At each rung, on test latents, from the architectures with the most seeds; none where no two have
    two seeds or more."""
    most = max(table.completeness.with_seeds, default=1)
    if most < 2:
        return []
    found = []
    for rung, steps in enumerate(table.rungs):
        values = []
        for architecture in table.architectures:
            records = [table.query(architecture, seed) for seed in table.seeds(architecture)]
            reached = [getattr(r.rungs[rung].test, score) for r in records if rung < len(r.rungs)]
            if len(reached) == most and None not in reached:
                values.append(reached)
        if len(values) > 1:
            share, agreement = architecture_share(values), seed_agreement(values)
            found.append(Reliability(score, steps, share, agreement, len(values), most))
    return found


def architecture_share(values: Sequence[Sequence[float]]) -> float | None:
    """The intraclass correlation ICC(1) of one-way random effects (Shrout & Fleiss 1979).

    values: a row for each architecture, a value for each seed. None where all values are equal.
    """
    architectures, seeds = len(values), len(values[0])
    means = [statistics.fmean(row) for row in values]
    between = seeds * statistics.variance(means)
    within = sum((v - m) ** 2 for row, m in zip(values, means, strict=True) for v in row)
    within /= architectures * (seeds - 1)
    total = between + (seeds - 1) * within
    return (between - within) / total if total else None


def seed_agreement(values: Sequence[Sequence[float]]) -> float:
    """The mean of Kendall's τ over all pairs of seeds; rows and values as above."""
    columns = list(zip(*values, strict=True))
    return statistics.fmean(
        kendall(one, other) for one, other in itertools.combinations(columns, 2)
    )
