"""The list of operations against the networks themselves."""

import dataclasses
import random

import pytest
import torch
from torch import nn

from autogan.bench.plain import as_plain
from autogan.spaces import search_space, space_of
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.codec import PUBLISHED_VECTORS
from autogan.spaces.autogan.decisions import architecture_of, cells_of
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.cells import by_cell
from autogan.spaces.operations import Operation, Size
from autogan.spaces.sizes import discriminator_size, generator_size
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import Channels

SHAPE = {"latent_size": 5, "channels": 6, "bottom_size": 2}


def spread(cells: int, count: int) -> list[Architecture]:
    stream = random.Random(cells)
    return [search_space("autogan", cells).sample(stream) for _ in range(count)]


def bare(architecture: Architecture) -> Architecture:
    """Without shortcuts and skips."""
    return architecture_of(
        dataclasses.replace(c, shortcut=False, skips=()) for c in cells_of(architecture)
    )


def listed(architecture: Architecture, channels: Channels = 6) -> tuple[Operation, ...]:
    return space_of(architecture).operations(
        architecture, latent_size=5, channels=channels, bottom_size=2
    )


def widths_of(cells: int) -> list[Channels]:
    return [6, tuple(9 - 2 * cell for cell in range(cells))]


def counted_work(generator: AutoGanGenerator) -> tuple[int, list[tuple[int, int]]]:
    """Multiply-accumulates of one image, and (channels, side) of every layer's output."""
    total = 0
    maps: list[tuple[int, int]] = []

    def count(module: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Linear):
            positions = 1
        elif isinstance(module, nn.ConvTranspose2d):
            positions = inputs[0].shape[2] * inputs[0].shape[3]
        else:
            positions = output.shape[2] * output.shape[3]
        total += module.weight.numel() * positions
        if not isinstance(module, nn.Linear):
            maps.append((output.shape[1], output.shape[2]))

    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            module.register_forward_hook(count)
    with torch.no_grad():
        generator.eval()(torch.zeros(1, generator.latent_size))
    return total, maps


@pytest.mark.parametrize("cells", [1, 2, 3, 4])
def test_work_and_maps_are_those_of_the_layers_one_after_the_other(cells: int) -> None:
    for architecture in spread(cells, 12):
        for channels in widths_of(cells):
            generator = SearchSpace.only(architecture).generator(**SHAPE | {"channels": channels})
            work, maps = counted_work(as_plain(generator))
            operations = listed(architecture, channels)
            assert Size.of(operations).multiply_accumulates == work, (str(architecture), channels)
            with_weights = [
                (o.channels, o.side)
                for o in operations
                if o.kind == "convolution" or o.words == "deconvolution"
            ]
            assert with_weights == maps, (str(architecture), channels)


def test_operations_stand_in_the_order_in_which_they_run() -> None:
    first, *inside, last = listed(
        Architecture.parse("post-batch-deconvolution/pre-none-nearest+shortcut+skip0")
    )
    assert (first.branch, first.words, first.channels, first.side) == ("input", "linear", 6, 2)
    assert (last.branch, last.words, last.channels, last.side) == ("output", "tanh", 3, 8)
    one, other = by_cell([first, *inside, last])
    assert [o.words for o in one.block1] == ["deconvolution", "3×3 conv", "batch norm", "ReLU"]
    assert [o.words for o in other.block1] == ["no normalisation", "ReLU", "nearest", "3×3 conv"]
    assert [o.branch for o in other.skips[0]] == ["skip from 0"] * 2
    assert [o.words for o in other.shortcut] == ["nearest", "1×1 conv"]
    assert (one.side_in, one.side, other.side_in, other.side) == (2, 4, 4, 8)
    assert not one.skips and not one.shortcut
    places = [str(o.place) for o in inside if o.place]
    assert places == sorted(places) and set(places) == {"generator cell 0", "generator cell 1"}


@pytest.mark.parametrize("name", PUBLISHED_VECTORS)
def test_shortcuts_and_skips_of_the_published_cost_their_1x1_convolutions(name: str) -> None:
    shape = {"latent_size": 128, "channels": 256, "bottom_size": 4}
    architecture = Architecture.parse(name)
    whole, stripped = (
        generator_size(architecture, **shape),
        generator_size(bare(architecture), **shape),
    )
    sides = [8, 16, 32]
    extra = [
        (256 * 256 * side**2, 256 * 256 + 256)
        for cell, side in zip(cells_of(architecture), sides, strict=True)
        for _ in range(cell.shortcut + len(cell.skips))
    ]
    assert len(extra) >= 4 and stripped.multiply_accumulates > 0
    assert whole.multiply_accumulates - stripped.multiply_accumulates == sum(m for m, _ in extra)
    assert whole.parameters - stripped.parameters == sum(p for _, p in extra)


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_parameters_are_those_of_the_active_discriminator(stages: int) -> None:
    space = search_space("autogan", stages)
    discriminator = space.discriminator(6)
    for stage in range(stages):
        active = [
            *list(discriminator.growing)[: stage + 1],
            discriminator.last,
            discriminator.to_logit,
        ]
        counted = sum(p.numel() for module in active for p in module.parameters())
        size = discriminator_size(space, stage, channels=6, image_size=8 << stage)
        assert size.parameters == counted, stage


def test_work_of_a_small_discriminator_by_hand() -> None:
    block = 3 * 2 * 9 * 16 + 2 * 2 * 9 * 16 + 3 * 2 * 4  # two 3×3 at 4×4, a 1×1 at 2×2
    last = 2 * (2 * 2 * 9 * 4)  # two 3×3 at 2×2
    size = discriminator_size(search_space("autogan", 1), 0, channels=2, image_size=4)
    assert size.multiply_accumulates == block + last + 2


def test_the_third_block_of_three_keeps_its_size() -> None:
    space = search_space("autogan", 3)
    three = discriminator_size(space, 2, channels=4, image_size=32)
    two = discriminator_size(space, 1, channels=4, image_size=32)
    # Two blocks pool 32 → 8; the third, with the identity beside it, adds two 3×3 at 8×8.
    assert three.multiply_accumulates - two.multiply_accumulates == 2 * 4 * 4 * 9 * 64
    assert three.parameters - two.parameters == 2 * (4 * 4 * 9 + 4)
