"""A generator's operations as text: cells from top to bottom, skips as lines to the right of them."""

import itertools
from collections.abc import Iterable, Sequence

from autogan.spaces.cells import by_cell
from autogan.spaces.operations import Operation

_INSIDE = 50  # characters between the walls of a cell
_GAP = 3  # between two lines for skips

# What a character joins, as a sum: 1 up, 2 down, 4 left, 8 right.
_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES = {
    _UP | _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _DOWN | _LEFT: "┐",
    _UP | _LEFT: "┘",
    _UP | _DOWN | _LEFT: "┤",
}


def text_diagram(operations: Sequence[Operation]) -> str:
    """The diagram, at most 80 columns wide for three cells.

    operations: of a generator; the length of a latent is not drawn. A line leaves a cell where its
    skip-out is taken, and ends in ◄ where it is added.
    """
    cells = by_cell(operations)
    senders = {source for cell in cells for source in cell.skips}
    first = next(operation for operation in operations if operation.branch == "input")
    rows = ["  latent → styles"] if operations[0].branch == "mapping" else []
    rows += [f"  latent → {first.words} → {first.channels} maps of {first.side}×{first.side}"]
    outs: dict[int, int] = {}  # cell → row of its skip-out
    ins: list[tuple[int, int]] = []  # (source, row) of every skip that is added
    for cell in cells:
        sides = f"{cell.side_in}×{cell.side_in} → {cell.side}×{cell.side}"
        title = f" cell {cell.index}: {sides} "
        rows.append(f"  ┌{title:─^{_INSIDE}}┐")
        rows += _wrapped(cell.block1)
        for source, skip in cell.skips.items():
            ins.append((source, len(rows)))
            rows.append(_inside(f"+ skip from cell {source}: {_words(skip, ', ')}"))
        if cell.index in senders:
            outs[cell.index] = len(rows)
            rows.append(_inside("skip-out"))
        rows += _wrapped(cell.block2)
        if cell.shortcut:
            rows.append(_inside(f"+ shortcut: {_words(cell.shortcut, ', ')}"))
        if cell.attention:
            rows.append(_inside(_words(cell.attention)))
        rows.append(f"  └{'─' * _INSIDE}┘")
    out = [operation for operation in operations if operation.branch == "output"]
    rows.append(f"  {_words(out)} → image of {out[-1].side}×{out[-1].side}")
    return "\n".join(_with_skips(rows, outs, ins))


def _inside(text: str) -> str:
    return f"  │ {text:<{_INSIDE - 2}} │"


def _wrapped(operations: Iterable[Operation]) -> list[str]:
    """A block; where its operations have no room in one line, they go on in the next."""
    first, *others = _in_turn(operations)
    lines = [first]
    for left, words in enumerate(others, start=1 - len(others)):
        needed = len(lines[-1]) + len(f" → {words}") + (len(" →") if left else 0)
        if needed <= _INSIDE - 2:
            lines[-1] += f" → {words}"
        else:
            lines[-1] += " →"
            lines.append(words)
    return [_inside(line) for line in lines]


def _words(operations: Iterable[Operation], between: str = " → ") -> str:
    """What is done, in the order in which it runs."""
    return between.join(_in_turn(operations))


def _in_turn(operations: Iterable[Operation]) -> list[str]:
    """What is done; what is done several times running stands once."""
    words = [operation.words for operation in operations if operation.kind != "absent"]
    return [word for word, _ in itertools.groupby(words)]


def _with_skips(rows: list[str], outs: dict[int, int], ins: list[tuple[int, int]]) -> list[str]:
    """The rows with a column for each cell that skips start from; the earliest is outermost."""
    sources = sorted({source for source, _ in ins}, reverse=True)
    columns = {source: _GAP * (place + 1) for place, source in enumerate(sources)}
    canvas = [[0] * (_GAP * len(sources) + 1) for _ in rows]
    for source, column in columns.items():
        first = outs[source]
        joins = [row for start, row in ins if start == source]
        for row in range(first, max(joins) + 1):
            canvas[row][column] |= (_UP if row > first else 0) | (_DOWN if row < max(joins) else 0)
        for row in (first, *joins):
            canvas[row][column] |= _LEFT
            for crossed in range(column):
                # Another skip's line is passed under: it keeps its own character.
                if not canvas[row][crossed] & (_UP | _DOWN):
                    canvas[row][crossed] = _LEFT | _RIGHT
    ends = {row: "◄" for _, row in ins} | dict.fromkeys(outs.values(), "─")
    return [
        f"{row}{ends.get(number, ' ')}{''.join(_LINES.get(bits, ' ') for bits in line[1:])}".rstrip()
        for number, (row, line) in enumerate(zip(rows, canvas, strict=True))
    ]
