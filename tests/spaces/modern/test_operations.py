"""The modern space's list of operations against the networks themselves."""

import random

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from autogan.bench.plain import as_plain
from autogan.nets import modulation
from autogan.nets.layers import interpolate
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.cells import by_cell
from autogan.spaces.modern.decisions import BLOCKS, UPSAMPLINGS
from autogan.spaces.sizes import generator_size
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import Channels

SHAPE = {"latent_size": 5, "bottom_size": 2}


def spread(cells: int) -> list[Architecture]:
    stream = random.Random(cells)
    sampled = [search_space("modern", cells).sample(stream) for _ in range(12)]
    each = [
        Architecture.parse("modern:" + "/".join([f"{block}-{upsampling}"] * cells))
        for block in BLOCKS
        for upsampling in UPSAMPLINGS
    ]
    return sampled + each


def textbook(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Nearest upsampling, then the convolution of every pixel of the large map."""
    return F.conv2d(interpolate(x, "nearest"), weight, bias, padding=1)


def counted(network: torch.nn.Module, inputs: Tensor) -> int:
    """Multiply-accumulates of a forward pass of one, as torch counts those of its kernels."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network.eval()(inputs)
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("cells", [1, 2, 3, 4])
def test_work_is_what_torch_counts(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modulation, "convolve_upsampled", textbook)
    widths: list[Channels] = [8, tuple(20 - 3 * cell for cell in range(cells))]
    for architecture in spread(cells):
        for channels in widths:
            generator = SearchSpace.only(architecture).generator(channels=channels, **SHAPE)
            work = counted(as_plain(generator), torch.zeros(1, 5))
            size = generator_size(architecture, channels=channels, **SHAPE)
            assert size.multiply_accumulates == work, (str(architecture), channels)


def test_operations_stand_in_the_order_in_which_they_run() -> None:
    architecture = Architecture.parse("modern:modulated-bilinear/bottleneck-nearest+linear+skip0")
    listed = search_space("modern", 2).operations(architecture, channels=8, **SHAPE)
    assert [o.branch for o in listed[:5]] == ["mapping"] * 4 + ["input"]
    one, other = by_cell(listed)
    assert [o.words for o in one.block1] == [
        "bilinear",
        "3×3 modulated conv",
        "noise",
        "leaky ReLU",
    ]
    assert [o.words for o in other.block1] == [
        *("nearest", "1×1 conv", "leaky ReLU", "3×3 conv", "leaky ReLU", "1×1 conv", "+ identity")
    ]
    assert [o.words for o in other.attention] == ["linear attention"]
    assert [o.words for o in other.skips[0]] == ["nearest", "1×1 conv"]
    assert (one.side_in, one.side, other.side_in, other.side) == (2, 4, 4, 8)
