"""The operations of the modern space's networks, in the order in which they run.

Held against the networks themselves by tests; sizes, costs and diagrams read it. Beside the weights
applied at each position, it counts what attention multiplies: maps with maps.
"""

from autogan.images.classes import Classes
from autogan.nets.widths import MAPPING_LAYERS, attention_widths, group_count
from autogan.spaces.architecture import Architecture
from autogan.spaces.decisions import Place
from autogan.spaces.modern.decisions import (
    BOTTLENECK_EXPANSION,
    CONVOLUTION_ORDERS,
    GROUP_WIDTH,
    GROUPED_EXPANSION,
    MODULATED,
    RESIDUALS,
    CellArchitecture,
    cells_of,
    channels_of,
    generator_cell,
)
from autogan.spaces.modern.discriminator_decisions import DiscriminatorArchitecture, pools
from autogan.spaces.operations import CLASS_NUMBERS, Branch, Operation
from autogan.spaces.widths import Channels, each_width


class ModernBranch(Branch):
    """A map on its way, with what the modern space can do to it."""

    def map_to_styles(self, latent_size: int) -> None:
        """The layers from a latent to its style."""
        for _ in range(MAPPING_LAYERS):
            self._add("linear", "linear", (latent_size + 1) * latent_size, latent_size**2)
            self._add("activation", "leaky ReLU")

    def bottleneck(self, middle: int, group_width: int | None) -> None:
        """1×1, 3×3 and 1×1 convolution beside the identity."""
        channels, kind = self.channels, "3×3 conv"
        groups = 1
        if group_width is not None:
            groups, kind = group_count(middle, group_width), "3×3 grouped conv"
        self.convolve(middle, 1)
        self.activate("leaky ReLU")
        weights = middle * middle // groups * 9
        self._add("convolution", kind, weights + middle, weights * self.side**2)
        self.activate("leaky ReLU")
        self.channels, weights = channels, middle * channels
        self._add("convolution", "1×1 conv", weights, weights * self.side**2)
        self._add("sum", "+ identity")

    def modulated(self, channels: int, latent_size: int) -> None:
        """A 3×3 convolution with a style's weights, noise, bias and leaky ReLU."""
        channels_in, self.channels = self.channels, channels
        weights = channels_in * channels * 9
        style = (latent_size + 1) * channels_in
        work = latent_size * channels_in + channels_in * channels  # the style, and weights' lengths
        self._add(
            "convolution",
            "3×3 modulated conv",
            weights + channels + style,
            weights * self.side**2 + work,
        )
        self._add("noise", "noise", 1)
        self.activate("leaky ReLU")

    def low_pass(self) -> None:
        """Half the side through a low-pass."""
        self.side //= 2
        self._add("pooling", "low-pass")

    def attend(self, name: str) -> None:
        """Attention between all positions."""
        keys, values = attention_widths(self.channels)
        weights = 2 * self.channels * (keys + values)
        positions = self.side**2
        if name == "softmax":
            mixing = positions * max(1, self.side // 2) ** 2 * (keys + values)
        else:
            mixing = positions * (2 * keys * values + keys)
        self._add("attention", f"{name} attention", weights + 1, weights * positions + mixing)


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
        _projection(skip, cell.upsampling, index - source, middle)
        listed += skip.operations
    block2 = ModernBranch(place, "block 2", middle, 2 * side)
    _block(block2, cell, width, latent_size, classes, upsamples=False)
    listed += block2.operations
    if cell.kind in CONVOLUTION_ORDERS:
        shortcut = Branch(place, "shortcut", width_in, side)
        _projection(shortcut, cell.upsampling, 1, width)
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


def _projection(branch: Branch, upsampling: str, doublings: int, width: int) -> None:
    """A shortcut or a skip: brought to the cell's resolution, then a 1×1 convolution."""
    if upsampling == "deconvolution":
        for _ in range(doublings):
            branch.deconvolve()
    else:
        branch.interpolate(upsampling, 2**doublings)
    branch.convolve(width, 1)


def discriminator_operations(
    architecture: DiscriminatorArchitecture,
    stage: int,
    *,
    channels: int,
    image_size: int,
    classes: Classes | None = None,
) -> tuple[Operation, ...]:
    """Of a discriminator on one image of `image_size` pixels at `stage`.

    The last block's number is the one after the stage's.
    """
    stages = len(architecture.blocks)
    listed: list[Operation] = []
    side, channels_in = image_size, 3
    for index, chosen in enumerate(architecture.blocks[: stage + 1]):
        place = Place("discriminator block", index)
        block = ModernBranch(place, "block", channels_in, side)
        middle = channels_of(chosen.width, channels)
        if chosen.block == "residual":
            listed += _residual(block, middle, channels, pools(index, stages), index == 0)
        else:
            if channels_in != channels:
                block.convolve(channels, 1)
            block.bottleneck(middle, None)
            if pools(index, stages):
                block.low_pass()
            listed += block.operations
        side, channels_in = block.side, channels
        if chosen.attention != "none":
            attention = ModernBranch(place, "attention", channels, side)
            attention.attend(chosen.attention)
            listed += attention.operations
    end = channels + architecture.minibatch_deviation
    last = ModernBranch(Place("discriminator block", stage + 1), "block", end, side)
    listed += _residual(last, channels, channels, False, False)
    out = Branch(None, "output", channels, side)
    out.activate("ReLU")
    if classes:
        out.sum_to_logit(len(classes), guesses_classes=classes.unlabelled)
    else:
        out.sum_to_logit()
    return (*listed, *out.operations)


def _residual(
    block: Branch, middle: int, channels: int, pooled: bool, on_image: bool
) -> list[Operation]:
    """AutoGAN's block, to `channels` channels: two 3×3 convolutions beside a shortcut."""
    shortcut = Branch(block.place, "shortcut", block.channels, block.side)
    if not on_image:
        block.activate("ReLU")
    block.convolve(middle, 3)
    block.activate("ReLU")
    block.convolve(channels, 3)
    if pooled:
        block.pool()
        shortcut.pool()  # before its convolution, with which it commutes
    if pooled or shortcut.channels != channels:
        shortcut.convolve(channels, 1)
    return [*block.operations, *shortcut.operations]
