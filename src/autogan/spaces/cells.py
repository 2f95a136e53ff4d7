"""The operations of a generator cell by cell, for those who draw it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from autogan.spaces.operations import Operation


@dataclass
class CellOperations:
    """A cell's part of a generator's operations, by branch, for those who draw it.

    index: of the cell; side_in, side: of its input and its output, in pixels.
    skips: by the cell that each comes from. attention: after all else, where there is any.
    """

    index: int
    side_in: int
    side: int
    block1: list[Operation] = field(default_factory=list)
    skips: dict[int, list[Operation]] = field(default_factory=dict)
    block2: list[Operation] = field(default_factory=list)
    shortcut: list[Operation] = field(default_factory=list)
    attention: list[Operation] = field(default_factory=list)


def by_cell(operations: Iterable[Operation]) -> list[CellOperations]:
    """The operations of a generator's cells, cell by cell."""
    cells: list[CellOperations] = []
    side = 0
    for operation in operations:
        if operation.place is not None:
            if operation.place.number == len(cells):
                cells.append(CellOperations(len(cells), side, side))
            cell = cells[-1]
            if operation.source is not None:
                cell.skips.setdefault(operation.source, []).append(operation)
            else:
                branches = {
                    "block 1": cell.block1,
                    "block 2": cell.block2,
                    "shortcut": cell.shortcut,
                    "attention": cell.attention,
                }
                branches[operation.branch].append(operation)
            cell.side = operation.side
        side = operation.side
    return cells
