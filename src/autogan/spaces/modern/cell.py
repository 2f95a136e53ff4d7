"""The cells of the modern space.

A `Cell` is built from the options that are open for it: all of them in the shared generator, one for
each decision in a derived one. Blocks of another kind or another width have weights of their own;
normalisations and upsamplings of one kind share its convolutions, as in AutoGAN's cells.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from autogan.nets.attention import Attention, LinearAttention, SoftmaxAttentionInParts
from autogan.nets.bottleneck import Bottleneck
from autogan.nets.gates import Gates, gated
from autogan.nets.layers import CopyingDeconvolution, interpolate
from autogan.nets.modulation import ModulatedConvolution
from autogan.spaces.autogan.cell import ConvolutionBlock, UpsampledProjection
from autogan.spaces.decisions import Option, generator_cell
from autogan.spaces.modern.decisions import (
    BOTTLENECK_EXPANSION,
    CONVOLUTION_ORDERS,
    GROUP_WIDTH,
    GROUPED_EXPANSION,
    MODULATED,
    RESIDUALS,
    CellArchitecture,
    kind_of,
    middle_of,
    normalisation_of,
)
from autogan.spaces.operations import CLASS_NUMBERS
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import channels_of


@dataclass(frozen=True)
class Surroundings:
    """What all blocks of one forward pass are told.

    latents: B×L; styles: B×L, where a cell is modulated; batch_statistics, labels: see `BatchNorm`.
    """

    latents: Tensor
    styles: Tensor | None
    batch_statistics: bool
    labels: Tensor | None


@dataclass(frozen=True)
class Shape:
    """What a cell is made for.

    channels_in, channels_out: of its input and its output; upsamplings: the open ones; latent_size: with
    the numbers of a class; side: of its output in pixels; index: of the cell; cells: of the generator;
    classes: their number.
    """

    channels_in: int
    channels_out: int
    upsamplings: tuple[str, ...]
    latent_size: int
    side: int
    index: int
    cells: int
    classes: int


class Blocks(nn.Module):
    """The two blocks of a cell, of one kind and one width."""

    @abstractmethod
    def first(self, x: Tensor, cell: CellArchitecture, around: Surroundings) -> Tensor:
        """x: B×C×H×W → B×M×2H×2W, M the channels of the middle."""

    @abstractmethod
    def second(self, x: Tensor, cell: CellArchitecture, around: Surroundings) -> Tensor:
        """x: B×M×2H×2W → B×C'×2H×2W."""


class ConvolutionBlocks(Blocks):
    """AutoGAN's blocks: two 3×3 convolutions, each with a normalisation and a ReLU before or after it."""

    def __init__(
        self, kind: str, width: str, normalisations: tuple[str, ...], shape: Shape
    ) -> None:
        super().__init__()
        middle, out = channels_of(width, shape.channels_out), shape.channels_out
        self.block1 = ConvolutionBlock(
            shape.channels_in, middle, kind, normalisations, shape.upsamplings, shape.classes
        )
        self.block2 = ConvolutionBlock(middle, out, kind, normalisations, (), shape.classes)

    def first(self, x: Tensor, cell: CellArchitecture, around: Surroundings) -> Tensor:
        """As `Blocks.first`."""
        h: Tensor = self.block1(
            x, cell.normalisation, cell.upsampling, around.batch_statistics, around.labels
        )
        return h

    def second(self, x: Tensor, cell: CellArchitecture, around: Surroundings) -> Tensor:
        """As `Blocks.second`."""
        h: Tensor = self.block2(x, cell.normalisation, None, around.batch_statistics, around.labels)
        return h


class ResidualBlocks(Blocks):
    """The upsampled input, and two bottlenecks that add to it; a 1×1 convolution where widths differ."""

    def __init__(self, kind: str, width: str, shape: Shape) -> None:
        super().__init__()
        channels = shape.channels_out
        if shape.channels_in != channels:
            self.transition = UpsampledProjection(shape.channels_in, channels, 1, shape.upsamplings)
        elif "deconvolution" in shape.upsamplings:
            self.deconvolution = CopyingDeconvolution(channels)
        grouped = kind == "grouped"
        middle = channels * (GROUPED_EXPANSION if grouped else BOTTLENECK_EXPANSION)
        arguments = (
            channels,
            channels_of(width, middle),
            GROUP_WIDTH if grouped else None,
            2 * shape.cells,
        )
        self.block1, self.block2 = Bottleneck(*arguments), Bottleneck(*arguments)

    def first(self, x: Tensor, cell: CellArchitecture, around: Surroundings) -> Tensor:
        """As `Blocks.first`."""
        if hasattr(self, "transition"):
            x = self.transition(x, cell.upsampling)
        elif cell.upsampling == "deconvolution":
            x = self.deconvolution(x)
        else:
            x = interpolate(x, cell.upsampling)
        h: Tensor = self.block1(x)
        return h

    def second(self, x: Tensor, cell: CellArchitecture, around: Surroundings) -> Tensor:
        """As `Blocks.second`."""
        h: Tensor = self.block2(x)
        return h


class ModulatedBlocks(Blocks):
    """Two style-modulated 3×3 convolutions."""

    def __init__(self, width: str, shape: Shape) -> None:
        super().__init__()
        middle, out = channels_of(width, shape.channels_out), shape.channels_out
        side, size, number = shape.side, shape.latent_size, 2 * shape.index
        noise = size - CLASS_NUMBERS if shape.classes else size
        self.block1 = ModulatedConvolution(
            shape.channels_in,
            middle,
            size,
            shape.upsamplings,
            side=side,
            noise=noise,
            number=number,
        )
        self.block2 = ModulatedConvolution(
            middle, out, size, (), side=side, noise=noise, number=number + 1
        )

    def first(self, x: Tensor, cell: CellArchitecture, around: Surroundings) -> Tensor:
        """As `Blocks.first`."""
        h: Tensor = self.block1(x, around.styles, around.latents, cell.upsampling)
        return h

    def second(self, x: Tensor, cell: CellArchitecture, around: Surroundings) -> Tensor:
        """As `Blocks.second`."""
        h: Tensor = self.block2(x, around.styles, around.latents, None)
        return h


ATTENTION: dict[str, type[Attention]] = {
    "softmax": SoftmaxAttentionInParts,
    "linear": LinearAttention,
}


def words_of(options: Sequence[Option]) -> tuple[str, ...]:
    """Options that are words, as words."""
    return tuple(str(option) for option in options)


def _middles(space: SearchSpace, index: int) -> list[str]:
    """How wide the map between the blocks of a cell can be: "full", "half" or both."""
    place = generator_cell(index)
    blocks = words_of(space.options(place, "block"))
    widths = words_of(space.options(place, "width"))
    return sorted({middle_of(block, width) for block in blocks for width in widths})


class Cell(nn.Module):
    """Block 1 (upsamples) + skips → block 2, + shortcut beside convolution blocks, then attention.

    index: the cell's place, from 0; it takes skips from the cells before it.
    space: the open options; `SearchSpace.only(...)` gives the cell of a derived generator.
    widths: the channels of every cell's output; a cell's input is the output of the one before, the
    first cell's has as many channels as its output.
    latent_size: of latents and styles; side: of the cell's output in pixels; classes: their number.
    """

    def __init__(
        self,
        space: SearchSpace,
        index: int,
        widths: Sequence[int],
        latent_size: int,
        side: int,
        classes: int = 0,
    ) -> None:
        super().__init__()
        place = generator_cell(index)
        channels = widths[index]
        upsamplings = words_of(space.options(place, "upsampling"))
        shape = Shape(
            widths[max(index - 1, 0)],
            channels,
            upsamplings,
            latent_size,
            side,
            index,
            len(widths),
            classes,
        )
        open_blocks = words_of(space.options(place, "block"))
        self.blocks = nn.ModuleDict(
            {
                f"{kind}-{width}": _blocks(kind, width, open_blocks, shape)
                for kind in dict.fromkeys(map(kind_of, open_blocks))
                for width in words_of(space.options(place, "width"))
            }
        )
        if any(kind_of(block) in CONVOLUTION_ORDERS for block in open_blocks):
            self.shortcut = UpsampledProjection(shape.channels_in, channels, 1, upsamplings)
        sources = {
            source
            for skips in space.options(place, "skips")
            if isinstance(skips, tuple)
            for source in skips
        }
        self.skips = nn.ModuleDict(
            {
                f"{source}-{sent}-{taken}": UpsampledProjection(
                    channels_of(sent, widths[source]),
                    channels_of(taken, channels),
                    index - source,
                    upsamplings,
                )
                for source in sorted(sources)
                for sent in _middles(space, source)
                for taken in _middles(space, index)
            }
        )
        self.attention = nn.ModuleDict(
            {
                name: ATTENTION[name](channels)
                for name in words_of(space.options(place, "attention"))
                if name != "none"
            }
        )
        self.index = index

    def forward(
        self,
        x: Tensor,
        skip_outs: list[Tensor],
        cells: Sequence[CellArchitecture],
        around: Surroundings,
        gates: Gates | None = None,
    ) -> tuple[Tensor, Tensor]:
        """x: B×C×H×W, skip_outs: those of all earlier cells, cells: those of the architecture →
        output B×C'×2H×2W, skip-out B×M×2H×2W. gates: of this cell's decisions; see `gated`.

        The skip-out is block 1's output with the incoming skips in it, as in AutoGAN's cells.
        """
        cell = cells[self.index]
        blocks = self.blocks[f"{cell.kind}-{cell.width}"]
        assert isinstance(blocks, Blocks)
        h = gated(blocks.first(x, cell, around), gates, "block", "upsampling", "width")
        # Sums go into the projections' own memory: no backward pass reads what was there.
        for source in cell.skips:
            skip = self.skips[f"{source}-{cells[source].middle}-{cell.middle}"]
            sent = skip(skip_outs[source], cell.upsampling)
            h = gated(sent, gates, "skips", "upsampling").add_(h)
        skip_out = h
        h = gated(blocks.second(h, cell, around), gates, "block", "width")
        if cell.kind in CONVOLUTION_ORDERS:
            h = gated(self.shortcut(x, cell.upsampling), gates, "block", "upsampling").add_(h)
        if cell.attention != "none":
            h = gated(self.attention[cell.attention](h), gates, "attention")
        return h, skip_out


def _blocks(kind: str, width: str, open_blocks: Sequence[str], shape: Shape) -> Blocks:
    if kind in RESIDUALS:
        return ResidualBlocks(kind, width, shape)
    if kind == MODULATED:
        return ModulatedBlocks(width, shape)
    normalisations = tuple(normalisation_of(b) for b in open_blocks if kind_of(b) == kind)
    return ConvolutionBlocks(kind, width, normalisations, shape)
