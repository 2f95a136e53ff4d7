"""Trained generators: a generator's decisions and those of its training as one search space.

For searches that train every architecture from scratch. With shared weights all candidates play one game.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Self, get_args

from pydantic import ValidationError

from autogan.basics.errors import UserError
from autogan.settings.game import Loss, ObjectiveSettings
from autogan.spaces import TRAINED, search_space, space_class, space_of
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import AroundGenerators
from autogan.spaces.decisions import Decision, Place
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
from autogan.spaces.made_of_cells import numbers_of, taken_of_vector
from autogan.spaces.operations import Operation
from autogan.spaces.space import SearchSpace

if TYPE_CHECKING:
    from autogan.images.classes import Classes
    from autogan.spaces.networks import Discriminator

BETWEEN = "@"
"""In a text, between the generator and its training."""
LOSSES: tuple[str, ...] = get_args(Loss)
SLOPES = ("spectral-norm", "r1", "r1-r2", "gradient-penalty")
"""What holds the discriminator's slope. Each goes with each loss."""
TRAINING = Place("training")
DECISIONS = (Decision("loss", TRAINING, LOSSES), Decision("slope", TRAINING, SLOPES))
EXAMPLE = "relativistic-pairing+r1-r2"
USUAL_GAMMA = 1.0
"""Of R1 and R2 where the settings have no R1: that of the presets for small machines."""
USUAL_LAMBDA = 10.0
"""Of the gradient penalty where the settings have none: that of Gulrajani et al. 2017."""
USUAL_EVERY = 4
"""Discriminator steps from one penalty to the next where the settings have none: as `USUAL_GAMMA`."""


class TrainedSpace(AroundGenerators):
    """The decisions of a generator's first cell and of its training, then those of its other cells."""

    @classmethod
    def joined(cls, generators: SearchSpace) -> Self:
        """Each of these generators with each training."""
        assert generators.name == cls.of_generators, generators.name
        first, *others = generators.by_stage
        return cls(((*first, *DECISIONS), *others))

    @classmethod
    def of(cls, stages: int) -> Self:
        """All generators of so many cells, each with each training."""
        return cls.joined(search_space(cls.of_generators, stages))

    @property
    def generators(self) -> SearchSpace:
        """As `AroundGenerators.generators`."""
        first, *others = self.by_stage
        return space_class(self.of_generators)((first[: -len(DECISIONS)], *others))

    @classmethod
    def players(
        cls, architecture: Architecture
    ) -> tuple[Architecture, DiscriminatorArchitecture | None]:
        """The generator; its discriminator is that of the settings."""
        first, *others = architecture.taken
        return Architecture(cls.of_generators, (first[: -len(DECISIONS)], *others)), None

    @classmethod
    def text(cls, architecture: Architecture) -> str:
        """The generator's text and its training, such as `A@hinge+spectral-norm`."""
        generator, _ = cls.players(architecture)
        return f"{space_of(generator).text(generator)}{BETWEEN}{'+'.join(_taken(architecture))}"

    @classmethod
    def parse(cls, text: str) -> Architecture:
        """Reads the text form, without the space's name, or a vector."""
        generator, between, training = text.rpartition(BETWEEN)
        if between:
            read = space_class(cls.of_generators).parse(generator)
            first, *others = read.taken
            answers = training.split("+")
            if len(answers) == len(DECISIONS):
                return Architecture(cls.name, ((*first, *answers), *others))
        elif (numbers := numbers_of(text)) is not None:
            return cls.from_vector(numbers)
        raise UserError(
            f"Cannot read {text!r} as a generator and its training: write both, with {BETWEEN} between "
            f"them; a training is as in {EXAMPLE}."
        )

    @classmethod
    def from_vector(cls, vector: Sequence[int]) -> Architecture:
        """Of the positions of the options of the first cell, of the training, and of the other cells."""
        taken = taken_of_vector(vector, lambda stage: cls.of(stage + 1).at_stage(stage))
        return Architecture(cls.name, taken)

    def discriminator(
        self,
        channels: int,
        *,
        spectral_norm: bool = True,
        direction_head: bool = False,
        classes: "Classes | None" = None,
    ) -> "Discriminator":
        """That of its generators."""
        return self.generators.discriminator(
            channels, spectral_norm=spectral_norm, direction_head=direction_head, classes=classes
        )

    def discriminator_operations(
        self,
        stage: int,
        *,
        channels: int,
        image_size: int,
        classes: "Classes | None" = None,
    ) -> tuple[Operation, ...]:
        """Those of its generators' discriminator."""
        return self.generators.discriminator_operations(
            stage, channels=channels, image_size=image_size, classes=classes
        )


@cache
def trained_of(generators: type[SearchSpace]) -> type[TrainedSpace]:
    """The space of any space's generators with their trainings: one class for each."""

    class Trained(TrainedSpace):
        of_generators = generators.name
        name = f"{generators.name}{TRAINED}"

    return Trained


def trained_space(generators: SearchSpace) -> TrainedSpace:
    """Each of these generators with each training, as a search space."""
    return trained_of(type(generators)).joined(generators)


def objective_of(architecture: Architecture, given: ObjectiveSettings) -> ObjectiveSettings:
    """What an architecture is trained with: `given`, and the loss and the slope of its own where it decides
    them. Strengths are those of `given`, or usual ones where it has none.

    Raises `UserError` where something else in `given` does not go with that.
    """
    if not issubclass(space_class(architecture.space), TrainedSpace):
        return given
    loss, slope = _taken(architecture)
    gamma = given.real_penalty or USUAL_GAMMA
    penalised = slope != "spectral-norm"
    every = given.penalty_every_steps if given.penalties else USUAL_EVERY
    decided = {
        "loss": loss,
        "spectral_norm": not penalised,
        "real_penalty": gamma if slope in ("r1", "r1-r2") else 0.0,
        "generated_penalty": (given.generated_penalty or gamma) if slope == "r1-r2" else 0.0,
        "slope_penalty": (given.slope_penalty or USUAL_LAMBDA)
        if slope == "gradient-penalty"
        else 0.0,
        "penalty_every_steps": every if penalised else 1,
    }
    try:
        return ObjectiveSettings.model_validate({**given.model_dump(), **decided})
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UserError(f"train.objective does not go with {loss}+{slope}: {reason}.") from None


def _taken(architecture: Architecture) -> tuple[str, ...]:
    """Its loss, and what holds the slope."""
    return tuple(str(option) for option in architecture.taken[0][-len(DECISIONS) :])
