"""Architectures that are one cell after the other, from their cells and from vectors of integers."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from autogan.basics.errors import UserError
from autogan.basics.limits import MOST_CELLS
from autogan.spaces.architecture import Architecture
from autogan.spaces.decisions import Decision, Option, option_text

DecisionsOf = Callable[[int], Sequence[Decision]]
"""What is decided about the cell of a number, counted from 0."""
MOST_DIGITS = 18


class Cell(Protocol):
    """What was decided about one cell, each decision an attribute of its name."""

    @property
    def skips(self) -> tuple[int, ...]:
        """Earlier cells whose output it takes."""


def made_of(name: str, cells: Iterable[Cell], decisions_of: DecisionsOf) -> Architecture:
    """The architecture of these cells, in the space of that name; each doubles the resolution.

    Raises `UserError` when an option does not exist, a skip does not come from an earlier cell, or
    there are no cells or too many.
    """
    cells = tuple(cells)
    check_number(len(cells))
    if cells[0].skips:
        raise UserError("Cell 0 has no earlier cell to take a skip connection from.")
    taken = (
        tuple(getattr(cell, decision.name) for decision in decisions_of(index))
        for index, cell in enumerate(cells)
    )
    return Architecture(name, tuple(taken))


def check_number(cells: int) -> None:
    """Raises `UserError` where an architecture cannot have so many cells."""
    if not 1 <= cells <= MOST_CELLS:
        raise UserError(
            f"An architecture has at least one cell and at most {MOST_CELLS}, not {cells}."
        )


def taken_of_vector(
    vector: Sequence[int], decisions_of: DecisionsOf, what: str = "cell"
) -> tuple[tuple[Option, ...], ...]:
    """The options of each cell, of integers that are their positions, a cell's after the other's.

    what: a cell is called in messages. Raises `UserError` that names the position, the decision and what
    is allowed, or the cell inside of which the vector ends.
    """
    taken: list[tuple[Option, ...]] = []
    position = 0
    while position < len(vector) or not taken:
        decisions = decisions_of(len(taken))
        codes = vector[position : position + len(decisions)]
        if len(codes) < len(decisions):
            raise UserError(
                f"A vector of {len(vector)} integers ends inside {what} {len(taken)}, which takes "
                f"{len(decisions)}."
            )
        for number, (decision, code) in enumerate(zip(decisions, codes, strict=True), position):
            if not 0 <= code < len(decision.options):
                allowed = ", ".join(
                    f"{i} {option_text(option)}" for i, option in enumerate(decision.options)
                )
                raise UserError(
                    f"Architecture vector, position {number} ({what} {len(taken)}, {decision.name}): "
                    f"{code} is not allowed. Allowed: {allowed}."
                )
        taken.append(tuple(d.options[code] for d, code in zip(decisions, codes, strict=True)))
        position += len(decisions)
    return tuple(taken)


def integer(digits: str) -> int:
    """Of a vector's text. Raises `UserError` where it is too long to be an option's position."""
    if len(digits) > MOST_DIGITS:
        raise UserError(
            f"{digits[:MOST_DIGITS]}… is no number of an architecture: it has too many digits."
        )
    return int(digits)


def numbers_of(text: str) -> list[int] | None:
    """The integers of a vector's text, with or without brackets and commas; None where it is none.

    Raises `UserError` as `integer` does.
    """
    numbers = text.strip("[() ]").replace(",", " ").split()
    if not numbers or not all(n.isascii() and n.isdecimal() for n in numbers):
        return None
    return [integer(number) for number in numbers]
