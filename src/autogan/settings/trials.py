"""Settings of a search by trials: trainings from scratch, of which the better ones go on."""

from typing import Literal, get_args

from pydantic import Field, PositiveInt, model_validator

from autogan.settings.base import Section, refuse_useless

GoalName = Literal[
    "frechet_distance",
    "inception_score",
    "parameters",
    "multiply_accumulates",
    "latency_milliseconds",
]
SCORED: tuple[GoalName, ...] = ("frechet_distance", "inception_score")
"""Goals that only a training tells; the others are of the architecture alone."""


class TrialsSettings(Section):
    """A search that trains each architecture from scratch (autogan search --method trials)."""

    count: PositiveInt = 30
    """Trainings that are begun."""
    steps: PositiveInt = 100
    """Generator steps of the first rung: the shortest training."""
    rungs: int = Field(default=3, ge=1, le=8)
    """Levels of training; who is among the best of a rung goes on to the next."""
    reduction: int = Field(default=3, ge=2)
    """One of so many goes on, to so many times the steps (asynchronous successive halving)."""
    goals: tuple[GoalName, ...] = ("frechet_distance",)
    """What is wanted, by the validation latents: one goal, or several, then the best are a front."""
    image_size: int | None = Field(default=None, ge=8, le=256)
    """A proxy: trials at this side in pixels, with bottom_size made smaller as much; null: as the data."""
    width: float = Field(default=1.0, gt=0, le=1)
    """A proxy: the share of all channels that trials have."""
    training: Literal["fixed", "searched"] = "fixed"
    """fixed: all are trained with train.objective. searched: its loss, and what holds the discriminator's
    slope (spectral norm, R1, R1 and R2, or the gradient penalty), are decisions beside the architecture."""
    surrogate: Literal["none", "ridge"] = "none"
    """A proxy: a model that predicts the first goal from decisions chooses among `pool` proposals of the
    strategy, as long as it surely orders trials better than chance. none: the strategy's first is taken."""
    pool: int = Field(default=16, ge=2, le=1000)
    """Proposals of the strategy for one trial, among which the surrogate chooses."""

    @property
    def rung_steps(self) -> tuple[int, ...]:
        """Generator steps, since the beginning of a training, at which each rung ends."""
        return tuple(self.steps * self.reduction**rung for rung in range(self.rungs))

    @model_validator(mode="after")
    def _is_consistent(self) -> "TrialsSettings":
        refuse_useless(self, "pool", "surrogate")
        if not self.goals:
            raise ValueError(f"goals is empty. Choose among {', '.join(get_args(GoalName))}")
        if len(set(self.goals)) < len(self.goals):
            raise ValueError(f"goals names one twice: {', '.join(self.goals)}")
        if not set(self.goals) & set(SCORED):
            raise ValueError(
                f"goals is {', '.join(self.goals)}, for which nothing need be trained. Add "
                f"{' or '.join(SCORED)}"
            )
        return self
