"""A generator architecture as text: cells from top to bottom, skips as lines to the right of them."""

from autogan.spaces.space import Architecture, CellArchitecture

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


def text_diagram(architecture: Architecture, channels: int, bottom_size: int) -> str:
    """The diagram, at most 80 columns wide for three cells.

    A line leaves a cell where its skip-out is taken, and ends in ◄ where it is added.
    """
    senders = {source for cell in architecture.cells for source in cell.skips}
    rows = [f"  latent → linear → {channels} maps of {bottom_size}×{bottom_size}"]
    outs: dict[int, int] = {}  # cell → row of its skip-out
    ins: list[tuple[int, int]] = []  # (source, row) of every skip that is added
    side = bottom_size
    for index, cell in enumerate(architecture.cells):
        title = f" cell {index}: {side}×{side} → {2 * side}×{2 * side} "
        rows.append(f"  ┌{title:─^{_INSIDE}}┐")
        rows.append(_inside(_block(cell, cell.upsampling)))
        for source in cell.skips:
            ins.append((source, len(rows)))
            rows.append(_inside(f"+ skip from cell {source}: {cell.upsampling}, 1×1 conv"))
        if index in senders:
            outs[index] = len(rows)
            rows.append(_inside("skip-out"))
        rows.append(_inside(_block(cell, None)))
        if cell.shortcut:
            rows.append(_inside(f"+ shortcut: {cell.upsampling}, 1×1 conv"))
        rows.append(f"  └{'─' * _INSIDE}┘")
        side *= 2
    rows.append(f"  batch norm → ReLU → 3×3 conv → tanh → image of {side}×{side}")
    return "\n".join(_with_skips(rows, outs, ins))


def _inside(text: str) -> str:
    return f"  │ {text:<{_INSIDE - 2}} │"


def _block(cell: CellArchitecture, upsampling: str | None) -> str:
    """The operations of a convolution block in the order in which they run."""
    norm = [] if cell.normalisation == "none" else [f"{cell.normalisation} norm"]
    convolution = [upsampling, "3×3 conv"] if upsampling else ["3×3 conv"]
    before, after = [*norm, "ReLU"], convolution
    if cell.order == "post":
        before, after = after, before
    return " → ".join([*before, *after])


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
