"""The discriminator of the modern space, which grows with the generator as AutoGAN's does."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.images.classes import Classes
from autogan.nets.attention import SoftmaxAttention
from autogan.nets.bottleneck import Bottleneck, LowPass
from autogan.nets.residual_block import ResidualBlock
from autogan.nets.spectral_norm import SpectralNorm, Unnormalised
from autogan.spaces.modern.decisions import channels_of
from autogan.spaces.modern.discriminator_decisions import (
    BlockArchitecture,
    DiscriminatorArchitecture,
    pools,
)
from autogan.spaces.pooled_discriminator import PooledDiscriminator

GROUP = 4
"""Images whose deviation is looked at together."""


def minibatch_deviation(x: Tensor) -> Tensor:
    """B×C×H×W → B×1×H×W: in neighbouring groups of images, the standard deviation of each value, and of
    these the mean. Groups are of GROUP images, or of the largest common divisor with B."""
    count, _, height, width = x.shape
    groups = x.float().view(-1, math.gcd(GROUP, count), *x.shape[1:])  # G×4×C×H×W
    deviation = (groups.var(dim=1, correction=0) + 1e-8).sqrt().mean(dim=(1, 2, 3))  # G
    each = deviation.repeat_interleave(math.gcd(GROUP, count))  # B
    return each.view(-1, 1, 1, 1).expand(-1, 1, height, width).to(x.dtype)


class BottleneckBlock(nn.Module):
    """A 1×1 convolution where widths differ, a bottleneck, and half the side if it pools."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        middle: int,
        *,
        blocks: int,
        pools: bool,
        wrap: type[Unnormalised],
    ) -> None:
        super().__init__()
        if channels_in != channels_out:
            self.transition = wrap(nn.Conv2d(channels_in, channels_out, 1))
        self.bottleneck = Bottleneck(
            channels_out,
            middle,
            None,
            blocks,
            wrap=wrap,
            last_gain=1.0 if issubclass(wrap, SpectralNorm) else 0.0,
        )
        if pools:
            self.low_pass = LowPass()

    def forward(self, x: Tensor) -> Tensor:
        """x: B×C×H×W → B×C'×H×W, or B×C'×H/2×W/2 if the block pools."""
        if hasattr(self, "transition"):
            x = self.transition(x)
        x = self.bottleneck(x)
        return self.low_pass(x) if hasattr(self, "low_pass") else x


class ModernDiscriminator(PooledDiscriminator):
    """Images to one logit each, at every stage of the generator's growth.

    At stage s the first s+1 growing blocks run, each with its attention, then the last block, ReLU,
    global sum pooling and a linear layer without bias. channels: of every block.
    spectral_norm: whether all weights are spectrally normalised. direction_head, classes: see
    `PooledDiscriminator`.
    """

    def __init__(
        self,
        architecture: DiscriminatorArchitecture,
        channels: int,
        *,
        spectral_norm: bool = True,
        direction_head: bool = False,
        classes: Classes | None = None,
    ) -> None:
        stages = len(architecture.blocks)
        super().__init__(stages, channels, classes=classes)
        self.architecture = architecture
        wrap = SpectralNorm if spectral_norm else Unnormalised
        self.growing = nn.ModuleList(
            _growing(block, index, stages, channels, wrap)
            for index, block in enumerate(architecture.blocks)
        )
        end = channels + architecture.minibatch_deviation
        self.last = ResidualBlock(end, channels, pools=False, wrap=wrap)
        self.make_head(channels, wrap, direction_head=direction_head)

    def features(self, images: Tensor, stage: int | None) -> Tensor:
        """As `PooledDiscriminator.features`."""
        x = images
        for block in list(self.growing)[: None if stage is None else stage + 1]:
            x = block(x)
        if self.architecture.minibatch_deviation:
            x = torch.cat([x, minibatch_deviation(x)], dim=1)
        return F.relu(self.last(x), inplace=True).sum(dim=(2, 3))  # B×C


def _growing(
    chosen: BlockArchitecture, index: int, stages: int, channels: int, wrap: type[Unnormalised]
) -> nn.Module:
    channels_in, middle = channels if index else 3, channels_of(chosen.width, channels)
    block: nn.Module
    if chosen.block == "residual":
        block = ResidualBlock(
            channels_in,
            channels,
            pools=pools(index, stages),
            on_image=index == 0,
            wrap=wrap,
            middle=middle,
        )
    else:
        block = BottleneckBlock(
            channels_in,
            channels,
            middle,
            blocks=stages,
            pools=pools(index, stages),
            wrap=wrap,
        )
    if chosen.attention == "none":
        return block
    return nn.Sequential(block, SoftmaxAttention(channels, wrap))
