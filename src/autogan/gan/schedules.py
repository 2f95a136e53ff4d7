"""Schedules: what changes from step to step of a training, as a function of the steps done."""

import math
from dataclasses import dataclass

from autogan.gan.step import Gan
from autogan.settings.game import AdversarialSettings


@dataclass(frozen=True)
class Rates:
    """What a step goes by.

    learning_rate, penalty: shares of what the settings say. second_decay_rate: of Adam; None where it
    stays what it is.
    """

    learning_rate: float
    penalty: float
    second_decay_rate: float | None


class Schedule:
    """The rates of every step of a training of `steps` steps, as `schedule` of its settings says.

    They depend on the number of steps that are done alone, so they are no state: a training that goes
    on computes them again.
    """

    def __init__(self, settings: AdversarialSettings, steps: int) -> None:
        self.settings = settings.schedule
        self.second_decay_rate = settings.betas[1]
        self.steps = steps

    def at(self, step: int) -> Rates:
        """The rates of the step after so many."""
        given = self.settings
        passed = min(1.0, step / (given.cosine_share * self.steps))
        left = (1 + math.cos(math.pi * passed)) / 2  # 1 → 0

        def falling(end: float) -> float:
            return end + (1 - end) * left

        learning_rate = 1.0
        if given.learning_rate == "linear":
            learning_rate = max(0.0, min(1.0, 2 * (1 - step / self.steps)))
        elif given.learning_rate == "cosine":
            learning_rate = falling(given.learning_rate_end)
        second = given.second_decay_rate_end
        if second is not None:
            second += (self.second_decay_rate - second) * left
        return Rates(learning_rate, falling(given.penalty_end), second)

    def apply(self, gan: Gan, step: int) -> None:
        """Sets the rates of the step after so many; what the settings let stay is not touched."""
        rates = self.at(step)
        if self.settings.learning_rate != "constant":
            gan.set_learning_rate(rates.learning_rate)
        if self.settings.penalty_end < 1:
            gan.set_penalty_share(rates.penalty)
        if rates.second_decay_rate is not None:
            gan.set_second_decay_rate(rates.second_decay_rate)
