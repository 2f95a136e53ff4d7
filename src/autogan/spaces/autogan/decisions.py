"""AutoGAN's decisions (paper section 3.1), and the typed view of the options that a cell takes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from autogan.basics.limits import MOST_CELLS
from autogan.spaces.architecture import Architecture
from autogan.spaces.decisions import Decision, Option, generator_cell
from autogan.spaces.made_of_cells import made_of

NAME = "autogan"
ACTIVATION_ORDERS = ("post", "pre")
NORMALISATIONS = ("none", "batch", "instance")
UPSAMPLINGS = ("bilinear", "nearest", "deconvolution")


@dataclass(frozen=True)
class CellArchitecture:
    """The options that one cell takes.

    order: "pre" (norm, ReLU, convolution) or "post" (convolution, norm, ReLU).
    normalisation: "none", "batch" or "instance" (no affine parameters).
    upsampling: "bilinear", "nearest" or "deconvolution" (stride 2, 2×2 kernel).
    shortcut: whether the cell's input is added to its output.
    skips: the earlier cells, ascending, whose skip-outs are added inside this cell.
    """

    order: str
    normalisation: str
    upsampling: str
    shortcut: bool
    skips: tuple[int, ...] = ()

    def __str__(self) -> str:
        extras = ["shortcut"] * self.shortcut + [f"skip{source}" for source in self.skips]
        return "+".join(["-".join((self.order, self.normalisation, self.upsampling)), *extras])


def _skip_options(cell: int) -> tuple[tuple[int, ...], ...]:
    """All sets of earlier cells; the code is binary, its most significant bit stands for cell 0."""
    return tuple(
        tuple(source for source in range(cell) if code >> (cell - 1 - source) & 1)
        for code in range(2**cell)
    )


@lru_cache(maxsize=MOST_CELLS)
def cell_decisions(cell: int) -> tuple[Decision, ...]:
    """The decisions for one cell in the authors' order. A cell is a stage of growth."""
    options: dict[str, tuple[Option, ...]] = {
        "order": ACTIVATION_ORDERS,
        "normalisation": NORMALISATIONS,
        "upsampling": UPSAMPLINGS,
        "shortcut": (False, True),
    }
    if cell > 0:
        options["skips"] = _skip_options(cell)
    place = generator_cell(cell)
    return tuple(Decision(name, place, allowed) for name, allowed in options.items())


@lru_cache(maxsize=4096)
def cells_of(architecture: Architecture) -> tuple[CellArchitecture, ...]:
    """The cells of an architecture of this space; made once, since every forward pass asks."""
    assert architecture.space == NAME, architecture.space
    return tuple(CellArchitecture(*options) for options in architecture.taken)  # type: ignore[arg-type]


def architecture_of(cells: Iterable[CellArchitecture]) -> Architecture:
    """The architecture of these cells, each doubling the resolution.

    Raises `UserError` when an option does not exist, a skip does not come from an earlier cell, or
    there are no cells or too many.
    """
    return made_of(NAME, cells, cell_decisions)
