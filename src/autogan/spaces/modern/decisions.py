"""The decisions of each generator cell of the modern space, and the typed view of what a cell takes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from autogan.basics.limits import DOUBLINGS_WITH_SOFTMAX, MOST_CELLS
from autogan.spaces.architecture import Architecture
from autogan.spaces.decisions import Decision, Option, generator_cell
from autogan.spaces.made_of_cells import made_of
from autogan.spaces.widths import INNER_WIDTHS

NAME = "modern"
CONVOLUTION_ORDERS = ("pre", "post")
NORMALISATIONS = ("none", "batch", "instance")
RESIDUALS = ("bottleneck", "grouped")
MODULATED = "modulated"
BLOCKS = (
    *(f"{order}-{norm}" for order in CONVOLUTION_ORDERS for norm in NORMALISATIONS),
    *RESIDUALS,
    MODULATED,
)
"""A convolution block with its normalisation, or a block that takes none: all combinations there are."""
UPSAMPLINGS = ("nearest", "bilinear", "deconvolution")
ATTENTIONS = ("none", "softmax", "linear")
WIDTHS = INNER_WIDTHS
BOTTLENECK_EXPANSION, GROUPED_EXPANSION = 1, 2
"""Middle channels of a residual block of full width for each of its own. A dense 3×3 convolution on
twice the channels would take four times as long as any other block."""
GROUP_WIDTH = 16
"""Channels of a group of a grouped convolution."""


@dataclass(frozen=True)
class CellArchitecture:
    """The options that one cell takes.

    block: "pre-batch" (norm, ReLU, convolution), "post-none" (convolution, norm, ReLU) and so on;
    "bottleneck", "grouped" (residual, without normalisation) or "modulated" (by a style).
    upsampling: "nearest", "bilinear" or "deconvolution" (stride 2, 2×2 kernel).
    width: "full" or "half": of the maps inside the cell; its output is always of full width.
    attention: "none", "softmax" or "linear", after the second block.
    skips: the earlier cells, ascending, whose skip-outs are added between the two blocks.
    """

    block: str
    upsampling: str
    width: str = "full"
    attention: str = "none"
    skips: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """The block without its normalisation: "pre", "post", "bottleneck", "grouped", "modulated"."""
        return kind_of(self.block)

    @property
    def normalisation(self) -> str:
        """Of a convolution block."""
        return normalisation_of(self.block)

    @property
    def middle(self) -> str:
        """How wide the map between the two blocks is: "full" or "half"."""
        return middle_of(self.block, self.width)

    def __str__(self) -> str:
        extras = [self.attention] * (self.attention != "none")
        extras += [self.width] * (self.width != "full")
        extras += [f"skip{source}" for source in self.skips]
        return "+".join([f"{self.block}-{self.upsampling}", *extras])


def kind_of(block: str) -> str:
    """See `CellArchitecture.kind`."""
    return block.split("-")[0]


def normalisation_of(block: str) -> str:
    """The normalisation in the name of a convolution block."""
    kind, _, normalisation = block.partition("-")
    assert kind in CONVOLUTION_ORDERS, block
    return normalisation


def middle_of(block: str, width: str) -> str:
    """See `CellArchitecture.middle`: residual blocks are narrow inside, not between each other."""
    return "full" if block in RESIDUALS else width


@lru_cache(maxsize=MOST_CELLS)
def cell_decisions(cell: int) -> tuple[Decision, ...]:
    """The decisions for one cell. A cell is a stage of growth."""
    attentions = ATTENTIONS if cell < DOUBLINGS_WITH_SOFTMAX else ("none", "linear")
    options: dict[str, tuple[Option, ...]] = {
        "block": BLOCKS,
        "upsampling": UPSAMPLINGS,
        "width": WIDTHS,
        "attention": attentions,
    }
    if cell > 0:
        options["skips"] = _skip_options(cell)
    place = generator_cell(cell)
    return tuple(Decision(name, place, allowed) for name, allowed in options.items())


def _skip_options(cell: int) -> tuple[tuple[int, ...], ...]:
    """All sets of earlier cells; in the binary code the lowest bit stands for cell 0."""
    return tuple(
        tuple(source for source in range(cell) if code >> source & 1) for code in range(2**cell)
    )


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
