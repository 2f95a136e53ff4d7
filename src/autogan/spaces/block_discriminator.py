"""A discriminator that is made of decisions: with all options open, or with one of each."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.images.classes import Classes
from autogan.nets.attention import SoftmaxAttention
from autogan.nets.bottleneck import Bottleneck, LowPass
from autogan.nets.residual_block import ResidualBlock
from autogan.nets.spectral_norm import SpectralNorm, Unnormalised, prepare_together
from autogan.spaces.discriminator_architecture import (
    DEVIATION,
    GROUP,
    DiscriminatorArchitecture,
    OpenOptions,
    pools,
)
from autogan.spaces.pooled_discriminator import PooledDiscriminator
from autogan.spaces.widths import channels_of


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


class BlockDiscriminator(PooledDiscriminator):
    """Images to one logit each, at every stage of the generator's growth.

    At stage s the first s+1 growing blocks run, each with its attention, then the last block, ReLU,
    global sum pooling and a linear layer without bias. With all options open it is shared by all
    discriminators: the weights of one are a subset of its, under the same names.

    open_options: `all_options` for a shared one, `only_options` for that of one architecture.
    channels: of every block. spectral_norm: whether all weights are spectrally normalised.
    direction_head, classes: see `PooledDiscriminator`.
    """

    def __init__(
        self,
        open_options: OpenOptions,
        channels: int,
        *,
        spectral_norm: bool = True,
        direction_head: bool = False,
        classes: Classes | None = None,
    ) -> None:
        stages = len(open_options)
        super().__init__(stages, channels, classes=classes)
        wrap = SpectralNorm if spectral_norm else Unnormalised
        self.growing = nn.ModuleList(
            nn.ModuleDict(
                {
                    f"{block}-{width}": _growing(
                        str(block), str(width), index, stages, channels, wrap
                    )
                    for block in blocks
                    for width in widths
                }
            )
            for index, (blocks, _, widths, *_) in enumerate(open_options)
        )
        self.attention = nn.ModuleList(
            nn.ModuleDict(
                {str(a): SoftmaxAttention(channels, wrap) for a in attentions if a != "none"}
            )
            for _, attentions, *_ in open_options
        )
        *_, ends = open_options[0]
        self.last = nn.ModuleDict(
            {
                _end(bool(deviation)): ResidualBlock(
                    channels + bool(deviation), channels, pools=False, wrap=wrap
                )
                for deviation in ends
            }
        )
        self.make_head(channels, wrap, direction_head=direction_head)
        self._only = None
        if all(len(options) == 1 for decisions in open_options for options in decisions):
            taken = [[options[0] for options in decisions] for decisions in open_options]
            self._only = DiscriminatorArchitecture.of(taken)

    def features(
        self,
        images: Tensor,
        stage: int | None,
        architecture: DiscriminatorArchitecture | None = None,
    ) -> Tensor:
        """As `PooledDiscriminator.features`; architecture: with the blocks up to the stage, or more."""
        chosen = architecture or self._only
        assert chosen is not None, "a shared discriminator is told which options to take"
        stages = self.stages if stage is None else stage + 1
        path = []
        for index, block in enumerate(chosen.blocks[:stages]):
            path.append(_taken(self.growing[index], f"{block.block}-{block.width}"))
            if block.attention != "none":
                path.append(_taken(self.attention[index], block.attention))
        last = self.last[_end(chosen.minibatch_deviation)]
        prepare_together([*path, last, *self.head_layers()])
        x = images
        for module in path:
            x = module(x)
        if chosen.minibatch_deviation:
            x = torch.cat([x, minibatch_deviation(x)], dim=1)
        return F.relu(last(x), inplace=True).sum(dim=(2, 3))


def _taken(options: nn.Module, name: str) -> nn.Module:
    """The module of the option that is taken, out of those of one place."""
    assert isinstance(options, nn.ModuleDict)
    return options[name]


def _end(deviation: bool) -> str:
    return DEVIATION if deviation else "plain"


def _growing(
    kind: str, width: str, index: int, stages: int, channels: int, wrap: type[Unnormalised]
) -> nn.Module:
    channels_in, middle = channels if index else 3, channels_of(width, channels)
    if kind == "residual":
        return ResidualBlock(
            channels_in,
            channels,
            pools=pools(index, stages),
            on_image=index == 0,
            wrap=wrap,
            middle=middle,
        )
    return BottleneckBlock(
        channels_in,
        channels,
        middle,
        blocks=stages,
        pools=pools(index, stages),
        wrap=wrap,
    )
