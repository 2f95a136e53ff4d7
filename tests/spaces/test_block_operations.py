"""The list of operations of discriminators of decisions against the networks themselves."""

import random

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from autogan.bench.plain import as_plain
from autogan.spaces import search_space
from autogan.spaces.block_discriminator import BlockDiscriminator
from autogan.spaces.block_operations import block_rows, discriminator_operations
from autogan.spaces.discriminator_architecture import (
    DiscriminatorArchitecture,
    only_options,
    stage_decisions,
)
from autogan.spaces.operations import Size
from autogan.spaces.sizes import discriminator_size


def counted(network: torch.nn.Module, inputs: Tensor) -> int:
    """Multiply-accumulates of a forward pass of one, as torch counts those of its kernels."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network.eval()(inputs)
    return counter.get_total_flops() // 2


def discriminators(stages: int) -> list[DiscriminatorArchitecture]:
    stream = random.Random(stages)
    made = [DiscriminatorArchitecture.plain(stages)]
    for _ in range(10):
        taken = [
            [stream.choice(decision.options) for decision in stage_decisions(stage, stages)]
            for stage in range(stages)
        ]
        made.append(DiscriminatorArchitecture.of(taken))
    return made


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_work_and_parameters_of_a_discriminator(stages: int) -> None:
    for architecture in discriminators(stages):
        network = BlockDiscriminator(only_options(architecture), 8, spectral_norm=False)
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
    plain = DiscriminatorArchitecture.plain(3)
    for stage in range(3):
        shape = {"channels": 8, "image_size": 8 << stage}
        sizes = {
            discriminator_size(search_space(name, 3), stage, **shape, told=told)
            for name in ("autogan", "modern", "modern+discriminator")
            for told in (None, plain)
        }
        assert len(sizes) == 1, stage


def test_rows_are_the_operations_block_by_block() -> None:
    architecture = DiscriminatorArchitecture.parse("residual/bottleneck+softmax")
    operations = discriminator_operations(architecture, 1, channels=8, image_size=16)
    rows = block_rows(operations)
    assert [row.name for row in rows] == ["block 0", "block 1", "last block", "end"]
    first = "3×3 conv → ReLU → 3×3 conv → 2×2 mean + 2×2 mean → 1×1 conv"
    assert rows[0].words == first
    assert rows[1].words.endswith("+ identity → low-pass → softmax attention")
    assert sum(row.parameters for row in rows) == Size.of(operations).parameters
