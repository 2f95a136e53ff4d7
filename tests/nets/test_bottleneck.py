"""R3GAN's bottleneck beside its formula."""

import math

import pytest
import torch
import torch.nn.functional as F

from autogan.nets.bottleneck import Bottleneck, LowPass, NormalConvolution, residual_gain
from autogan.nets.layers import initialise, interpolate
from autogan.nets.widths import group_count


def filled(block: Bottleneck) -> Bottleneck:
    """With weights everywhere, the last convolution's too."""
    stream = torch.Generator().manual_seed(1)
    block.double()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, generator=stream)
    return block


@pytest.mark.parametrize("group_width", [None, 4])
def test_a_block_is_its_formula(group_width: int | None) -> None:
    block = filled(Bottleneck(6, 12, group_width, blocks=3))
    x = torch.randn(2, 6, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    first, second, third = block.convolution1, block.convolution2, block.convolution3
    assert isinstance(second, NormalConvolution)
    h = torch.einsum("bchw,oc->bohw", x, first.weight.flatten(1)) + first.bias.view(1, -1, 1, 1)
    h = torch.where(h > 0, h, 0.2 * h)
    groups = 1 if group_width is None else 3
    assert second.weight.shape == (12, 12 // groups, 3, 3)
    parts = [
        F.conv2d(channels, weight, bias, padding=1)
        for channels, weight, bias in zip(
            h.chunk(groups, 1), second.weight.chunk(groups), second.bias.chunk(groups), strict=True
        )
    ]
    h = torch.cat(parts, 1)
    h = torch.where(h > 0, h, 0.2 * h)
    expected = x + torch.einsum("bchw,oc->bohw", h, third.weight.flatten(1))
    torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-10)


def test_a_fresh_block_passes_its_input_on_and_draws_by_gain_and_fan_in() -> None:
    block = Bottleneck(64, 128, 16, blocks=6)
    initialise(block, torch.Generator().manual_seed(0))
    x = torch.randn(2, 64, 4, 4, generator=torch.Generator().manual_seed(1))
    assert torch.equal(block(x), x)
    gain = math.sqrt(2 / 1.04) * 6**-0.25
    assert math.isclose(residual_gain(6), gain)
    assert block.convolution1.weight.std().item() == pytest.approx(gain / 8, rel=0.05)
    assert block.convolution2.weight.std().item() == pytest.approx(gain / 12, rel=0.05)
    assert not block.convolution1.bias.any() and block.convolution3.bias is None


@pytest.mark.parametrize(
    ("channels", "groups"), [(64, 4), (16, 1), (8, 1), (24, 3), (6, 3), (5, 5)]
)
def test_groups_divide_the_channels(channels: int, groups: int) -> None:
    assert group_count(channels, 16) == groups and channels % groups == 0


def test_the_low_pass_is_bilinear_upsampling_turned_round() -> None:
    """Inside, where the border plays no part: <halve(x), y> = <x, upsample(y)> / 4."""
    stream = torch.Generator().manual_seed(0)
    x = torch.randn(1, 2, 8, 8, dtype=torch.float64, generator=stream)
    y = torch.zeros(1, 2, 4, 4, dtype=torch.float64)
    y[:, :, 1:3, 1:3] = torch.randn(1, 2, 2, 2, dtype=torch.float64, generator=stream)
    halved = LowPass()(x)
    assert halved.shape == y.shape
    one, other = (halved * y).sum(), (x * interpolate(y, "bilinear")).sum() / 4
    torch.testing.assert_close(one, other)
    ones = LowPass()(torch.ones(1, 1, 8, 8, dtype=torch.float64))
    torch.testing.assert_close(ones[:, :, 1:3, 1:3], torch.ones(1, 1, 2, 2, dtype=torch.float64))
