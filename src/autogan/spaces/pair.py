"""Pairs: a generator's decisions and its discriminator's as one search space."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Self

from autogan.basics.errors import UserError
from autogan.spaces import PAIRED, search_space, space_class, space_of
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import AroundGenerators
from autogan.spaces.decisions import Decision
from autogan.spaces.discriminator_architecture import (
    EXAMPLE,
    DiscriminatorArchitecture,
    stage_decisions,
)
from autogan.spaces.made_of_cells import numbers_of, taken_of_vector
from autogan.spaces.operations import Operation
from autogan.spaces.space import SearchSpace

if TYPE_CHECKING:
    from autogan.images.classes import Classes
    from autogan.spaces.networks import Discriminator

BETWEEN = "~"
"""In a pair's text, between its generator and its discriminator."""
PREFIX = "discriminator "
"""Before the names of a discriminator's decisions: a generator's may have the same."""


class PairSpace(AroundGenerators):
    """At every stage the decisions of a generator's newest cell, then those of its discriminator's block.

    The first stages of more than four are less than the smaller space: their blocks come to see larger
    maps, where softmax attention is closed.

    `joined` closes none of a given generator space's options that are open, and opens none that are
    closed: with `SearchSpace.only(generator)` the members are the discriminators of one generator.
    """

    @classmethod
    def joined(cls, generators: SearchSpace) -> Self:
        """Each of these generators with each discriminator."""
        assert generators.name == cls.of_generators, generators.name
        return cls(
            tuple(
                (*decisions, *map(_renamed, stage_decisions(stage, generators.stages)))
                for stage, decisions in enumerate(generators.by_stage)
            )
        )

    @classmethod
    def of(cls, stages: int) -> Self:
        """All generators of so many cells, each with each discriminator."""
        return cls.joined(search_space(cls.of_generators, stages))

    @property
    def generators(self) -> SearchSpace:
        """As `AroundGenerators.generators`."""
        return space_class(self.of_generators)(
            tuple(
                decisions[: -len(stage_decisions(stage, self.stages))]
                for stage, decisions in enumerate(self.by_stage)
            )
        )

    @classmethod
    def players(
        cls, architecture: Architecture
    ) -> tuple[Architecture, DiscriminatorArchitecture | None]:
        """The generator of a pair, and its discriminator."""
        stages = len(architecture)
        counts = [len(stage_decisions(stage, stages)) for stage in range(stages)]
        cells = tuple(t[:-n] for t, n in zip(architecture.taken, counts, strict=True))
        blocks = [t[-n:] for t, n in zip(architecture.taken, counts, strict=True)]
        return Architecture(cls.of_generators, cells), DiscriminatorArchitecture.of(blocks)

    @classmethod
    def pair(
        cls, generator: Architecture, discriminator: DiscriminatorArchitecture
    ) -> Architecture:
        """The member of these two; `UserError` where they are not of as many stages."""
        if len(generator) != len(discriminator.blocks):
            raise UserError(
                f"A generator of {len(generator)} cells goes with a discriminator of as many blocks, and "
                f"{discriminator} has {len(discriminator.blocks)}."
            )
        joined = zip(generator.taken, discriminator.taken, strict=True)
        return Architecture(cls.name, tuple((*cell, *block) for cell, block in joined))

    @classmethod
    def text(cls, architecture: Architecture) -> str:
        """The generator's text and the discriminator's, such as `A~B`."""
        generator, discriminator = cls.players(architecture)
        return f"{space_of(generator).text(generator)}{BETWEEN}{discriminator}"

    @classmethod
    def parse(cls, text: str) -> Architecture:
        """Reads the text form of a pair, without the space's name, or its vector."""
        generator, between, discriminator = text.partition(BETWEEN)
        if between:
            return cls.pair(
                space_class(cls.of_generators).parse(generator),
                DiscriminatorArchitecture.parse(discriminator),
            )
        if (numbers := numbers_of(text)) is not None:
            return cls.from_vector(numbers)
        raise UserError(
            f"Cannot read {text!r} as a generator and its discriminator: write both, with {BETWEEN} "
            f"between them; a discriminator is as in {EXAMPLE}."
        )

    @classmethod
    def from_vector(cls, vector: Sequence[int]) -> Architecture:
        """The pair of, stage by stage, the positions of the options of the cell and of the block."""
        taken = taken_of_vector(
            vector, lambda stage: cls.of(stage + 1).at_stage(stage), what="stage"
        )
        return Architecture(cls.name, taken)

    def discriminator(
        self,
        channels: int,
        *,
        spectral_norm: bool = True,
        direction_head: bool = False,
        classes: "Classes | None" = None,
    ) -> "Discriminator":
        """The discriminator with all open options."""
        from autogan.spaces.block_discriminator import BlockDiscriminator

        open_options = [
            [
                decision.options
                for decision in decisions[-len(stage_decisions(stage, self.stages)) :]
            ]
            for stage, decisions in enumerate(self.by_stage)
        ]
        return BlockDiscriminator(
            open_options,
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
        """What the discriminator of its first member does."""
        from autogan.spaces.block_operations import discriminator_operations

        _, discriminator = self.players(self.first())
        assert discriminator is not None
        return discriminator_operations(
            discriminator, stage, channels=channels, image_size=image_size, classes=classes
        )


@cache
def pairs_of(generators: type[SearchSpace]) -> type[PairSpace]:
    """The space of pairs of any space's generators: one class for each."""

    class Pairs(PairSpace):
        of_generators = generators.name
        name = f"{generators.name}{PAIRED}"

    return Pairs


def pair_space(generators: SearchSpace) -> PairSpace:
    """Each of these generators with each discriminator, as a search space."""
    return pairs_of(type(generators)).joined(generators)


def _renamed(decision: Decision) -> Decision:
    return replace(decision, name=f"{PREFIX}{decision.name}")
