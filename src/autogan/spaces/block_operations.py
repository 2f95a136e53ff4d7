"""The operations of a discriminator that is made of decisions, in the order in which they run; AutoGAN's is
the plain one of these.

Held against the network itself by tests; sizes, costs and drawings read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from autogan.images.classes import Classes
from autogan.spaces.decisions import Place
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture, pools
from autogan.spaces.modern_branch import ModernBranch
from autogan.spaces.operations import Branch, Operation, Size
from autogan.spaces.widths import channels_of


def discriminator_operations(
    architecture: DiscriminatorArchitecture,
    stage: int,
    *,
    channels: int,
    image_size: int,
    classes: Classes | None = None,
) -> tuple[Operation, ...]:
    """Of a discriminator with all its blocks on one image of `image_size` pixels at `stage`.

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


@dataclass(frozen=True)
class BlockRow:
    """name: of a block; words: its operations in order; parameters, multiply_accumulates: theirs."""

    name: str
    words: str
    parameters: int
    multiply_accumulates: int


def block_rows(operations: Sequence[Operation]) -> list[BlockRow]:
    """The operations of a discriminator, block by block; ways that stand beside each other joined by +."""
    numbers = list(dict.fromkeys(o.place.number if o.place else None for o in operations))
    last = max(number for number in numbers if number is not None)
    rows = []
    for number in numbers:
        own = [o for o in operations if (o.place.number if o.place else None) == number]
        name = "end" if number is None else "last block" if number == last else f"block {number}"
        beside = dict.fromkeys(o.branch for o in own if o.branch != "attention")
        words = " + ".join(" → ".join(o.words for o in own if o.branch == b) for b in beside)
        words = " → ".join([words, *(o.words for o in own if o.branch == "attention")])
        size = Size.of(own)
        rows.append(BlockRow(name, words, size.parameters, size.multiply_accumulates))
    return rows
