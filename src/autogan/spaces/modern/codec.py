"""How architectures of the modern space are written: the text form and the vector."""

import re
from collections.abc import Sequence

from autogan.basics.errors import UserError
from autogan.spaces.architecture import Architecture
from autogan.spaces.made_of_cells import check_number, integer, taken_of_vector
from autogan.spaces.modern.decisions import (
    ATTENTIONS,
    BLOCKS,
    NAME,
    UPSAMPLINGS,
    WIDTHS,
    CellArchitecture,
    architecture_of,
    cell_decisions,
    cells_of,
)

EXAMPLE = "modern:pre-batch-nearest/grouped-bilinear+linear+half+skip0"


def text_of(architecture: Architecture) -> str:
    """The text form without the space's name, such as `modulated-nearest/grouped-bilinear+softmax+skip0`.

    Cells are separated by a slash, and no character needs quoting in a shell.
    """
    return "/".join(str(cell) for cell in cells_of(architecture))


def from_vector(vector: Sequence[int]) -> Architecture:
    """The architecture of 4, 9, 14, … integers (5 per cell, 4 for the first): the positions of the
    options of block, upsampling, width, attention and skips.

    Raises `UserError` naming the position, the decision and what is allowed.
    """
    if len(vector) < 4 or (len(vector) - 4) % 5:
        raise UserError(
            f"A vector of the modern space has 4 integers for the first cell and 5 for each further "
            f"one (4, 9, 14, …); this one has {len(vector)}."
        )
    check_number((len(vector) + 1) // 5)
    return Architecture(NAME, taken_of_vector(vector, cell_decisions))


def parse(text: str) -> Architecture:
    """The architecture of a text form, without the space's name, or of a vector.

    A vector may be written with spaces, commas or brackets.
    """
    if re.fullmatch(r"[\[(]?[\d\s,-]*\d[\d\s,-]*[\])]?", text):
        return from_vector([integer(digits) for digits in re.findall(r"-?\d+", text)])
    return architecture_of(_parse_cell(part, i) for i, part in enumerate(text.split("/")))


def _parse_cell(text: str, index: int) -> CellArchitecture:
    main, *extras = text.strip().split("+")
    block, _, upsampling = main.rpartition("-")
    skips = [extra for extra in extras if re.fullmatch(r"skip\d+", extra)]
    words = [extra for extra in extras if extra not in skips]
    attention = next((word for word in words if word in ATTENTIONS), ATTENTIONS[0])
    width = next((word for word in words if word in WIDTHS), WIDTHS[0])
    known = {attention, width}
    if (
        block not in BLOCKS
        or upsampling not in UPSAMPLINGS
        or not known.issuperset(words)
        or len(set(extras)) < len(extras)
    ):
        raise UserError(
            f"Cannot read {text.strip()!r} as cell {index} of an architecture of the modern space. A cell "
            f"is block-upsampling, then what it adds, as in {EXAMPLE}. Blocks: {', '.join(BLOCKS)}. "
            f"Upsamplings: {', '.join(UPSAMPLINGS)}. Added: +softmax or +linear (attention), +half (width), "
            "+skip0 (from an earlier cell)."
        )
    sources = tuple(sorted(integer(skip.removeprefix("skip")) for skip in skips))
    return CellArchitecture(block, upsampling, width, attention, sources)
