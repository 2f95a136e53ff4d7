"""The operations of AutoGAN's generators, in the order in which they run: one list for all who ask.

It is held against the networks themselves by tests. Size and cost are sums over it, and both
diagrams draw it.
"""

from autogan.images.classes import Classes
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.decisions import CellArchitecture, cells_of
from autogan.spaces.decisions import generator_cell
from autogan.spaces.operations import CLASS_NUMBERS, Branch, Operation
from autogan.spaces.widths import Channels, each_width


def generator_operations(
    architecture: Architecture,
    *,
    latent_size: int,
    channels: Channels,
    bottom_size: int,
    classes: Classes | None = None,
) -> tuple[Operation, ...]:
    """Of the derived generator of `architecture`, for one latent. classes: that it makes, if any."""
    number = len(classes) if classes else 0
    cells = cells_of(architecture)
    widths = each_width(channels, len(cells))
    into = Branch(None, "input", widths[0], bottom_size)
    into.project(latent_size, number, CLASS_NUMBERS if classes else 0)
    listed = into.operations
    for index, cell in enumerate(cells):
        listed += _cell(cell, index, widths, bottom_size, number)
    out = Branch(None, "output", widths[-1], bottom_size << len(cells))
    out.batch_norm(number)
    out.activate("ReLU")
    out.convolve(3, 3)
    out.activate("tanh")
    return (*listed, *out.operations)


def _cell(
    cell: CellArchitecture, index: int, widths: tuple[int, ...], bottom_size: int, classes: int
) -> list[Operation]:
    place, side, width = generator_cell(index), bottom_size << index, widths[index]
    width_in = widths[max(index - 1, 0)]
    block1 = Branch(place, "block 1", width_in, side)
    _block(block1, cell, width, classes, upsamples=True)
    listed = block1.operations
    for source in cell.skips:
        skip = Branch(
            place, f"skip from {source}", widths[source], bottom_size << source + 1, source
        )
        skip.projection(cell.upsampling, index - source, width)
        listed += skip.operations
    block2 = Branch(place, "block 2", width, 2 * side)
    _block(block2, cell, width, classes, upsamples=False)
    listed += block2.operations
    if cell.shortcut:
        shortcut = Branch(place, "shortcut", width_in, side)
        shortcut.projection(cell.upsampling, 1, width)
        listed += shortcut.operations
    return listed


def _block(
    branch: Branch, cell: CellArchitecture, width: int, classes: int, *, upsamples: bool
) -> None:
    """A convolution block: normalisation and ReLU before the convolution, or after it."""

    def activate() -> None:
        match cell.normalisation:
            case "none":
                branch.no_norm()
            case "batch":
                branch.batch_norm(classes)
            case "instance":
                branch.instance_norm()
            case other:
                raise AssertionError(other)
        branch.activate("ReLU")

    if cell.order == "pre":
        activate()
    if upsamples and cell.upsampling == "deconvolution":
        branch.deconvolve()
    elif upsamples:
        branch.interpolate(cell.upsampling)
    branch.convolve(width, 3)
    if cell.order == "post":
        activate()
