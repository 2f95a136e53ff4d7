"""A surrogate: a model that predicts from its decisions how a trial will score, and knows how well it does.

Ridge regression: every option of every decision is worth a number, small ones preferred, and an
architecture is worth the sum of its own. What it says of a trial without having seen it comes in closed
form for all trials at once, so its quality is known at every moment and costs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autogan.settings.trials import TrialsSettings
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.trials.rank_correlation import kendall
from autogan.trials.records import TrialRecord, goals_of, telling_rung

FEWEST = 16
"""Different architectures with a score, below which nothing is predicted."""
PENALTIES = (0.1, 1.0, 10.0, 100.0)
"""On the squares of the options' worths; the one that predicts best what it has not seen is taken."""
SURELY = 3.0
"""Standard deviations of τ between unrelated orders, by which the model's must exceed nothing.

What is predicted without each trial depends on all the others, so that by chance τ strays up to 2.4 times as
far: with random values 3.5 % of models of 16 and of 30 architectures are beyond three deviations (two: 13.5
and 9 %), and none of 200 of 60 architectures.
"""
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """How well a surrogate orders trials that it has not seen.

    steps: of the rung whose first goal it predicts. architectures: how many it knows of there.
    tau: Kendall's, between values and what is predicted without them. deviation: of τ between so many
    numbers in unrelated orders.
    """

    steps: int
    architectures: int
    tau: float
    deviation: float

    @property
    def trusted(self) -> bool:
        """Whether the model surely knows more than nothing, so that it may choose."""
        return self.tau > SURELY * self.deviation


class Surrogate:
    """Predicts gains, of which more is better."""

    def __init__(
        self, space: SearchSpace, steps: int, known: Sequence[Architecture], gains: Sequence[float]
    ) -> None:
        """known: at least two different architectures."""
        self._space = space
        inputs, values = self._one_hot(known), np.array(gains)
        self._middle, self._mean = inputs.mean(0), values.mean()
        left, scales, right = np.linalg.svd(inputs - self._middle, full_matrices=False)
        centred = values - self._mean
        fits = []
        for penalty in PENALTIES:
            smoother = (left * (scales**2 / (scales**2 + penalty))) @ left.T + 1 / len(values)
            unseen = (values - smoother @ values) / (1 - np.diag(smoother))  # leave-one-out errors
            fits.append((float(np.mean(unseen**2)), penalty, values - unseen))
        _, penalty, predicted = min(fits, key=lambda fit: fit[0])
        self._worths = right.T @ (scales / (scales**2 + penalty) * (left.T @ centred))
        n = len(values)
        deviation = (2 * (2 * n + 5) / (9 * n * (n - 1))) ** 0.5
        self.agreement = Agreement(steps, n, kendall(values, predicted), deviation)

    def predict(self, architectures: Sequence[Architecture]) -> Numbers:
        """The gain of each."""
        found: Numbers = self._mean + (self._one_hot(architectures) - self._middle) @ self._worths
        return found

    def _one_hot(self, architectures: Sequence[Architecture]) -> Numbers:
        """One column for each option of each decision."""
        rows = []
        for architecture in architectures:
            row: list[float] = []
            for stage, decisions in enumerate(self._space.by_stage):
                codes = self._space.encode(architecture, stage)
                for code, decision in zip(codes, decisions, strict=True):
                    row += [float(option == code) for option in range(len(decision.options))]
            rows.append(row)
        return np.array(rows)


def surrogate_of(
    records: Sequence[TrialRecord], settings: TrialsSettings, space: SearchSpace
) -> Surrogate | None:
    """Of the first goal on the highest rung that FEWEST trials have reached; None where none has.

    An architecture that was trained with several seeds counts once, with the mean.
    """
    rung = telling_rung(records, settings, FEWEST)
    steps, goal = settings.rung_steps[rung], goals_of(settings)[0]
    gains: dict[Architecture, list[float]] = {}
    for record in records:
        for score in record.rungs:
            if score.steps == steps:
                gains.setdefault(record.architecture, []).append(goal.gain(score.values[0]))
    if len(gains) < FEWEST:
        return None
    return Surrogate(space, steps, [*gains], [sum(each) / len(each) for each in gains.values()])
