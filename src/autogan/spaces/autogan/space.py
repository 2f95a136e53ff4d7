"""AutoGAN's search space (paper section 3.1): where the rooms of this package meet."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan import codec
from autogan.spaces.autogan.cell_space import CellSpace
from autogan.spaces.autogan.decisions import NAME, cell_decisions
from autogan.spaces.autogan.diagram import architecture_diagram
from autogan.spaces.autogan.operations import generator_operations
from autogan.spaces.decisions import Decision
from autogan.spaces.operations import Operation
from autogan.spaces.widths import Channels

if TYPE_CHECKING:
    from autogan.images.classes import Classes
    from autogan.spaces.networks import Generator


class AutoGanSpace(CellSpace):
    """Decisions for each cell of the generator; a cell is a stage of growth.

    `AutoGanSpace.of(3)` is the published space of 36 × 72 × 144 = 373,248 architectures.
    """

    name = NAME
    codec: ClassVar = codec

    @classmethod
    def cell_decisions(cls, cell: int) -> tuple[Decision, ...]:
        """As `CellSpace.cell_decisions`."""
        return cell_decisions(cell)

    @classmethod
    def published(cls) -> Mapping[str, Architecture]:
        """The three CIFAR-10 architectures of the paper's table 1."""
        return {name: codec.from_vector(vector) for name, vector in codec.PUBLISHED_VECTORS.items()}

    def generator(
        self,
        *,
        latent_size: int,
        channels: Channels,
        bottom_size: int,
        classes: "Classes | None" = None,
    ) -> "Generator":
        """The generator with all open options, its weights not drawn yet."""
        from autogan.spaces.autogan.generator import AutoGanGenerator

        return AutoGanGenerator(
            self,
            latent_size=latent_size,
            channels=channels,
            bottom_size=bottom_size,
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

    def diagram(self, architecture: Architecture, *, bottom_size: int = 4) -> str:
        """The architecture's generator as one SVG drawing."""
        return architecture_diagram(architecture, bottom_size)
