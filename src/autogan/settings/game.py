"""The sections that say how two networks play against each other: objective, schedule, augmentation."""

from typing import Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from autogan.settings.base import DecayRate, PerCell, Probability, Section, Share, refuse_useless

Change = Literal["colour", "shift", "cutout"]
Loss = Literal[
    "hinge", "non-saturating", "relativistic-pairing", "relativistic-average", "wasserstein"
]


class ObjectiveSettings(Section):
    """What the two networks minimise (see `gan/objectives.py` and `gan/penalties.py`)."""

    loss: Loss = "hinge"
    """hinge (the paper's), non-saturating, relativistic-pairing (wants both of the next two),
    relativistic-average, or wasserstein."""
    real_penalty: NonNegativeFloat = 0.0
    """R1: γ of γ/2 times the mean squared gradient of D at real images; 0 for none."""
    generated_penalty: NonNegativeFloat = 0.0
    """R2: the same at generated images; 0 for none."""
    slope_penalty: NonNegativeFloat = 0.0
    """λ of λ times the mean of (length of D's gradient between real and generated images, less 1)²."""
    penalty_every_steps: PositiveInt = 1
    """Discriminator steps from one penalty to the next, which then counts as many times."""
    spectral_norm: bool = True
    """Whether every weight of the discriminator is divided by its largest singular value, as in the
    paper; gradient penalties do without."""
    direction_head: bool = False
    """SAN: whether the discriminator's last layer is a direction of length 1 that is trained by a term
    of its own; for the losses hinge and non-saturating."""
    lecam_penalty: NonNegativeFloat = 0.0
    """LeCam: λ of λ times the mean squares of how far the logits of real images lie above the moving
    average of generated ones, and those of generated images below that of real ones; 0 for none. For
    few images; 0.3 goes with hinge."""
    lecam_decay: DecayRate = 0.99
    """Of these two moving averages, for each discriminator step."""
    lecam_from_step: NonNegativeInt = 1000
    """Discriminator steps before the LeCam penalty begins to count."""
    top_share: Share = 1.0
    """Top-k: share of a generator step's images, those that the discriminator scores best, that alone
    give the generator a gradient in the end; it begins with all of them. Above 0 and up to 1 (all)."""
    top_share_steps: PositiveInt = 10_000
    """Generator steps over which that share falls from 1 to top_share."""

    @property
    def generator_sees_real(self) -> bool:
        """Whether the generator's loss looks at real images too."""
        return self.loss.startswith("relativistic")

    @property
    def penalties(self) -> int:
        """How many of the three there are."""
        given = (self.real_penalty, self.generated_penalty, self.slope_penalty)
        return sum(weight > 0 for weight in given)

    @model_validator(mode="after")
    def _is_consistent(self) -> "ObjectiveSettings":
        if self.penalty_every_steps > 1 and not self.penalties:
            raise ValueError(
                f"penalty_every_steps is {self.penalty_every_steps}, but there is no penalty: set "
                "real_penalty, generated_penalty or slope_penalty"
            )
        if not self.spectral_norm and not self.penalties:
            raise ValueError(
                "spectral_norm is false and there is no penalty: nothing would hold the discriminator's "
                "slope. Set real_penalty, generated_penalty or slope_penalty"
            )
        if self.direction_head and self.loss not in ("hinge", "non-saturating"):
            why = (
                "whose last layer is trained by such a term already"
                if self.loss == "wasserstein"
                else "which only compares logits with each other"
            )
            raise ValueError(
                f"direction_head goes with the losses hinge and non-saturating, and not with "
                f"{self.loss}, {why}"
            )
        for name, needed in (
            ("lecam_decay", "lecam_penalty"),
            ("lecam_from_step", "lecam_penalty"),
            ("top_share_steps", "top_share"),
        ):
            refuse_useless(self, name, needed)
        return self


class ScheduleSettings(Section):
    """What changes while two networks train (see `gan/schedules.py`); by default nothing does."""

    learning_rate: Literal["constant", "linear", "cosine"] = "constant"
    """constant; linear (falls to zero over the second half of the steps); or cosine (falls along half a
    cosine to learning_rate_end)."""
    learning_rate_end: float = Field(default=0.0, ge=0, lt=1)
    """What a cosine leaves of the learning rate, as a share of it; at least 0 and below 1."""
    penalty_end: Share = 1.0
    """What a cosine leaves of real_penalty and generated_penalty, as a share of them; 1: they stay."""
    second_decay_rate_end: DecayRate | None = None
    """What Adam's second decay rate rises to along a cosine; null: it stays. Not with steps that are
    recorded as CUDA graphs (compute.capture=none)."""
    cosine_share: Share = 1.0
    """Share of all steps in which the cosines are done; then what they led to stays."""

    @property
    def has_cosine(self) -> bool:
        """Whether anything follows a cosine."""
        return (
            self.learning_rate == "cosine"
            or self.penalty_end < 1
            or self.second_decay_rate_end is not None
        )

    @model_validator(mode="after")
    def _is_consistent(self) -> "ScheduleSettings":
        if self.learning_rate_end and self.learning_rate != "cosine":
            raise ValueError(
                f"learning_rate_end is {self.learning_rate_end}, which means nothing while "
                f"learning_rate is {self.learning_rate}: it is of cosine"
            )
        if self.cosine_share < 1 and not self.has_cosine:
            raise ValueError(
                f"cosine_share is {self.cosine_share}, but nothing follows a cosine: set "
                "learning_rate=cosine, penalty_end or second_decay_rate_end"
            )
        return self


class AdversarialSettings(Section):
    """Widths, batches and optimisers of a generator and a discriminator that train together."""

    generator_channels: PerCell
    """Channels of every generator cell; or a list with one number for each cell."""
    discriminator_channels: PositiveInt
    """Channels of every discriminator block."""
    generator_batch: int = Field(default=128, ge=2)
    """Generated images in a generator step."""
    discriminator_batch: int = Field(default=64, ge=2)
    """Real images in a discriminator step, beside as many generated ones."""
    discriminator_steps: PositiveInt = 5
    """Discriminator steps for each generator step."""
    learning_rate: PositiveFloat = 2e-4
    """Of Adam, for both networks."""
    betas: tuple[DecayRate, DecayRate] = (0.0, 0.9)
    """Adam's decay rates, each at least 0 and below 1."""
    class_rate: float = Field(default=1.0, gt=0, le=100)
    """How many times faster than all else the generator learns what tells classes apart, up to 100. With
    the hinge loss a high one makes all images of a class alike."""
    objective: ObjectiveSettings = ObjectiveSettings()
    augmentation: tuple[Change, ...] = ()
    """How images are changed before the discriminator looks at them, real and generated ones alike:
    colour, shift, cutout, each at most once. For few images; none by default."""
    augmentation_probability: Probability = 1.0
    """With which each of these changes is done to an image, above 0, up to 1; or adaptive: it begins at 0,
    and rises while the discriminator knows too many real images by heart."""
    augmentation_target: float = Field(default=0.6, ge=0, lt=1)
    """Mean sign of the discriminator's logits at real images above which an adaptive probability rises,
    and below which it falls; at least 0 and below 1."""
    augmentation_images: PositiveInt = 500_000
    """Real images in which an adaptive probability can go from 0 to 1; fewer for a short training."""
    mirror: bool = False
    """Whether each real image of a batch is mirrored left to right with probability ½. Doubles the
    images where a mirrored one could be real (letters could not)."""
    schedule: ScheduleSettings = ScheduleSettings()

    @model_validator(mode="after")
    def _augments_consistently(self) -> "AdversarialSettings":
        if len(set(self.augmentation)) < len(self.augmentation):
            raise ValueError(f"augmentation names a change twice: {', '.join(self.augmentation)}")
        refuse_useless(self, "augmentation_probability", "augmentation")
        if self.augmentation and self.augmentation_probability == 0:
            raise ValueError(
                f"augmentation is {', '.join(self.augmentation)}, which means nothing while "
                "augmentation_probability is 0: no image is changed. Leave augmentation empty"
            )
        adaptive = self.augmentation_probability == "adaptive"
        for name in () if adaptive else ("augmentation_target", "augmentation_images"):
            if (given := getattr(self, name)) != type(self).model_fields[name].default:
                raise ValueError(
                    f"{name} is {given}, which means nothing while augmentation_probability is "
                    f"{self.augmentation_probability}: it is of adaptive"
                )
        if adaptive and self.objective.loss == "wasserstein":
            raise ValueError(
                "augmentation_probability is adaptive, which goes by the sign of the discriminator's "
                "logits, and that says nothing with objective.loss=wasserstein. Give a number"
            )
        return self

    @model_validator(mode="after")
    def _schedules_consistently(self) -> "AdversarialSettings":
        schedule, objective = self.schedule, self.objective
        if schedule.penalty_end < 1 and not (objective.real_penalty or objective.generated_penalty):
            raise ValueError(
                f"schedule.penalty_end is {schedule.penalty_end}, but there is nothing that could "
                "fall: set objective.real_penalty or objective.generated_penalty"
            )
        if schedule.penalty_end < 1 and objective.slope_penalty:
            raise ValueError(
                "schedule.penalty_end is of real_penalty and generated_penalty, and does not go with "
                "objective.slope_penalty"
            )
        end = schedule.second_decay_rate_end
        if end is not None and end < self.betas[1]:
            raise ValueError(
                f"schedule.second_decay_rate_end is {end}, below the second of betas "
                f"({self.betas[1]}): it can only rise"
            )
        return self
