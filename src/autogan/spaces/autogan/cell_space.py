"""Spaces whose generators are made of cells, each a stage of growth: what does not depend on the cells."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from autogan.basics.errors import UserError
from autogan.basics.limits import MOST_CELLS
from autogan.spaces.architecture import Architecture
from autogan.spaces.block_operations import discriminator_operations
from autogan.spaces.decisions import Decision
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
from autogan.spaces.operations import Operation
from autogan.spaces.space import SearchSpace
from autogan.spaces.text_diagram import text_diagram
from autogan.spaces.widths import Channels

if TYPE_CHECKING:
    from autogan.images.classes import Classes
    from autogan.spaces.networks import Discriminator


class Codec(Protocol):
    """How the architectures of a space are written; the module of each space."""

    def text_of(self, architecture: Architecture) -> str:
        """The text form, without the space's name."""

    def parse(self, text: str) -> Architecture:
        """Reads the text form, vectors and published names; `UserError` says what cannot be read."""

    def from_vector(self, vector: Sequence[int]) -> Architecture:
        """The architecture of integers, an option's position for each decision."""


class CellSpace(SearchSpace):
    """Decisions for each cell of the generator; the discriminator is AutoGAN's."""

    codec: ClassVar[Codec]

    @classmethod
    @abstractmethod
    def cell_decisions(cls, cell: int) -> tuple[Decision, ...]:
        """What is decided about a cell, counted from 0."""

    @classmethod
    def of(cls, stages: int) -> Self:
        """The space for so many cells, 1 to MOST_CELLS."""
        if not 1 <= stages <= MOST_CELLS:
            raise UserError(f"A search space has 1 to {MOST_CELLS} cells, not {stages}.")
        return cls(tuple(cls.cell_decisions(cell) for cell in range(stages)))

    @classmethod
    def text(cls, architecture: Architecture) -> str:
        """As `Codec.text_of`."""
        return cls.codec.text_of(architecture)

    @classmethod
    def parse(cls, text: str) -> Architecture:
        """As `Codec.parse`."""
        return cls.codec.parse(text)

    @classmethod
    def from_vector(cls, vector: Sequence[int]) -> Architecture:
        """As `Codec.from_vector`."""
        return cls.codec.from_vector(vector)

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
            DiscriminatorArchitecture.plain(self.stages),
            stage,
            channels=channels,
            image_size=image_size,
            classes=classes,
        )

    def text_diagram(
        self, architecture: Architecture, *, channels: Channels, bottom_size: int
    ) -> str:
        """The architecture's generator drawn with characters, for a terminal."""
        return text_diagram(
            self.operations(architecture, latent_size=1, channels=channels, bottom_size=bottom_size)
        )
