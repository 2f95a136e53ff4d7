"""What a search space is made of: decisions, each with a place and its options."""

from dataclasses import dataclass

Option = str | bool | tuple[int, ...]
"""A word, yes or no, or a set of numbers in ascending order."""


@dataclass(frozen=True)
class Place:
    """Where a decision or an operation stands: "generator cell" 0, "discriminator block" 2, "training".

    kind: what stands there; number: which of its kind, from 0; None where there is only one.
    """

    kind: str
    number: int | None = None

    def __str__(self) -> str:
        return self.kind if self.number is None else f"{self.kind} {self.number}"


def generator_cell(index: int) -> Place:
    """The place of a cell's decisions."""
    return Place("generator cell", index)


@dataclass(frozen=True)
class Decision:
    """One question that an architecture answers for one place.

    `options` are in the order of the space's codes: an option's position is its code.
    """

    name: str
    place: Place
    options: tuple[Option, ...]


def option_text(option: Option) -> str:
    """An option in words."""
    if isinstance(option, tuple):
        return "from cell " + " and ".join(map(str, option)) if option else "no skip"
    if isinstance(option, bool):
        return "yes" if option else "no"
    return option
