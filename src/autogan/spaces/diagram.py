"""A generator's operations as one SVG drawing that stands alone or inside a page. Imports no torch.

Cells stand left to right. Each is two blocks of operations, read top to bottom in the order in which
they run; skips arch over the cells, shortcuts pass below a cell, attention comes last. Colours follow the
reader's light or dark setting, and print light.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autogan.spaces.cells import CellOperations, by_cell
from autogan.spaces.operations import Operation

_CHIP_WIDTH, _CHIP_HEIGHT, _CHIP_GAP = 100, 26, 7
_CHIP_CHARACTERS = 12
_CELL_WIDTH = 290
_ATTENTION_WIDTH = _CHIP_WIDTH + 26  # that a cell with attention is wider by
_CELL_TOP_PADDING, _CELL_BOTTOM_PADDING = 60, 40
_MAP_GAP = 62  # between two cells, where the feature map is drawn
_TRACK = 22  # height of one lane for skips
_MARGIN = 14
_RADIUS = 8
_FEWEST_CHIPS = 4  # that a block has room for
_CLASSES = {
    "linear": "conv",
    "convolution": "conv",
    "upsampling": "up",
    "normalisation": "norm",
    "activation": "act",
    "noise": "act",
    "sum": "act",
    "attention": "att",
    "absent": "absent",
}

_STYLE = """
.autogan-diagram{--ink-d:#24303c;--soft-d:#6b7785;--line-d:#8b97a4;--card-d:#f5f6f8;--edge-d:#dbe0e6;
--paper-d:#fff;--conv-d:#d9e6f7;--up-d:#fbe6c8;--norm-d:#e7def5;--act-d:#e6e9ed;--skip-d:#b4549a;
--short-d:#1d8a7a;--att-d:#cfe9d6;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
@media screen and (prefers-color-scheme:dark){.autogan-diagram{--ink-d:#e4e9ee;--soft-d:#9aa6b2;
--line-d:#74808d;--card-d:#1d242c;--edge-d:#333d48;--paper-d:#14191f;--conv-d:#28415f;--up-d:#5b4522;
--norm-d:#44365f;--act-d:#323b45;--skip-d:#e08bc8;--short-d:#4cc3b0;--att-d:#27523a}}
.autogan-diagram text{fill:var(--ink-d);font-size:13px;text-anchor:middle}
.autogan-diagram .name{font-weight:600;font-size:14px;text-anchor:start}
.autogan-diagram .soft{fill:var(--soft-d);font-size:12px}
.autogan-diagram .left{text-anchor:start}.autogan-diagram .right{text-anchor:end}
.autogan-diagram .card{fill:var(--card-d);stroke:var(--edge-d)}
.autogan-diagram .conv{fill:var(--conv-d)}.autogan-diagram .up{fill:var(--up-d)}
.autogan-diagram .norm{fill:var(--norm-d)}.autogan-diagram .act{fill:var(--act-d)}
.autogan-diagram .att{fill:var(--att-d)}
.autogan-diagram .absent{fill:none;stroke:var(--line-d);stroke-dasharray:3 3}
.autogan-diagram text.none{fill:var(--soft-d);font-style:italic}
.autogan-diagram .flow{stroke:var(--line-d);stroke-width:1.6;fill:none}
.autogan-diagram .tip{fill:var(--line-d)}
.autogan-diagram .map{fill:var(--paper-d);stroke:var(--line-d)}
.autogan-diagram .lattice{stroke:var(--edge-d);stroke-width:.7}
.autogan-diagram .sum{fill:var(--paper-d);stroke:var(--line-d);stroke-width:1.4}
.autogan-diagram .skip{stroke:var(--skip-d);stroke-width:2;fill:none}
.autogan-diagram .skip-tip{fill:var(--skip-d)}
.autogan-diagram .shortcut{stroke:var(--short-d);stroke-width:2;fill:none}
.autogan-diagram .shortcut-tip{fill:var(--short-d)}
.autogan-diagram text.skip-name{fill:var(--skip-d);stroke:none;font-size:12px}
.autogan-diagram text.shortcut-name{fill:var(--short-d);stroke:none;font-size:12px}
"""


@dataclass(frozen=True)
class _Place:
    """Where one cell stands: its left edge and its width, and the x of what is inside."""

    left: float
    width: float

    @property
    def block1(self) -> float:
        return self.left + 18

    @property
    def skip_sum(self) -> float:
        return self.block1 + _CHIP_WIDTH + 20

    @property
    def skip_out(self) -> float:
        """Just behind the sum: the skip-out has the incoming skips in it."""
        return self.skip_sum + 15

    @property
    def block2(self) -> float:
        return self.skip_sum + 24

    @property
    def shortcut_sum(self) -> float:
        return self.block2 + _CHIP_WIDTH + 15

    @property
    def attention(self) -> float:
        return self.shortcut_sum + 21

    @property
    def right(self) -> float:
        return self.left + self.width


def generator_diagram(operations: Sequence[Operation], kinds: Sequence[str], described: str) -> str:
    """A generator as SVG text.

    operations: of the generator; widths are not drawn. kinds: what each cell is, in one or two words.
    described: the architecture, for those who hear the page.
    Every skip's path has the attribute data-skip="SOURCE-TARGET", every shortcut's data-shortcut="CELL".
    """
    cells = by_cell(operations)
    mapping = [operation for operation in operations if operation.branch == "mapping"]
    into = next(operation for operation in operations if operation.branch == "input")
    out = [operation for operation in operations if operation.branch == "output"]
    lanes = _lanes(cells)
    lane_count = 1 + max(lanes.values(), default=-1)
    top = _MARGIN + (lane_count * _TRACK + 14 if lane_count else 0)
    chips = max(max(len(cell.block1), len(cell.block2)) for cell in cells)
    height = _height(max(chips, _FEWEST_CHIPS))
    middle = top + _CELL_TOP_PADDING + height / 2
    bottom = top + _CELL_TOP_PADDING + height + _CELL_BOTTOM_PADDING
    places = _places(cells)
    width = places[-1].right + _MAP_GAP + 118 + _MAP_GAP + _MARGIN
    parts = [*_input(into, mapping, middle)]
    parts += _feature_map(places[0].left - _MAP_GAP, middle, into.side)
    for cell, place, kind in zip(cells, places, kinds, strict=True):
        parts += _cell(cell, kind, place, top, middle, bottom)
        parts += _feature_map(place.right, middle, cell.side)
    parts += _output(out, places[-1].right + _MAP_GAP, middle)
    for (source, target), lane in lanes.items():
        parts.append(_skip(source, cells[target], lane, places, top, middle))
    height = bottom + _MARGIN
    words = f"Generator of {len(cells)} cells: {described}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="autogan-diagram" role="img" '
        f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'aria-label="{words}"><style>{_STYLE}</style>{"".join(parts)}</svg>'
    )


def _height(chips: int) -> float:
    return chips * (_CHIP_HEIGHT + _CHIP_GAP) - _CHIP_GAP


def _places(cells: list[CellOperations]) -> list[_Place]:
    places: list[_Place] = []
    left: float = _MARGIN + 150 + _MAP_GAP
    for cell in cells:
        width = _CELL_WIDTH + (_ATTENTION_WIDTH if cell.attention else 0)
        places.append(_Place(left, width))
        left += width + _MAP_GAP
    return places


def _lanes(cells: list[CellOperations]) -> dict[tuple[int, int], int]:
    """A lane above the cells for every skip (source, target), short ones lowest, none shared where
    two would touch."""
    skips = [(source, cell.index) for cell in cells for source in cell.skips]
    lanes: dict[tuple[int, int], int] = {}
    for source, target in sorted(skips, key=lambda skip: (skip[1] - skip[0], skip)):
        taken = {lane for (s, t), lane in lanes.items() if s < target and source < t}
        lanes[source, target] = next(n for n in range(len(skips)) if n not in taken)
    return lanes


def _cell(
    cell: CellOperations, kind: str, place: _Place, top: float, middle: float, bottom: float
) -> Iterator[str]:
    yield (
        f'<rect class="card" x="{place.left:g}" y="{top:g}" width="{place.width:g}" '
        f'height="{bottom - top:g}" rx="14"/>'
    )
    yield f'<text class="name" x="{place.left + 18:g}" y="{top + 26:g}">Cell {cell.index}</text>'
    yield (
        f'<text class="soft left" x="{place.left + 18:g}" y="{top + 43:g}">'
        f"{kind}</text>"
        f'<text class="soft right" x="{place.right - 18:g}" y="{top + 26:g}">'
        f"{cell.side_in}×{cell.side_in} → {cell.side}×{cell.side}</text>"
    )
    yield _line(place.left, place.block1 - 6, middle)
    yield from _block(place.block1, middle, cell.block1)
    after_skips = place.skip_sum if cell.skips else place.block1 + _CHIP_WIDTH
    if cell.skips:
        yield _line(place.block1 + _CHIP_WIDTH, place.skip_sum - 9, middle, tip=False)
    yield _line(after_skips + (9 if cell.skips else 0), place.block2 - 4, middle, tip=False)
    yield from _block(place.block2, middle, cell.block2)
    if cell.skips:
        yield _sum(place.skip_sum, middle)
    yield _line(place.block2 + _CHIP_WIDTH, place.right, middle, tip=False)
    if cell.shortcut:
        yield from _shortcut(cell, place, middle, bottom)
    if cell.attention:
        yield from _block(place.attention, middle, cell.attention)


def _block(left: float, middle: float, operations: list[Operation]) -> Iterator[str]:
    height = _height(len(operations))
    centre = left + _CHIP_WIDTH / 2
    y = middle - height / 2
    yield f'<path class="flow" d="M{centre:g} {y:g}V{y + height:g}"/>'
    for operation in operations:
        kind = _CLASSES[operation.kind]
        if kind == "absent":  # hides the line behind the dashed frame
            yield _chip("card", left, y, stroke="none")
        yield _chip(kind, left, y)
        css = ' class="none"' if kind == "absent" else ""
        yield f'<text{css} x="{centre:g}" y="{y + 17.5:g}">{_chip_words(operation)}</text>'
        y += _CHIP_HEIGHT + _CHIP_GAP


def _chip_words(operation: Operation) -> str:
    """As short as a chip is."""
    match operation.kind:
        case "absent":
            return "no norm"
        case "upsampling":
            return f"{operation.words} ×2".replace("deconvolution", "deconv")
        case "convolution":
            kernel, *kind = operation.words.split()
            words = f"{kind[0]} {kernel}"  # conv 3×3
            return words if len(words) <= _CHIP_CHARACTERS else kind[0]
        case "attention":
            return operation.words.replace("attention", "attn")
    return operation.words


def _chip(kind: str, left: float, y: float, stroke: str = "") -> str:
    style = f' style="stroke:{stroke}"' if stroke else ""
    return (
        f'<rect class="{kind}"{style} x="{left:g}" y="{y:g}" width="{_CHIP_WIDTH}" '
        f'height="{_CHIP_HEIGHT}" rx="6"/>'
    )


def _line(left: float, right: float, y: float, tip: bool = True) -> str:
    line = f'<path class="flow" d="M{left:g} {y:g}H{right:g}"/>'
    return line + (_tip("tip", right + 4, y, "right") if tip else "")


def _tip(css: str, x: float, y: float, towards: str) -> str:
    points = {
        "right": f"{x:g},{y:g} {x - 8:g},{y - 4:g} {x - 8:g},{y + 4:g}",
        "down": f"{x:g},{y:g} {x - 4:g},{y - 8:g} {x + 4:g},{y - 8:g}",
        "up": f"{x:g},{y:g} {x - 4:g},{y + 8:g} {x + 4:g},{y + 8:g}",
    }
    return f'<polygon class="{css}" points="{points[towards]}"/>'


def _sum(x: float, y: float) -> str:
    return (
        f'<circle class="sum" cx="{x:g}" cy="{y:g}" r="9"/>'
        f'<path class="flow" d="M{x - 5:g} {y:g}H{x + 5:g}M{x:g} {y - 5:g}V{y + 5:g}"/>'
    )


def _skip(
    source: int, cell: CellOperations, lane: int, places: list[_Place], top: float, middle: float
) -> str:
    skips, target = cell.skips, cell.index
    # Farther sources run higher and come down further right, so that arrivals do not cross.
    order = sorted(skips, reverse=True).index(source)
    spread = 5 if len(skips) > 1 else 0
    start = places[source].skip_out
    end = places[target].skip_sum + spread * (2 * order / max(1, len(skips) - 1) - 1)
    y, r = top - 14 - lane * _TRACK, _RADIUS
    above_sum = middle - (9 if not spread else 10)
    words = f"Skip from cell {source} to cell {target}: upsampled, then a 1×1 convolution"
    return (
        f"<g><title>{words}</title>"
        f'<path class="skip" data-skip="{source}-{target}" d="M{start:g} {middle:g}V{y + r:g}'
        f"Q{start:g} {y:g} {start + r:g} {y:g}H{end - r:g}Q{end:g} {y:g} {end:g} {y + r:g}"
        f'V{above_sum - 6:g}"/>{_tip("skip-tip", end, above_sum + 1, "down")}'
        f'<text class="skip-name" x="{places[target].left - _MAP_GAP / 2:g}" y="{y - 5:g}">'
        f"skip {source} → {target}</text></g>"
    )


def _shortcut(cell: CellOperations, place: _Place, middle: float, bottom: float) -> Iterator[str]:
    upsampling = cell.shortcut[0].words
    start, end, y, r = place.left + 9, place.shortcut_sum, bottom - 22, _RADIUS
    words = f"Shortcut of cell {cell.index}: {upsampling} ×2, then a 1×1 convolution"
    yield (
        f"<g><title>{words}</title>"
        f'<path class="shortcut" data-shortcut="{cell.index}" d="M{start:g} {middle:g}V{y - r:g}'
        f"Q{start:g} {y:g} {start + r:g} {y:g}H{end - r:g}Q{end:g} {y:g} {end:g} {y - r:g}"
        f'V{middle + 15:g}"/>{_tip("shortcut-tip", end, middle + 9, "up")}'
        f'<text class="shortcut-name" x="{(start + end) / 2:g}" y="{y + 15:g}">shortcut</text></g>'
    )
    yield _sum(place.shortcut_sum, middle)


def _feature_map(left: float, middle: float, side: int) -> Iterator[str]:
    """The square of side × side pixels that passes from one cell to the next."""
    edge = min(46.0, 13 + 5.5 * side.bit_length())
    x, y = left + (_MAP_GAP - edge) / 2, middle - edge / 2
    yield f'<path class="flow" d="M{left:g} {middle:g}H{left + _MAP_GAP:g}"/>'
    yield f'<rect class="map" x="{x:g}" y="{y:g}" width="{edge:g}" height="{edge:g}" rx="2"/>'
    lines = min(side, 16)
    steps = [edge * n / lines for n in range(1, lines)]
    path = "".join(f"M{x + s:g} {y:g}v{edge:g}M{x:g} {y + s:g}h{edge:g}" for s in steps)
    yield f'<path class="lattice" d="{path}"/>'
    yield f'<text class="soft" x="{left + _MAP_GAP / 2:g}" y="{y + edge + 17:g}">{side}×{side}</text>'


def _input(projection: Operation, mapping: Sequence[Operation], middle: float) -> Iterator[str]:
    x = _MARGIN + 18
    yield f'<circle class="sum" cx="{x:g}" cy="{middle:g}" r="17"/>'
    yield f'<text x="{x:g}" y="{middle + 4.5:g}" font-style="italic">z</text>'
    yield f'<text class="soft" x="{x + 6:g}" y="{middle + 36:g}">latent</text>'
    yield _line(x + 17, _MARGIN + 48, middle)
    yield _chip("conv", _MARGIN + 52, middle - _CHIP_HEIGHT / 2)
    yield f'<text x="{_MARGIN + 52 + _CHIP_WIDTH / 2:g}" y="{middle + 4.5:g}">{projection.words}</text>'
    if mapping:  # below: from the latent to the style that modulates the cells
        y = middle + 52
        yield f'<path class="flow" d="M{x:g} {middle + 42:g}V{y + _CHIP_HEIGHT / 2:g}H{_MARGIN + 52}"/>'
        yield _chip("conv", _MARGIN + 52, y)
        yield (
            f'<text x="{_MARGIN + 52 + _CHIP_WIDTH / 2:g}" y="{y + 17.5:g}">mapping</text>'
            f'<text class="soft" x="{_MARGIN + 52 + _CHIP_WIDTH / 2:g}" y="{y + 43:g}">to styles</text>'
        )


def _output(operations: list[Operation], left: float, middle: float) -> Iterator[str]:
    side = operations[-1].side
    yield _line(left, left + 6, middle)
    yield from _block(left + 10, middle, operations)
    end = left + 10 + _CHIP_WIDTH
    yield _line(end, end + 14, middle)
    x, y, edge = end + 20, middle - 27, 54
    for colour, shift in (("#d05a5a", 0), ("#4f9d69", 5), ("#4a7fc1", 10)):
        yield (
            f'<rect x="{x + shift:g}" y="{y + shift:g}" width="{edge - 10}" height="{edge - 10}" '
            f'rx="3" fill="{colour}" fill-opacity=".8"/>'
        )
    yield f'<text class="soft" x="{x + edge / 2:g}" y="{y + edge + 16:g}">RGB {side}×{side}</text>'
