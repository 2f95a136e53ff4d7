"""Spaces whose members are generators of another space, each with something beside it."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from autogan.spaces import space_class
from autogan.spaces.architecture import Architecture
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
from autogan.spaces.operations import Operation
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import Channels

if TYPE_CHECKING:
    from autogan.images.classes import Classes
    from autogan.spaces.networks import Generator


class AroundGenerators(SearchSpace):
    """What such a space builds, counts and draws is of its generators."""

    of_generators: ClassVar[str]
    """The name of the space of its generators."""

    @property
    @abstractmethod
    def generators(self) -> SearchSpace:
        """The space of its generators, with the same open options."""

    @classmethod
    @abstractmethod
    def players(
        cls, architecture: Architecture
    ) -> tuple[Architecture, DiscriminatorArchitecture | None]:
        """The generator of a member, and its discriminator where it has one of its own."""

    @classmethod
    def published(cls) -> Mapping[str, Architecture]:
        """None."""
        return {}

    def generator(
        self,
        *,
        latent_size: int,
        channels: Channels,
        bottom_size: int,
        classes: "Classes | None" = None,
    ) -> "Generator":
        """That of its generators; it is told a generator's architecture, not a member's."""
        return self.generators.generator(
            latent_size=latent_size, channels=channels, bottom_size=bottom_size, classes=classes
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
        """What the generator of the member does."""
        return self.generators.operations(
            players(architecture)[0],
            latent_size=latent_size,
            channels=channels,
            bottom_size=bottom_size,
            classes=classes,
        )

    def diagram(self, architecture: Architecture, *, bottom_size: int = 4) -> str:
        """The generator of the member as one SVG drawing."""
        return self.generators.diagram(players(architecture)[0], bottom_size=bottom_size)

    def text_diagram(
        self, architecture: Architecture, *, channels: Channels, bottom_size: int
    ) -> str:
        """The generator of the member drawn with characters."""
        return self.generators.text_diagram(
            players(architecture)[0], channels=channels, bottom_size=bottom_size
        )


@lru_cache(maxsize=4096)
def players(architecture: Architecture) -> tuple[Architecture, DiscriminatorArchitecture | None]:
    """The generator of an architecture, and its discriminator where it is a pair.

    Made once for each: every training step asks.
    """
    space = space_class(architecture.space)
    if issubclass(space, AroundGenerators):
        return space.players(architecture)
    return architecture, None
