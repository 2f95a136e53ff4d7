"""Convolutions whose weights follow a style (Karras et al., 2020, "StyleGAN2")."""

import math
from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.nets.bottleneck import SLOPE
from autogan.nets.layers import (
    CopyingDeconvolution,
    OwnStart,
    convolve_upsampled,
    drawn_normal,
    interpolate,
)
from autogan.nets.widths import MAPPING_LAYERS

MAPPING_RATE = 0.01
"""How fast the mapping learns, beside all other layers."""
EPSILON = 1e-8
GAIN = math.sqrt(2)
"""After each leaky ReLU of styles and of modulated convolutions."""


class SlowLinear(OwnStart):
    """A linear layer whose weights Adam moves MAPPING_RATE times as fast: they are kept larger by as much."""

    def __init__(self, size_in: int, size_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(size_out, size_in))
        self.bias = nn.Parameter(torch.zeros(size_out))

    def start(self, generator: torch.Generator) -> None:
        """Weights that work as N(0, 1 / inputs), zero biases."""
        deviation = 1 / math.sqrt(self.weight.shape[1]) / MAPPING_RATE
        self.weight.copy_(drawn_normal(self.weight.shape, deviation, generator))
        self.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """B×size_in → B×size_out."""
        return F.linear(x, self.weight * MAPPING_RATE, self.bias * MAPPING_RATE)


class MappingNetwork(nn.Module):
    """From latents to styles of the same size: each latent to length √L, then two layers."""

    def __init__(self, latent_size: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            SlowLinear(latent_size, latent_size) for _ in range(MAPPING_LAYERS)
        )

    def forward(self, latents: Tensor) -> Tensor:
        """latents: B×L → styles B×L."""
        x = latents * torch.rsqrt(latents.square().mean(dim=1, keepdim=True) + EPSILON)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE) * GAIN
        return x


class StyleLayer(nn.Linear, OwnStart):
    """From a style to the factor of every channel, all 1 for a style of zeros: B×L → B×C."""

    def start(self, generator: torch.Generator) -> None:
        """Weights from N(0, 1 / inputs), biases of 1."""
        deviation = 1 / math.sqrt(self.in_features)
        self.weight.copy_(drawn_normal(self.weight.shape, deviation, generator))
        self.bias.fill_(1)


def noise_places(side: int, latent_size: int, number: int) -> Tensor:
    """For each position of a map, the entry of the latent that is its noise: int64 side·side, all below
    latent_size.

    The same for one (side, latent_size, number) everywhere: a generator's file need not hold it.
    """
    stream = Random(f"{side}/{latent_size}/{number}")
    places = [int(stream.random() * latent_size) for _ in range(side * side)]
    return torch.tensor(places, dtype=torch.int64, device="cpu")


class ModulatedConvolution(OwnStart):
    """Upsampling, 3×3 convolution with a style's weights, noise, bias, leaky ReLU.

    The style scales the weights of every input channel, and every output channel's weights are then
    divided by their length. (Scaling the maps before and after the convolution is the same.)

    The noise of a position is an entry of the latent, standard normal, at a place drawn once and for all.
    So an image stays a function of its latent, and there is no further random stream to keep. Its
    strength is learned, from 0.

    upsamplings: the open ones; none where it keeps the side. side: of its output, in pixels. noise: the
    first so many entries of the latent may be noise; what tells a class stands behind them. number: of this
    convolution among those of a generator, which the places of the noise differ by.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        latent_size: int,
        upsamplings: tuple[str, ...],
        *,
        side: int,
        noise: int,
        number: int,
    ) -> None:
        super().__init__()
        self.style = StyleLayer(latent_size, channels_in)
        if "deconvolution" in upsamplings:
            self.deconvolution = CopyingDeconvolution(channels_in)
        self.weight = nn.Parameter(torch.zeros(channels_out, channels_in, 3, 3))
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.strength = nn.Parameter(torch.zeros(()))
        places = noise_places(side, noise, number)
        self.register_buffer("places", places, persistent=False)
        self.places: Tensor
        self.side = side

    def start(self, generator: torch.Generator) -> None:
        """Weights from N(0, 1 / inputs), zero bias, no noise."""
        deviation = 1 / math.sqrt(self.weight[0].numel())
        self.weight.copy_(drawn_normal(self.weight.shape, deviation, generator))
        self.bias.zero_()
        self.strength.zero_()

    def _convolve(self, x: Tensor, factors: Tensor, upsampling: str | None) -> Tensor:
        """The convolution of the upsampled x, whose channels are scaled by factors: B×C×1×1."""
        match upsampling:
            case None:
                return F.conv2d(x * factors, self.weight, padding=1)
            case "nearest":
                return convolve_upsampled(x * factors, self.weight, None)
            case "bilinear":
                return F.conv2d(interpolate(x * factors, "bilinear"), self.weight, padding=1)
            case "deconvolution":
                return F.conv2d(self.deconvolution(x) * factors, self.weight, padding=1)
        raise AssertionError(upsampling)

    def _lengths(self, factors: Tensor) -> Tensor:
        """One over the length of every output channel's weights under B×C factors: float32 B×C'."""
        with torch.autocast(factors.device.type, enabled=False):
            squares = self.weight.square().sum(dim=(2, 3))  # C'×C
            return torch.rsqrt(F.linear(factors.to(squares.dtype).square(), squares) + EPSILON)

    def forward(self, x: Tensor, styles: Tensor, latents: Tensor, upsampling: str | None) -> Tensor:
        """x: B×C×H×W, styles and latents: B×L → B×C'×2H×2W with an upsampling, else B×C'×H×W."""
        factors = self.style(styles)  # B×C
        y = self._convolve(x, factors[:, :, None, None], upsampling)
        # The gain goes through the leaky ReLU into what is small, so that whole maps are read less often.
        lengths = (GAIN * self._lengths(factors))[:, :, None, None].to(y.dtype)
        bias = (GAIN * self.bias).view(1, -1, 1, 1).to(y.dtype)
        noise = (GAIN * self.strength * latents[:, self.places]).view(-1, 1, self.side, self.side)
        y = torch.addcmul(bias, y, lengths) + noise.to(y.dtype)
        return F.leaky_relu(y, SLOPE, inplace=True)
