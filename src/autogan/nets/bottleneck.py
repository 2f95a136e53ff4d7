"""The residual bottleneck without normalisation (Huang et al., 2024, "R3GAN")."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.nets.layers import OwnStart, drawn_normal
from autogan.nets.widths import group_count

SLOPE = 0.2
"""Of the leaky ReLU below zero."""


def residual_gain(blocks: int) -> float:
    """The gain of the first two convolutions of each of a network's `blocks` bottlenecks.

    √(2 / (1 + 0.2²)) keeps the variance through a leaky ReLU; L^(-1/4) in two convolutions keeps that
    of the sum of L blocks.
    """
    return math.sqrt(2 / (1 + SLOPE**2)) * float(blocks) ** -0.25


class NormalConvolution(nn.Conv2d, OwnStart):
    """A convolution that keeps the side and starts from N(0, gain² / inputs of a value).

    A gain of 0 starts it from zeros. groups: of channels, each convolved by itself.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int,
        gain: float,
        *,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            channels_in, channels_out, kernel, padding=kernel // 2, groups=groups, bias=bias
        )
        self.gain = gain

    def start(self, generator: torch.Generator) -> None:
        """Draws the weight; zero biases."""
        inputs = self.weight[0].numel()
        deviation = self.gain / math.sqrt(inputs)
        self.weight.copy_(drawn_normal(self.weight.shape, deviation, generator))
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class Bottleneck(nn.Module):
    """x + W3·φ(W2·φ(W1·x)), 1×1 → 3×3 → 1×1, φ a leaky ReLU after a bias: B×C×H×W → the same shape.

    W3 has no bias and starts from zero: a fresh block passes its input on.

    channels: of x; middle: of the maps between; group_width: channels of a group of the 3×3
    convolution, None for a dense one; blocks: how many bottlenecks the network has, for `residual_gain`.
    wrap: what becomes of each convolution. last_gain: see `NormalConvolution`; a weight that is divided
    by its norm must not start from zero.
    """

    def __init__(
        self,
        channels: int,
        middle: int,
        group_width: int | None,
        blocks: int,
        *,
        wrap: Callable[[nn.Conv2d], nn.Module] | None = None,
        last_gain: float = 0.0,
    ) -> None:
        super().__init__()
        gain = residual_gain(blocks)
        groups = 1 if group_width is None else group_count(middle, group_width)
        layers: list[nn.Module] = [
            NormalConvolution(channels, middle, 1, gain),
            NormalConvolution(middle, middle, 3, gain, groups=groups),
            NormalConvolution(middle, channels, 1, last_gain, bias=False),
        ]
        if wrap is not None:
            layers = [wrap(layer) for layer in layers if isinstance(layer, nn.Conv2d)]
        self.convolution1, self.convolution2, self.convolution3 = layers

    def forward(self, x: Tensor) -> Tensor:
        """x: B×C×H×W → the same shape."""
        h = F.leaky_relu(self.convolution1(x), SLOPE, inplace=True)
        h = F.leaky_relu(self.convolution2(h), SLOPE, inplace=True)
        summed: Tensor = self.convolution3(h) + x
        return summed


class LowPass(nn.Module):
    """Half the side through the low-pass [1, 3, 3, 1] / 8 both ways: B×C×H×W → B×C×H/2×W/2.

    Bilinear upsampling by 2 has the same weights; the border here is of zeros.
    """

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", torch.outer(taps, taps), persistent=False)
        self.kernel: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """x: B×C×H×W → B×C×H/2×W/2."""
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, 4, 4)
        return F.conv2d(x, kernel, stride=2, padding=1, groups=channels)
