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
from autogan.spaces.modern.discriminator import ModernDiscriminator
from autogan.spaces.modern.discriminator_decisions import (
    BlockArchitecture,
    DiscriminatorArchitecture,
    discriminator_decisions,
)
from autogan.spaces.modern.operations import discriminator_operations
from autogan.spaces.operations import Size
from autogan.spaces.sizes import discriminator_size, generator_size
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


def discriminators(stages: int) -> list[DiscriminatorArchitecture]:
    stream = random.Random(stages)
    *of_blocks, end = discriminator_decisions(stages)
    made = [DiscriminatorArchitecture.plain(stages)]
    for _ in range(10):
        options = [str(stream.choice(decision.options)) for decision in of_blocks]
        blocks = tuple(BlockArchitecture(*options[3 * i : 3 * i + 3]) for i in range(stages))
        made.append(DiscriminatorArchitecture(blocks, bool(stream.choice(end.options))))
    return made


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_work_and_parameters_of_a_discriminator(stages: int) -> None:
    for architecture in discriminators(stages):
        network = ModernDiscriminator(architecture, 8, spectral_norm=False)
        image = torch.zeros(1, 3, 4 << stages, 4 << stages)
        operations = discriminator_operations(
            architecture, stages - 1, channels=8, image_size=4 << stages
        )
        size = Size.of(operations)
        parameters = sum(p.numel() for p in network.parameters())
        low_passes = sum(
            8 * 16 * o.side**2 for o in operations if o.words == "low-pass"
        )  # fixed, so not counted
        assert size.parameters == parameters, str(architecture)
        work = counted(as_plain(network), image) - low_passes
        pooled = shortcuts_after_pooling(architecture, 4 << stages)
        assert size.multiply_accumulates == work - pooled, str(architecture)


def shortcuts_after_pooling(architecture: DiscriminatorArchitecture, image_size: int) -> int:
    """What the plain way spends more: a shortcut's convolution at the full size, not at half of it."""
    stages, extra, side = len(architecture.blocks), 0, image_size
    for index, block in enumerate(architecture.blocks):
        if index < max(2, stages - 1):
            if block.block == "residual":
                extra += (3 if index == 0 else 8) * 8 * (side**2 - (side // 2) ** 2)
            side //= 2
    return extra


def test_the_default_discriminator_costs_what_autogans_does() -> None:
    for stage in range(3):
        sizes = {
            discriminator_size(search_space(name, 3), stage, channels=8, image_size=8 << stage)
            for name in ("autogan", "modern")
        }
        assert len(sizes) == 1, stage


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
