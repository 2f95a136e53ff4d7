"""The typed tree of settings: every default once, every bad value refused with its name.

Defaults are the paper's numbers for CIFAR-10. Presets (`presets/*.yaml`) name what they change.
Nothing here imports torch.
"""

from typing import Any, Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from autogan.settings.base import PerCell, Section, Share, refuse_useless
from autogan.settings.game import AdversarialSettings
from autogan.settings.judge import JudgeSettings
from autogan.settings.protocols import PROTOCOLS, Protocol, protocol_of
from autogan.settings.search import DeriveSettings, SearchSettings
from autogan.settings.trials import TrialsSettings

SMALLEST_BOTTOM = 2
"""Instance normalisation needs more than one pixel."""


class DataSettings(Section):
    """Where the real images come from."""

    source: str = "cifar10"
    """glyphs, cifar10[:PATH], stl10[:PATH], or folder:PATH (a folder or an archive)."""
    skip_broken: bool = False
    """Whether image files that cannot be read are left out and counted; else they are an error."""
    limit_factor: float = Field(default=1.0, gt=0, le=1e6)
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
    bottom_size: int = Field(default=4, ge=SMALLEST_BOTTOM)
    """Side, in pixels, of the feature map that the first cell doubles."""
    discriminator: str | None = None
    """The discriminator that is trained against, by its text: a block for each cell, such as
    residual/bottleneck+half/residual+softmax/deviation; null: the space's own, which is AutoGAN's
    (residual/residual/residual)."""
    conditional: Literal["never", "always", "auto"] = "never"
    """Whether the networks are told the class of each image: always (images without classes are then
    refused), auto (where the images have classes), or never, as in the paper."""


class TrainSettings(AdversarialSettings):
    """Training one architecture (paper section 4)."""

    start: Literal["fresh", "shared"] = "fresh"
    """Weights that a run's trainings begin with: fresh ones, as in the paper; or shared, those that both
    networks of the run's search have learned, of the options that the architecture takes. The two
    games must then be of one shape. Where there is no search with shared weights, they are fresh."""
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
        refuse_useless(self, "average_seen_share", "average_half_life_images")
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
        if self.network.conditional == "always" and self.direction_heads:
            raise ValueError(
                f"{self.direction_heads[0]}.objective.direction_head makes the last layer one direction, "
                "and with network.conditional always every class may have its own: set direction_head "
                "to false or network.conditional to never"
            )
        return self

    @property
    def direction_heads(self) -> list[str]:
        """The sections whose discriminators end in a direction (SAN), which classes do not go with."""
        sections = {"search": self.search, "train": self.train}
        return [name for name, section in sections.items() if section.objective.direction_head]


def _fitting_bottoms(size: int) -> str:
    """Which bottoms of usual width reach an image size, as the end of a message."""
    bottoms = [bottom for bottom in range(3, 9) if size % bottom == 0]
    fitting = [bottom for bottom in bottoms if (size // bottom).bit_count() == 1 and bottom < size]
    if not fitting:
        return f"; no bottom of 3 to 8 pixels reaches {size}: choose a size such as 32, 48 or 64"
    return f"; for {size}, take network.bottom_size {' or '.join(map(str, fitting))}"
