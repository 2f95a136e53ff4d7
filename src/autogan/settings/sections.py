"""The typed tree of settings: every default once, every bad value refused with its name.

Defaults are the paper's numbers for CIFAR-10. Presets (`presets/*.yaml`) name what they change.
Nothing here imports torch.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from autogan.basics.limits import MOST_CELLS
from autogan.settings.base import PerCell, Probability, Section
from autogan.settings.judge import JudgeSettings
from autogan.settings.limits import LimitSettings
from autogan.settings.protocols import PROTOCOLS, Protocol, protocol_of
from autogan.settings.trials import TrialsSettings

Metric = Literal["auto", "inception_score", "frechet_distance"]
StrategyName = Literal[
    "reinforce", "random", "evolution", "local-search", "tpe", "gp", "nsga2", "gradient"
]
DecayRate = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(gt=0, le=1)]


class DataSettings(Section):
    """Where the real images come from."""

    source: str = "cifar10"
    """glyphs, cifar10[:PATH], stl10[:PATH], or folder:PATH (a folder or an archive)."""
    skip_broken: bool = False
    """Whether image files that cannot be read are left out and counted; else they are an error."""
    limit_factor: PositiveFloat = 1.0
    """Multiplies what archives and images may hold at most: members, bytes, pixels."""
    image_size: int = Field(default=32, ge=8, le=256)
    """Side of the images at full growth, in pixels: bottom_size times a power of two."""


class ComputeSettings(Section):
    """Where and how the networks run."""

    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    """auto (CUDA if there is one, else CPU), cpu, cuda, cuda:1, mps."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of forward and backward passes; auto is what this run's own steps are faster in, measured when it
    begins (see `method/precision.py`)."""
    layout: Literal["auto", "channels-last", "contiguous"] = "auto"
    """Memory layout of feature maps; auto is channels-last."""
    capture: Literal["auto", "graphs", "none"] = "auto"
    """Whether training steps are recorded as CUDA graphs, which saves launching every kernel anew;
    auto does on CUDA."""


class NetworkSettings(Section):
    """The shape that all networks of a run share."""

    space: Literal["autogan", "modern"] = "autogan"
    """What architectures are taken from: autogan (the paper's space), or modern (residual bottlenecks,
    modulated convolutions, attention, widths). `autogan train` takes that of its architecture."""
    latent_size: PositiveInt = 128
    """Length of a latent vector."""
    bottom_size: PositiveInt = 4
    """Side, in pixels, of the feature map that the first cell doubles."""
    discriminator: str | None = None
    """The discriminator that is trained against, by its text: a block for each cell, such as
    residual/bottleneck+half/residual+softmax/deviation; null: the space's own, which is AutoGAN's
    (residual/residual/residual)."""
    conditional: Literal["never", "always", "auto"] = "never"
    """Whether the networks are told the class of each image: always (images without classes are then
    refused), auto (where the images have classes), or never, as in the paper."""


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
            _refuse_useless(self, name, needed)
        return self


def _refuse_useless(section: Section, name: str, needed: str) -> None:
    """Raises `ValueError` where a setting was changed that means nothing because another was not."""
    defaults = {key: field.default for key, field in type(section).model_fields.items()}
    if getattr(section, name) != defaults[name] and getattr(section, needed) == defaults[needed]:
        raise ValueError(
            f"{name} is {getattr(section, name)}, which means nothing while {needed} is "
            f"{_shown(defaults[needed])}"
        )


def _shown(value: object) -> str:
    return "null" if value is None else "empty" if value == () else str(value)


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
    """With which each of these changes is done to an image, 0 to 1; or adaptive: it begins at 0, and
    rises while the discriminator knows too many real images by heart."""
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
        _refuse_useless(self, "augmentation_probability", "augmentation")
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


class ControllerSettings(Section):
    """The REINFORCE controller (paper section 3.2)."""

    hidden_size: PositiveInt = 100
    """Units of the LSTM and of its embeddings."""
    learning_rate: PositiveFloat = 3.5e-4
    """Of Adam."""
    betas: tuple[DecayRate, DecayRate] = (0.0, 0.9)
    """Adam's decay rates, each at least 0 and below 1."""
    entropy_weight: NonNegativeFloat = 1e-4
    """Weight of the entropy bonus, in reward per nat."""
    baseline_decay: float = Field(default=0.9, ge=0, lt=1)
    """Of the moving average of rewards that is subtracted from each reward."""
    samples_per_step: PositiveInt = 1
    """Architectures scored for one controller update, or for one step of another strategy."""


class EvolutionSettings(Section):
    """Regularised evolution (Real et al., arXiv 1802.01548)."""

    population: PositiveInt = 20
    """The latest architectures that can have children; the first so many of a stage are uniform."""
    tournament: PositiveInt = 5
    """Of which so many are drawn for every child; the best of them is its parent."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "EvolutionSettings":
        if self.tournament > self.population:
            raise ValueError(
                f"tournament ({self.tournament}) cannot be more than population ({self.population})"
            )
        return self


class Nsga2Settings(Section):
    """NSGA-II (Deb et al., 2002), as Optuna has it."""

    population: int = Field(default=20, ge=2)
    """Architectures of a generation; the first generation of a stage is uniform."""


class GradientSettings(Section):
    """Gradients through sampled paths (GDAS, arXiv 1910.04465)."""

    updates_per_step: PositiveInt = 20
    """Updates of the logits in each of `search.controller_steps`, each with one sampled path."""
    learning_rate: PositiveFloat = 0.05
    """Of Adam, for the logits."""
    first_temperature: PositiveFloat = 5.0
    """Of the Gumbel softmax when a stage begins: the higher, the more alike the options' gradients."""
    last_temperature: PositiveFloat = 0.5
    """The same when the stage ends; it falls linearly, and cannot rise."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "GradientSettings":
        if self.last_temperature > self.first_temperature:
            raise ValueError(
                f"last_temperature ({self.last_temperature}) cannot be more than first_temperature "
                f"({self.first_temperature})"
            )
        return self


class ResetSettings(Section):
    """Dynamic reset (paper section 3.3): fresh shared weights once their game has ended."""

    window: int = Field(default=500, ge=2)
    """Latest losses of each network that are looked at."""
    threshold: NonNegativeFloat = 1e-3
    """Standard deviation of a window below which the game counts as collapsed; 0 never resets."""


class SearchSettings(AdversarialSettings):
    """The search (paper algorithm 1)."""

    generator_channels: PositiveInt = 128
    """Channels of every cell of the shared generator: its stages share the layer that makes pixels."""
    discriminator_channels: PositiveInt = 64
    strategy: StrategyName = "reinforce"
    """What proposes architectures: reinforce (the paper's), random, evolution, local-search, tpe, gp, nsga2
    or gradient (see docs/strategies.md)."""
    iterations: PositiveInt = 90
    """Search iterations over all stages."""
    stage_weights: tuple[PositiveFloat, ...] = (25, 30, 35)
    """Share of the iterations that each stage gets, as relative weights, one for each cell."""
    shared_epochs: PositiveFloat | None = 15
    """Passes through the training images in each iteration's shared training; may be a fraction."""
    shared_steps: PositiveInt | None = None
    """The same as a number of batches, which does not grow with the data; one of the two is null."""
    controller_steps: PositiveInt = 30
    """Controller updates in each iteration."""
    reward_images: int = Field(default=5000, ge=2)
    """Generated images that a child's reward is computed from."""
    scorers: Literal["auto"] | PositiveInt = "auto"
    """Processes that score children side by side, where a step has several; with GPUs each takes one of those
    that this process sees, in turn. auto: as many as there are such GPUs, 1 on a CPU."""
    reward: Metric = "auto"
    """A child's reward: inception_score, or frechet_distance (negative). auto is the paper's
    inception score, or where the images have no classes the Fréchet distance."""
    discriminator: Literal["fixed", "after", "together"] = "fixed"
    """Whether discriminators are searched too: fixed (no, as in the paper); after (when the generators'
    search is over, for the best generator); or together (a generator and its discriminator are one
    architecture)."""
    discriminator_iterations: PositiveInt | None = None
    """Search iterations for discriminators after the generators'; null: as many as iterations."""
    probe_steps: PositiveInt = 10
    """Generator steps, each with its discriminator steps, that a discriminator is tried with before its
    generator's images are scored; then all is put back as it was."""
    candidates: PositiveInt = 10
    """M: architectures sampled and scored when a stage ends."""
    beams: PositiveInt = 5
    """K: the best of them that the next stage extends."""
    limits: LimitSettings = LimitSettings()
    reset: ResetSettings = ResetSettings()
    controller: ControllerSettings = ControllerSettings()
    evolution: EvolutionSettings = EvolutionSettings()
    nsga2: Nsga2Settings = Nsga2Settings()
    gradient: GradientSettings = GradientSettings()

    @model_validator(mode="after")
    def _is_consistent(self) -> "SearchSettings":
        if self.beams > self.candidates:
            raise ValueError(
                f"beams ({self.beams}) cannot be more than candidates ({self.candidates})"
            )
        if (self.shared_epochs is None) == (self.shared_steps is None):
            raise ValueError(
                f"of shared_epochs ({self.shared_epochs}) and shared_steps ({self.shared_steps}) one "
                "must be a number and the other null"
            )
        for name in ("iterations", "discriminator_iterations"):
            given = getattr(self, name)
            if given is not None and given < len(self.stage_weights):
                raise ValueError(
                    f"{name} ({given}) must be at least one for each of the "
                    f"{len(self.stage_weights)} stages"
                )
        _refuse_useless(self, "probe_steps", "discriminator")
        if self.scorers not in ("auto", 1) and self.discriminator == "together":
            raise ValueError(
                f"scorers is {self.scorers}, and pairs (discriminator is together) are scored one after the "
                "other, each after a short game of its own: set scorers to auto"
            )
        if self.strategy == "gradient" and self.discriminator != "fixed":
            raise ValueError(
                f"strategy is gradient, which follows the gradient of the generator's loss to its own "
                f"decisions, and cannot look for discriminators: discriminator is {self.discriminator}. "
                "Set it to fixed, or take another strategy"
            )
        if self.discriminator_iterations is not None and self.discriminator != "after":
            raise ValueError(
                f"discriminator_iterations is {self.discriminator_iterations}, which means nothing "
                f"while discriminator is {self.discriminator}: it is of after"
            )
        return self

    @property
    def iterations_of_discriminators(self) -> int:
        """Iterations of the search for discriminators after that for generators; 0 where there is none."""
        if self.discriminator != "after":
            return 0
        return self.discriminator_iterations or self.iterations

    def stage_starts(self, iterations: int | None = None) -> list[int]:
        """The iteration at which each stage begins; each stage gets one iteration or more.

        iterations: of the search, where it is not the generators'.
        """
        iterations = iterations or self.iterations
        stages = len(self.stage_weights)
        total = sum(self.stage_weights)
        starts, passed = [0], 0.0
        for stage, weight in enumerate(self.stage_weights[:-1], start=1):
            passed += weight
            start = round(iterations * passed / total)
            latest = iterations - (stages - stage)
            starts.append(min(max(start, starts[-1] + 1), latest))
        return starts


class DeriveSettings(Section):
    """From the learned policy to one architecture (paper section 3.3)."""

    candidates: PositiveInt = 10
    """Architectures sampled from the learned policy and scored with the shared weights."""
    top: PositiveInt = 3
    """The best of them that are trained from scratch."""
    generator_steps: PositiveInt | None = None
    """Training budget of each in generator steps; unset: the full `train.generator_steps`."""
    metric: Metric = "auto"
    """What decides among the trained candidates, and which state of a training is kept; auto as
    for `search.reward`."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "DeriveSettings":
        if self.top > self.candidates:
            raise ValueError(f"top ({self.top}) cannot be more than candidates ({self.candidates})")
        return self


class TrainSettings(AdversarialSettings):
    """Training one architecture from scratch (paper section 4)."""

    generator_channels: PerCell = 256
    discriminator_channels: PositiveInt = 128
    generator_steps: PositiveInt = 50_000
    """Generator updates."""
    average_decay: float = Field(default=0.999, ge=0, lt=1)
    """Of the exponential moving average of the generator's weights, which is what is kept."""
    average_half_life_images: PositiveFloat | None = None
    """The same as a half-life, in real images that the discriminator sees, which then counts instead of
    average_decay; null: average_decay counts."""
    average_seen_share: Share = 0.05
    """The half-life is at most this share of the images seen so far, so that the start is forgotten."""
    validate_every_steps: PositiveInt = 2500
    """Generator steps between two scorings on the validation latents."""
    validation_images: int = Field(default=5000, ge=2)
    """Generated images in such a scoring."""

    @model_validator(mode="after")
    def _averages_consistently(self) -> "TrainSettings":
        _refuse_useless(self, "average_seen_share", "average_half_life_images")
        return self


class EvaluateSettings(Section):
    """The final scores."""

    protocol: Literal["custom", "autogan-paper", "sngan", "quick"] = "custom"
    """A published protocol by name (see `protocols.py`), which decides the two below; or custom."""
    images: int = Field(default=50_000, ge=2)
    """Generated images, from latents that nothing was chosen by."""
    inception_splits: PositiveInt = 10
    """Parts that the inception score's mean and deviation are taken over."""

    @model_validator(mode="before")
    @classmethod
    def _protocol_decides(cls, values: Any) -> Any:
        """A named protocol fills in its numbers; other numbers beside its name are refused."""
        named = PROTOCOLS.get(str(values.get("protocol"))) if isinstance(values, dict) else None
        if named is None:
            return values
        for name in ("images", "inception_splits"):
            given, fixed = values.get(name), getattr(named, name)
            if given not in (None, fixed):
                raise ValueError(
                    f"evaluate.{name} is {given}, and the protocol {named.name} has {fixed}; with "
                    "other numbers it is evaluate.protocol=custom"
                )
        return {**values, "images": named.images, "inception_splits": named.inception_splits}

    def resolved_protocol(self) -> Protocol:
        """The protocol with its numbers."""
        return protocol_of(self.protocol, self.images, self.inception_splits)


class Settings(Section):
    """Everything that decides what a run does."""

    seed: int = Field(default=0, ge=0)
    """Names all random streams of the run."""
    log_every_steps: PositiveInt = 100
    """Discriminator steps between two lines of losses in the log."""
    checkpoint_every_minutes: NonNegativeFloat = 10.0
    """Minutes between two checkpoints inside long phases; 0 is after every step."""
    data: DataSettings = DataSettings()
    compute: ComputeSettings = ComputeSettings()
    network: NetworkSettings = NetworkSettings()
    judge: JudgeSettings = JudgeSettings()
    search: SearchSettings = SearchSettings()
    trials: TrialsSettings = TrialsSettings()
    derive: DeriveSettings = DeriveSettings()
    train: TrainSettings = TrainSettings()
    evaluate: EvaluateSettings = EvaluateSettings()

    @property
    def cells(self) -> int:
        """Generator cells: how often bottom_size doubles to reach image_size."""
        return (self.data.image_size // self.network.bottom_size).bit_length() - 1

    @property
    def judge_seed(self) -> int:
        """That of the judge's training: its own, else the run's."""
        return self.seed if self.judge.seed is None else self.judge.seed

    @model_validator(mode="after")
    def _is_consistent(self) -> "Settings":
        size, bottom = self.data.image_size, self.network.bottom_size
        if self.cells < 1 or bottom << self.cells != size:
            raise ValueError(
                f"data.image_size ({size}) must be network.bottom_size ({bottom}) doubled one or "
                f"more times{_fitting_bottoms(size)}"
            )
        if self.cells > MOST_CELLS:
            raise ValueError(
                f"network.bottom_size ({bottom}) takes {self.cells} cells to reach data.image_size "
                f"({size}); at most {MOST_CELLS} are allowed"
            )
        if len(self.search.stage_weights) != self.cells:
            raise ValueError(
                f"search.stage_weights needs {self.cells} values, one for each cell from "
                f"{bottom} to {size} pixels; it has {len(self.search.stage_weights)}"
            )
        channels = self.train.generator_channels
        if isinstance(channels, tuple) and len(channels) != self.cells:
            raise ValueError(
                f"train.generator_channels takes one number, or {self.cells}: one for each cell from "
                f"{bottom} to {size} pixels; it has {len(channels)}"
            )
        if self.network.discriminator is not None and self.search.discriminator == "together":
            raise ValueError(
                f"network.discriminator is {self.network.discriminator}, and search.discriminator is "
                "together, which looks for one: set network.discriminator to null or "
                "search.discriminator to fixed or after"
            )
        for name in ("search", "train"):
            if getattr(self, name).objective.direction_head and self.network.conditional != "never":
                raise ValueError(
                    f"{name}.objective.direction_head makes the last layer one direction, and with "
                    f"network.conditional {self.network.conditional} every class may have its own: set "
                    "direction_head to false or network.conditional to never"
                )
        return self


def _fitting_bottoms(size: int) -> str:
    """Which bottoms of usual width reach an image size, as the end of a message."""
    bottoms = [bottom for bottom in range(3, 9) if size % bottom == 0]
    fitting = [bottom for bottom in bottoms if (size // bottom).bit_count() == 1 and bottom < size]
    if not fitting:
        return f"; no bottom of 3 to 8 pixels reaches {size}: choose a size such as 32, 48 or 64"
    return f"; for {size}, take network.bottom_size {' or '.join(map(str, fitting))}"
