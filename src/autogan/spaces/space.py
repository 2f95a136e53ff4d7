"""A search space: a list of decisions, each with a place. What every space is, and what each gives."""

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from autogan.basics.limits import MOST_CELLS
from autogan.spaces import search_space, space_of
from autogan.spaces.architecture import Architecture
from autogan.spaces.decisions import Decision, Option, Place
from autogan.spaces.operations import Operation
from autogan.spaces.widths import Channels

if TYPE_CHECKING:
    from autogan.images.classes import Classes
    from autogan.spaces.networks import Discriminator, Generator


@dataclass(frozen=True)
class SearchSpace(ABC):
    """The decisions that are open, stage by stage of growth; the first stages are a space too.

    `search_space(name, stages)` is a whole space; `SearchSpace.only(architecture)` has a single
    member: a network built for it is that architecture's own. At each stage the image is twice as
    large as at the one before.
    """

    by_stage: tuple[tuple[Decision, ...], ...]

    name: ClassVar[str]

    @staticmethod
    def only(architecture: Architecture) -> "SearchSpace":
        """The space whose one member is `architecture`."""
        whole = space_of(architecture)
        return type(whole)(
            tuple(
                tuple(replace(d, options=(o,)) for d, o in zip(decisions, options, strict=True))
                for decisions, options in zip(whole.by_stage, architecture.taken, strict=True)
            )
        )

    @property
    def stages(self) -> int:
        """How many stages of growth the space has, 1 or more."""
        return len(self.by_stage)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All decisions in order."""
        return tuple(decision for decisions in self.by_stage for decision in decisions)

    def at_stage(self, stage: int) -> tuple[Decision, ...]:
        """The decisions that a stage adds, counted from 0."""
        return self.by_stage[stage]

    def options(self, place: Place, name: str) -> tuple[Option, ...]:
        """The open options of one decision; none where the space has no such decision."""
        return next((d.options for d in self.decisions if (d.place, d.name) == (place, name)), ())

    def cardinality(self) -> int:
        """How many architectures the space holds."""
        return math.prod(len(decision.options) for decision in self.decisions)

    def __contains__(self, architecture: Architecture) -> bool:
        return (
            architecture.space == self.name
            and len(architecture) <= self.stages
            and all(
                option in decision.options
                for options, decisions in zip(architecture.taken, self.by_stage, strict=False)
                for option, decision in zip(options, decisions, strict=True)
            )
        )

    def prefix(self, stages: int) -> Self:
        """The space of the first `stages` stages."""
        return type(self)(self.by_stage[:stages])

    def by_name(self, architecture: Architecture) -> list[dict[str, Option]]:
        """What each stage of `architecture` takes, by the names of the decisions.

        A question that the space asks only at other stages, as of skips, is answered with none.
        """
        names = {d.name: None for d in search_space(self.name, MOST_CELLS).decisions}
        stages = []
        for decisions, options in zip(self.by_stage, architecture.taken, strict=True):
            taken = {d.name: option for d, option in zip(decisions, options, strict=True)}
            stages.append({name: taken.get(name, ()) for name in names})
        return stages

    def encode(self, architecture: Architecture, stage: int) -> list[int]:
        """The position of the taken option for every decision of a stage."""
        taken = zip(self.by_stage[stage], architecture.taken[stage], strict=True)
        return [decision.options.index(option) for decision, option in taken]

    def extend(self, prefix: Architecture | None, codes: Iterable[int]) -> Architecture:
        """`prefix` with one more stage, whose options stand at the positions `codes`."""
        done = prefix.taken if prefix else ()
        coded = zip(self.by_stage[len(done)], codes, strict=True)
        return Architecture(self.name, (*done, tuple(d.options[code] for d, code in coded)))

    def first(self) -> Architecture:
        """The architecture that takes every decision's first option."""
        taken = tuple(tuple(d.options[0] for d in decisions) for decisions in self.by_stage)
        return Architecture(self.name, taken)

    def sample(self, generator: random.Random, prefix: Architecture | None = None) -> Architecture:
        """One architecture, uniform over the space, or over what extends `prefix`."""
        architecture = prefix
        for decisions in self.by_stage[len(prefix) if prefix else 0 :]:
            codes = [generator.randrange(len(d.options)) for d in decisions]
            architecture = self.extend(architecture, codes)
        assert architecture is not None, "a space has at least one stage"
        return architecture

    # What each space gives.

    @classmethod
    @abstractmethod
    def of(cls, stages: int) -> Self:
        """The whole space of `stages` stages; `UserError` where there is none of that many."""

    @classmethod
    @abstractmethod
    def published(cls) -> Mapping[str, Architecture]:
        """Architectures that have names, by their names."""

    @classmethod
    @abstractmethod
    def text(cls, architecture: Architecture) -> str:
        """The text form, without the name of the space."""

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Architecture:
        """Reads published names, text forms and vectors; `UserError` says what cannot be read."""

    @classmethod
    @abstractmethod
    def from_vector(cls, vector: Sequence[int]) -> Architecture:
        """The architecture of `Architecture.to_vector`'s integers; `UserError` where they are none."""

    @abstractmethod
    def generator(
        self,
        *,
        latent_size: int,
        channels: Channels,
        bottom_size: int,
        classes: "Classes | None" = None,
    ) -> "Generator":
        """The generator with all open options: shared by the members, or the only member's own.

        Its weights are unset: `nets.layers.initialise` draws them. channels: of every cell, or of
        each. bottom_size: side in pixels of the map that the first stage doubles. classes: that images
        can be asked of; None: it takes no labels.
        """

    @abstractmethod
    def discriminator(
        self,
        channels: int,
        *,
        spectral_norm: bool = True,
        direction_head: bool = False,
        classes: "Classes | None" = None,
    ) -> "Discriminator":
        """The discriminator that grows with the generators of this space.

        spectral_norm: whether its weights are normalised, which holds its slope; a penalty may instead.
        direction_head: whether its last layer is a direction, which is trained apart (SAN).
        classes: of the images; None: labels make no difference. Not beside a direction.
        """

    @abstractmethod
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

    @abstractmethod
    def discriminator_operations(
        self,
        stage: int,
        *,
        channels: int,
        image_size: int,
        classes: "Classes | None" = None,
    ) -> tuple[Operation, ...]:
        """What the discriminator does at `stage` to one image of `image_size` pixels a side."""

    @abstractmethod
    def diagram(self, architecture: Architecture, *, bottom_size: int = 4) -> str:
        """The architecture's generator as one SVG drawing."""

    @abstractmethod
    def text_diagram(
        self, architecture: Architecture, *, channels: Channels, bottom_size: int
    ) -> str:
        """The architecture's generator drawn with characters, for a terminal."""
