"""How AutoGAN's architectures are written: the text form, the authors' vector, published names."""

import re
from collections.abc import Sequence

from autogan.basics.errors import UserError
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.decisions import (
    NAME,
    CellArchitecture,
    architecture_of,
    cell_decisions,
    cells_of,
)
from autogan.spaces.made_of_cells import check_number, integer, taken_of_vector

PUBLISHED_VECTORS = {
    "autogan-a": (1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 3),
    "autogan-b": (1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 3),
    "autogan-c": (1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 3),
}
"""The three published CIFAR-10 architectures (paper table 1), in the authors' vector."""


def text_of(architecture: Architecture) -> str:
    """The text form, such as `pre-none-nearest+shortcut/pre-batch-bilinear+skip0`.

    Cells are separated by a slash, and no character needs quoting in a shell.
    """
    return "/".join(str(cell) for cell in cells_of(architecture))


def from_vector(vector: Sequence[int]) -> Architecture:
    """The architecture of an authors' vector of 4, 9, 14, … integers (5 per cell, 4 for the first):
    order, normalisation, upsampling, shortcut, skips.

    Raises `UserError` naming the position, the decision and what is allowed.
    """
    if len(vector) < 4 or (len(vector) - 4) % 5:
        raise UserError(
            f"An architecture vector has 4 integers for the first cell and 5 for each further "
            f"one (4, 9, 14, …); this one has {len(vector)}."
        )
    check_number((len(vector) + 1) // 5)
    return Architecture(NAME, taken_of_vector(vector, cell_decisions))


def parse(text: str) -> Architecture:
    """The architecture of a published name ("autogan-a" or "A"), a text form or an authors' vector.

    A vector may be written with spaces, commas, brackets or the words of a log line around it.
    """
    for name, vector in PUBLISHED_VECTORS.items():
        if text.lower() in (name, name.removeprefix("autogan-")):
            return from_vector(vector)
    # "arch: [1, 0, 1, 1]" or "array([1 0 1 1])": what stands in the last brackets is the vector.
    bracketed = re.findall(r"[\[(]([\d\s,·-]+)[\])]", text)
    long_enough = [numbers for numbers in bracketed if len(re.findall(r"\d+", numbers)) >= 4]
    numbers = (long_enough or bracketed or [text])[-1]
    if re.fullmatch(r"[\d\s,·-]*\d[\d\s,·-]*", numbers):
        return from_vector([integer(n) for n in re.findall(r"-?\d+", numbers)])
    return architecture_of(_parse_cell(part, i) for i, part in enumerate(text.split("/")))


def _parse_cell(text: str, index: int) -> CellArchitecture:
    main, *extras = text.strip().split("+")
    words = main.split("-")
    unknown = [e for e in extras if e != "shortcut" and not re.fullmatch(r"skip\d+", e)]
    if len(words) != 3 or unknown:
        raise UserError(
            f"Cannot read {text.strip()!r} as cell {index} of an architecture. Write it as a "
            "published name (autogan-a, autogan-b, autogan-c), as the authors' vector "
            "(1,0,1,1,…), or as text such as pre-none-nearest+shortcut/pre-batch-bilinear+skip0."
        )
    skips = tuple(sorted(integer(e.removeprefix("skip")) for e in extras if e != "shortcut"))
    return CellArchitecture(words[0], words[1], words[2], "shortcut" in extras, skips)
