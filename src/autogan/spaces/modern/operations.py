"""The operations of the modern space's generators, in the order in which they run.

Held against the networks themselves by tests; sizes, costs and diagrams read it.
"""

from autogan.images.classes import Classes
from autogan.spaces.architecture import Architecture
from autogan.spaces.decisions import generator_cell
from autogan.spaces.modern.decisions import (
    BOTTLENECK_EXPANSION,
    CONVOLUTION_ORDERS,
    GROUP_WIDTH,
    GROUPED_EXPANSION,
    MODULATED,
    RESIDUALS,
    CellArchitecture,
    cells_of,
)
from autogan.spaces.modern_branch import ModernBranch
from autogan.spaces.operations import CLASS_NUMBERS, Branch, Operation
from autogan.spaces.widths import Channels, channels_of, each_width


def generator_operations(
    architecture: Architecture,
    *,
    latent_size: int,
    channels: Channels,
    bottom_size: int,
    classes: Classes | None = None,
) -> tuple[Operation, ...]:
    """Of the derived generator of `architecture`, for one latent. classes: that it makes, if any."""
    number, inputs = 0, latent_size
    if classes:
        number, inputs = len(classes), latent_size + CLASS_NUMBERS
    cells = cells_of(architecture)
    widths = each_width(channels, len(cells))
    listed: list[Operation] = []
    if any(cell.block == MODULATED for cell in cells):
        mapping = ModernBranch(None, "mapping", inputs, 1)
        mapping.map_to_styles(inputs)
        listed += mapping.operations
    into = Branch(None, "input", widths[0], bottom_size)
    into.project(latent_size, number, CLASS_NUMBERS if classes else 0)
    listed += into.operations
    for index in range(len(cells)):
        listed += _cell(cells, index, widths, bottom_size, inputs, number)
    out = Branch(None, "output", widths[-1], bottom_size << len(cells))
    out.batch_norm(number)
    out.activate("ReLU")
    out.convolve(3, 3)
    out.activate("tanh")
    return (*listed, *out.operations)


def _cell(
    cells: tuple[CellArchitecture, ...],
    index: int,
    widths: tuple[int, ...],
    bottom_size: int,
    latent_size: int,
    classes: int,
) -> list[Operation]:
    cell, place, side, width = (
        cells[index],
        generator_cell(index),
        bottom_size << index,
        widths[index],
    )
    width_in, middle = widths[max(index - 1, 0)], channels_of(cell.middle, width)
    block1 = ModernBranch(place, "block 1", width_in, side)
    if cell.kind in RESIDUALS:
        _upsample(block1, cell.upsampling)
        if width_in != width:
            block1.convolve(width, 1)
    _block(block1, cell, middle, latent_size, classes, upsamples=cell.kind not in RESIDUALS)
    listed = block1.operations
    for source in cell.skips:
        sent = channels_of(cells[source].middle, widths[source])
        skip = Branch(place, f"skip from {source}", sent, bottom_size << source + 1, source)
        skip.projection(cell.upsampling, index - source, middle)
        listed += skip.operations
    block2 = ModernBranch(place, "block 2", middle, 2 * side)
    _block(block2, cell, width, latent_size, classes, upsamples=False)
    listed += block2.operations
    if cell.kind in CONVOLUTION_ORDERS:
        shortcut = Branch(place, "shortcut", width_in, side)
        shortcut.projection(cell.upsampling, 1, width)
        listed += shortcut.operations
    if cell.attention != "none":
        attention = ModernBranch(place, "attention", width, 2 * side)
        attention.attend(cell.attention)
        listed += attention.operations
    return listed


def _upsample(branch: Branch, upsampling: str) -> None:
    if upsampling == "deconvolution":
        branch.deconvolve()
    else:
        branch.interpolate(upsampling)


def _block(
    branch: ModernBranch,
    cell: CellArchitecture,
    channels: int,
    latent_size: int,
    classes: int,
    *,
    upsamples: bool,
) -> None:
    """One of the two blocks of a cell, to `channels` channels."""
    if cell.kind in RESIDUALS:
        grouped = cell.kind == "grouped"
        middle = branch.channels * (GROUPED_EXPANSION if grouped else BOTTLENECK_EXPANSION)
        branch.bottleneck(channels_of(cell.width, middle), GROUP_WIDTH if grouped else None)
        return

    def activate() -> None:
        if cell.normalisation == "batch":
            branch.batch_norm(classes)
        else:
            {"none": branch.no_norm, "instance": branch.instance_norm}[cell.normalisation]()
        branch.activate("ReLU")

    if cell.kind == "pre":
        activate()
    if upsamples:
        _upsample(branch, cell.upsampling)
    if cell.kind == MODULATED:
        branch.modulated(channels, latent_size)
    else:
        branch.convolve(channels, 3)
    if cell.kind == "post":
        activate()
