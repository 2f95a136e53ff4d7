"""The sections of the search, of what proposes in it, and of the derivation after it."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from autogan.settings.base import AutomaticCount, DecayRate, Section, Weight, refuse_useless
from autogan.settings.game import AdversarialSettings
from autogan.settings.limits import LimitSettings

Metric = Literal["auto", "inception_score", "frechet_distance"]
StrategyName = Literal[
    "reinforce", "random", "evolution", "local-search", "tpe", "gp", "nsga2", "gradient"
]


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
    """Latest losses of each network that are looked at, where threshold is above 0."""
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
    stage_weights: tuple[Weight, ...] = (25, 30, 35)
    """Share of the iterations that each stage gets, as relative weights, one for each cell."""
    shared_epochs: PositiveFloat | None = 15
    """Passes through the training images in each iteration's shared training; may be a fraction."""
    shared_steps: PositiveInt | None = None
    """The same as a number of batches, which does not grow with the data; one of the two is null."""
    controller_steps: PositiveInt = 30
    """Controller updates in each iteration."""
    reward_images: int = Field(default=5000, ge=2)
    """Generated images that a child's reward is computed from."""
    scorers: AutomaticCount = "auto"
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
        refuse_useless(self, "probe_steps", "discriminator")
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
    """The best of them that are trained, as `train.start` says."""
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
