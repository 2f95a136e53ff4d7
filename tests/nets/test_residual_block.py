"""The discriminator's block, beside the textbook composition of its layers."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from autogan.nets.layers import initialise
from autogan.nets.residual_block import ResidualBlock
from autogan.nets.spectral_norm import SpectralNorm


def conv(layer: SpectralNorm, x: Tensor) -> Tensor:
    """With the weight divided by its largest singular value."""
    weight = layer.layer.weight
    size = torch.linalg.svdvals(weight.flatten(1))[0]
    return F.conv2d(x, weight / size, layer.bias, padding=weight.shape[-1] // 2)


@pytest.mark.parametrize(
    ("channels_in", "pools", "on_image"),
    [(3, True, True), (6, True, False), (6, False, False), (4, False, False)],
)
def test_a_block_is_its_textbook_form(channels_in: int, pools: bool, on_image: bool) -> None:
    stream = torch.Generator().manual_seed(0)
    block = ResidualBlock(channels_in, 6, pools=pools, on_image=on_image)
    initialise(block, stream)
    for module in block.modules():
        if isinstance(module, SpectralNorm):
            module.reset_vectors(stream, iterations=400)
            torch.nn.init.normal_(module.layer.bias, generator=stream)
    x = torch.randn(2, channels_in, 8, 8, generator=stream)
    h = conv(block.convolution1, x if on_image else F.relu(x))
    h = conv(block.convolution2, F.relu(h))
    shortcut = x
    if pools or channels_in != 6:  # else the identity: nothing to learn there
        shortcut = conv(block.shortcut, x)
    else:
        assert {name.split(".")[0] for name, _ in block.named_parameters()} == {
            "convolution1",
            "convolution2",
        }
    expected = h + shortcut
    if pools:
        expected = F.avg_pool2d(expected, 2)
    torch.testing.assert_close(block.eval()(x), expected, rtol=1e-3, atol=1e-4)
