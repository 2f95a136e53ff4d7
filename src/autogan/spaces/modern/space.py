"""The modern search space: where the files of this package meet."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

from autogan.basics.errors import UserError
from autogan.basics.limits import MOST_CELLS
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.operations import discriminator_operations
from autogan.spaces.modern import codec
from autogan.spaces.modern.decisions import NAME, cell_decisions
from autogan.spaces.modern.diagram import architecture_diagram
from autogan.spaces.modern.operations import generator_operations
from autogan.spaces.operations import Operation
from autogan.spaces.space import SearchSpace
from autogan.spaces.text_diagram import text_diagram
from autogan.spaces.widths import Channels

if TYPE_CHECKING:
    from autogan.images.classes import Classes
    from autogan.spaces.networks import Discriminator, Generator


class ModernSpace(SearchSpace):
    """Decisions for each cell of the generator; a cell is a stage of growth.

    `ModernSpace.of(3)` has 162 × 324 × 648 = 34,012,224 architectures. Its own discriminator is AutoGAN's.
    """

    name = NAME

    @classmethod
    def of(cls, stages: int) -> Self:
        """The space for so many cells, 1 to MOST_CELLS."""
        if not 1 <= stages <= MOST_CELLS:
            raise UserError(f"A search space has 1 to {MOST_CELLS} cells, not {stages}.")
        return cls(tuple(cell_decisions(cell) for cell in range(stages)))

    @classmethod
    def published(cls) -> Mapping[str, Architecture]:
        """None."""
        return {}

    @classmethod
    def text(cls, architecture: Architecture) -> str:
        """The text form; see `codec.text_of`."""
        return codec.text_of(architecture)

    @classmethod
    def parse(cls, text: str) -> Architecture:
        """Reads text forms and vectors; see `codec.parse`."""
        return codec.parse(text)

    @classmethod
    def from_vector(cls, vector: Sequence[int]) -> Architecture:
        """The architecture of a vector; see `codec.from_vector`."""
        return codec.from_vector(vector)

    def generator(
        self,
        *,
        latent_size: int,
        channels: Channels,
        bottom_size: int,
        classes: "Classes | None" = None,
    ) -> "Generator":
        """The generator with all open options, its weights not drawn yet."""
        from autogan.spaces.modern.generator import ModernGenerator

        return ModernGenerator(
            self,
            latent_size=latent_size,
            channels=channels,
            bottom_size=bottom_size,
            classes=classes,
        )

    def discriminator(
        self,
        channels: int,
        *,
        spectral_norm: bool = True,
        direction_head: bool = False,
        classes: "Classes | None" = None,
    ) -> "Discriminator":
        """As `SearchSpace.discriminator`."""
        from autogan.spaces.autogan.discriminator import AutoGanDiscriminator

        return AutoGanDiscriminator(
            self.stages,
            channels,
            spectral_norm=spectral_norm,
            direction_head=direction_head,
            classes=classes,
        )

    def operations(
        self,
        architecture: Architecture,
        *,
        latent_size: int,
        channels: Channels,
        bottom_size: int,
        classes: "Classes | None" = None,
    ) -> tuple[Operation, ...]:
        """What the generator of `architecture` does to one latent, in the order in which it runs."""
        return generator_operations(
            architecture,
            latent_size=latent_size,
            channels=channels,
            bottom_size=bottom_size,
            classes=classes,
        )

    def discriminator_operations(
        self,
        stage: int,
        *,
        channels: int,
        image_size: int,
        classes: "Classes | None" = None,
    ) -> tuple[Operation, ...]:
        """What the discriminator does at `stage` to one image of `image_size` pixels a side."""
        return discriminator_operations(
            stages=self.stages,
            stage=stage,
            channels=channels,
            image_size=image_size,
            classes=classes,
        )

    def diagram(self, architecture: Architecture, *, bottom_size: int = 4) -> str:
        """The architecture's generator as one SVG drawing."""
        return architecture_diagram(architecture, bottom_size)

    def text_diagram(
        self, architecture: Architecture, *, channels: Channels, bottom_size: int
    ) -> str:
        """The architecture's generator drawn with characters, for a terminal."""
        return text_diagram(
            generator_operations(
                architecture, latent_size=1, channels=channels, bottom_size=bottom_size
            )
        )
