"""What one search looks for, and the networks that it trains together: generators, discriminators, pairs."""

from dataclasses import dataclass

from autogan.basics.randomness import derived_seed
from autogan.gan.from_settings import discriminator_for, gan_for
from autogan.gan.step import Gan
from autogan.method.context import Context
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
from autogan.spaces.pair import PairSpace, pair_space
from autogan.spaces.space import SearchSpace

SEARCH, DISCRIMINATOR = "search", "discriminator"
"""The parts of a run that search."""


@dataclass(frozen=True)
class Subject:
    """What one search looks for.

    part: of the run; names its states, its random streams and its lines of the journal.
    space: what architectures are proposed from. iterations: of the search. probes: whether a child is
    scored after a short game with its discriminator, because it is a pair (see `Probe`).
    """

    part: str
    space: SearchSpace
    iterations: int
    probes: bool

    @classmethod
    def first(cls, context: Context) -> "Subject":
        """Of the search that every run begins with: generators, or pairs where both are searched together."""
        options = context.settings.search
        together = options.discriminator == "together"
        space = pair_space(context.space) if together else context.space
        return cls(SEARCH, space, options.iterations, together)

    @classmethod
    def discriminators(cls, context: Context, generator: Architecture) -> "Subject":
        """Discriminators for one generator; pairs, of which the generator's decisions are closed."""
        iterations = context.settings.search.iterations_of_discriminators
        return cls(DISCRIMINATOR, pair_space(SearchSpace.only(generator)), iterations, True)

    @property
    def generators(self) -> SearchSpace:
        """The space of its generators: its own, or of pairs that of their generators."""
        return self.space.generators if isinstance(self.space, PairSpace) else self.space

    @property
    def line_part(self) -> str | None:
        """What lines of the journal say of their part; nothing for the search that runs begin with."""
        return None if self.part == SEARCH else self.part

    def seed(self, seed: int) -> int:
        """Of its strategy: that of the run, or for a search after the first one of its own."""
        return seed if self.part == SEARCH else derived_seed(seed, self.part)


def shared_gan(context: Context, subject: Subject) -> Gan:
    """Both networks with all options that are open, and with fresh weights."""
    settings, options = context.settings, context.settings.search
    return gan_for(
        options,
        subject.space.generator(
            latent_size=settings.network.latent_size,
            channels=options.generator_channels,
            bottom_size=settings.network.bottom_size,
            classes=context.classes,
        ),
        discriminator_for(
            options,
            subject.space,
            context.classes,
            None if subject.probes else context.discriminator,
        ),
        context.compute,
        seed=settings.seed,
        purpose=subject.part,
    )


def with_discriminator(
    architecture: Architecture, context: Context
) -> tuple[Architecture, DiscriminatorArchitecture | None]:
    """The generator of an architecture, and what it is trained against: its own discriminator where it is a
    pair, else that of the settings; None for the space's own."""
    generator, own = players(architecture)
    return generator, own or context.discriminator
