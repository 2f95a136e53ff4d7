"""Parameters and multiply-accumulates of a generator or a discriminator, by arithmetic alone.

The counts are those of the networks as the paper draws them, one multiply-accumulate for each weight
applied at each position. Additions, activations, normalisation and interpolation count as nothing.
"""

from dataclasses import dataclass

from autogan.spaces.space import Architecture, CellArchitecture

INCEPTION_MULTIPLY_ACCUMULATES = 5.7e9
"""Of the Inception network of 2015 for one image, which it looks at in 299×299 pixels."""


@dataclass(frozen=True)
class Cost:
    """parameters: trained numbers; multiply_accumulates: for one image, forward."""

    parameters: int
    multiply_accumulates: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.parameters + other.parameters,
            self.multiply_accumulates + other.multiply_accumulates,
        )


def _convolution(channels_in: int, channels_out: int, kernel: int, side: int) -> Cost:
    """A kernel × kernel convolution with bias whose output is side × side."""
    weights = channels_in * channels_out * kernel**2
    return Cost(weights + channels_out, weights * side**2)


def _deconvolution(channels: int, side_in: int) -> Cost:
    """A 2×2 deconvolution of stride 2: each input position meets every weight once."""
    weights = channels * channels * 4
    return Cost(weights + channels, weights * side_in**2)


def _cell_cost(cell: CellArchitecture, index: int, channels: int, side_in: int) -> Cost:
    side = 2 * side_in
    learned = cell.upsampling == "deconvolution"
    total = _convolution(channels, channels, 3, side) + _convolution(channels, channels, 3, side)
    if learned:
        total += _deconvolution(channels, side_in)
    if cell.normalisation == "batch":
        total += Cost(4 * channels, 0)
    if cell.shortcut:
        total += _convolution(channels, channels, 1, side)
        if learned:
            total += _deconvolution(channels, side_in)
    for source in cell.skips:
        total += _convolution(channels, channels, 1, side)
        if learned:
            for halvings in range(index - source, 0, -1):
                total += _deconvolution(channels, side >> halvings)
    return total


def generator_cost(
    architecture: Architecture, *, latent_size: int, channels: int, bottom_size: int
) -> Cost:
    """Cost of the derived generator of `architecture`."""
    outputs = channels * bottom_size**2
    total = Cost((latent_size + 1) * outputs, latent_size * outputs)
    side = bottom_size
    for index, cell in enumerate(architecture.cells):
        total += _cell_cost(cell, index, channels, side)
        side *= 2
    return total + Cost(2 * channels, 0) + _convolution(channels, 3, 3, side)


def classifier_multiply_accumulates(width: int, image_size: int) -> float:
    """Of the domain judge's network (judges/network.py) for one image; grows with both squared."""
    return 24e6 * (width / 32) ** 2 * (image_size / 32) ** 2


def discriminator_cost(*, stages: int, stage: int, channels: int, image_size: int) -> Cost:
    """Cost of the discriminator of `stages` stages on images of `image_size` pixels at `stage`."""
    total = Cost(channels, channels)
    side = image_size
    for index in range(stage + 1):
        pools = index < max(2, stages - 1)
        channels_in = channels if index else 3
        total += _convolution(channels_in, channels, 3, side)
        total += _convolution(channels, channels, 3, side)
        if pools:
            side //= 2
        if pools or channels_in != channels:
            total += _convolution(channels_in, channels, 1, side)
    return (
        total
        + _convolution(channels, channels, 3, side)
        + _convolution(channels, channels, 3, side)
    )
