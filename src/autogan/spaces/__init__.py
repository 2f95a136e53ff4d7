"""Search spaces and their members as values. `search_space` makes the one that a name stands for.

Each space is a package here that holds everything about it, and one line of `space_class`. Nothing
imports torch before a network is asked for.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from autogan.basics.errors import unknown_name

if TYPE_CHECKING:
    from autogan.spaces.architecture import Architecture
    from autogan.spaces.space import SearchSpace

SPACES = ("autogan", "modern")
DEFAULT_SPACE = "autogan"
"""The space of vectors and of texts that name none."""
PAIRED = "+discriminator"
"""Ends the name of a space whose members are generators of `SPACES` with their discriminators."""
TRAINED = "+training"
"""Ends the name of a space whose members are generators of `SPACES` with what they are trained with."""
PAIR_SPACES = tuple(f"{name}{PAIRED}" for name in SPACES)
"""The spaces of these pairs."""
TRAINED_SPACES = tuple(f"{name}{TRAINED}" for name in SPACES)
"""The spaces of these generators with their trainings."""


def space_class(name: str) -> "type[SearchSpace]":
    """The class of the space called `name`; raises `UserError` for an unknown name."""
    if name == "autogan":
        from autogan.spaces.autogan.space import AutoGanSpace

        return AutoGanSpace
    if name == "modern":
        from autogan.spaces.modern.space import ModernSpace

        return ModernSpace
    if name.endswith(PAIRED):
        from autogan.spaces.pair import pairs_of

        return pairs_of(space_class(name.removesuffix(PAIRED)))
    if name.endswith(TRAINED):
        from autogan.spaces.trained import trained_of

        return trained_of(space_class(name.removesuffix(TRAINED)))
    raise unknown_name("search space", name, SPACES)


@lru_cache(maxsize=64)
def search_space(name: str, stages: int) -> "SearchSpace":
    """The whole space called `name`, with every option open, for `stages` stages of growth.

    Raises `UserError` for an unknown name, which lists the known ones, or a wrong number of stages.
    """
    return space_class(name).of(stages)


def space_of(architecture: "Architecture") -> "SearchSpace":
    """The whole space that the architecture is a member of, with as many stages."""
    return search_space(architecture.space, len(architecture))
