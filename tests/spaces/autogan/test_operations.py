"""The arithmetic of costs against the networks themselves."""

import dataclasses
import random

import pytest
import torch
from autogan.spaces.autogan.cost import discriminator_cost, generator_cost
from torch import nn

from autogan.bench.plain import as_plain
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.codec import PUBLISHED_VECTORS
from autogan.spaces.autogan.discriminator import Discriminator
from autogan.spaces.autogan.generator import Generator
from autogan.spaces.space import SearchSpace

SHAPE = {"latent_size": 5, "channels": 6, "bottom_size": 2}


def spread(cells: int, count: int) -> list[Architecture]:
    stream = random.Random(cells)
    return [search_space("autogan", cells).sample(stream) for _ in range(count)]


def bare(architecture: Architecture) -> Architecture:
    """Without shortcuts and skips."""
    return Architecture(
        tuple(dataclasses.replace(c, shortcut=False, skips=()) for c in architecture.cells)
    )


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_parameters_are_those_of_the_generator(cells: int) -> None:
    for architecture in spread(cells, 40):
        generator = Generator(SearchSpace.only(architecture), **SHAPE)
        counted = sum(p.numel() for p in generator.parameters())
        assert generator_cost(architecture, **SHAPE).parameters == counted, str(architecture)


def counted_multiply_accumulates(generator: Generator) -> int:
    total = 0

    def count(module: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Linear):
            positions = 1
        elif isinstance(module, nn.ConvTranspose2d):
            positions = inputs[0].shape[2] * inputs[0].shape[3]
        else:
            positions = output.shape[2] * output.shape[3]
        total += module.weight.numel() * positions

    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            module.register_forward_hook(count)
    with torch.no_grad():
        generator.eval()(torch.zeros(1, generator.latent_size))
    return total


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_work_is_what_the_layers_do_one_after_the_other(cells: int) -> None:
    for architecture in spread(cells, 12):
        generator = as_plain(Generator(SearchSpace.only(architecture), **SHAPE))
        counted = counted_multiply_accumulates(generator)
        cost = generator_cost(architecture, **SHAPE)
        assert cost.multiply_accumulates == counted, str(architecture)


@pytest.mark.parametrize("name", PUBLISHED_VECTORS)
def test_shortcuts_and_skips_of_the_published_cost_their_1x1_convolutions(name: str) -> None:
    shape = {"latent_size": 128, "channels": 256, "bottom_size": 4}
    architecture = Architecture.parse(name)
    whole, stripped = (
        generator_cost(architecture, **shape),
        generator_cost(bare(architecture), **shape),
    )
    sides = [8, 16, 32]
    extra = [
        (256 * 256 * side**2, 256 * 256 + 256)
        for cell, side in zip(architecture.cells, sides, strict=True)
        for _ in range(cell.shortcut + len(cell.skips))
    ]
    assert len(extra) >= 4 and stripped.multiply_accumulates > 0
    assert whole.multiply_accumulates - stripped.multiply_accumulates == sum(m for m, _ in extra)
    assert whole.parameters - stripped.parameters == sum(p for _, p in extra)


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_parameters_are_those_of_the_active_discriminator(stages: int) -> None:
    discriminator = Discriminator(stages, 6)
    for stage in range(stages):
        active = [
            *list(discriminator.growing)[: stage + 1],
            discriminator.last,
            discriminator.to_logit,
        ]
        counted = sum(p.numel() for module in active for p in module.parameters())
        cost = discriminator_cost(stages=stages, stage=stage, channels=6, image_size=8 << stage)
        assert cost.parameters == counted, stage


def test_work_of_a_small_discriminator_by_hand() -> None:
    block = 3 * 2 * 9 * 16 + 2 * 2 * 9 * 16 + 3 * 2 * 4  # two 3×3 at 4×4, a 1×1 at 2×2
    last = 2 * (2 * 2 * 9 * 4)  # two 3×3 at 2×2
    cost = discriminator_cost(stages=1, stage=0, channels=2, image_size=4)
    assert cost.multiply_accumulates == block + last + 2


def test_the_third_block_of_three_keeps_its_size() -> None:
    three = discriminator_cost(stages=3, stage=2, channels=4, image_size=32)
    two = discriminator_cost(stages=3, stage=1, channels=4, image_size=32)
    # Two blocks pool 32 → 8; the third, with the identity beside it, adds two 3×3 at 8×8.
    assert three.multiply_accumulates - two.multiply_accumulates == 2 * 4 * 4 * 9 * 64
    assert three.parameters - two.parameters == 2 * (4 * 4 * 9 + 4)
