"""Cells of the modern space: every option computes what its name says, on weights of its own."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from autogan.nets.bottleneck import Bottleneck
from autogan.nets.layers import initialise
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.modern.cell import Cell, Surroundings
from autogan.spaces.modern.decisions import (
    BLOCKS,
    UPSAMPLINGS,
    CellArchitecture,
    architecture_of,
    cells_of,
)
from autogan.spaces.modern.generator import ModernGenerator
from autogan.spaces.networks import Generator
from autogan.spaces.space import SearchSpace

CHANNELS, LATENT = 8, 6
AROUND = Surroundings(
    *torch.randn(2, 2, LATENT, generator=torch.Generator().manual_seed(9)).double(),
    False,
    labels=None,
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def make_cell(architecture: Architecture, widths: tuple[int, ...] | None = None) -> Cell:
    """The last cell, whose output has 8×8 pixels, with weights everywhere."""
    index = len(architecture) - 1
    widths = widths or (CHANNELS,) * (index + 1)
    cell = Cell(SearchSpace.only(architecture), index, widths, LATENT, 8).double()
    initialise(cell, torch.Generator().manual_seed(3))
    stream = torch.Generator().manual_seed(4)
    for module in cell.modules():
        if isinstance(module, Bottleneck):
            torch.nn.init.normal_(module.convolution3.weight, generator=stream)
    for name, parameter in cell.named_parameters():
        if name.endswith("strength"):
            torch.nn.init.constant_(parameter, 0.5)
    return cell


def up(y: Tensor, upsampling: str, factor: int = 2) -> Tensor:
    if upsampling == "nearest":
        return y.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    return F.interpolate(y, scale_factor=factor, mode="bilinear", align_corners=False)


def run(cell: Cell, architecture: Architecture, outs: list[Tensor]) -> tuple[Tensor, Tensor]:
    made: tuple[Tensor, Tensor] = cell(normal(2, 8, 4, 4), outs, cells_of(architecture), AROUND)
    return made


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("kind", ["bottleneck", "grouped"])
def test_a_residual_cell_is_two_blocks_on_the_upsampled_input(kind: str, upsampling: str) -> None:
    architecture = Architecture.parse(
        f"modern:pre-none-nearest+half/{kind}-{upsampling}+half+skip0"
    )
    cell = make_cell(architecture)
    blocks = cell.blocks[f"{kind}-half"]
    outs = [normal(2, 4, 4, 4, seed=1)]
    expected = blocks.block1(up(normal(2, 8, 4, 4), upsampling))
    expected = expected + up(cell.skips["0-half-full"].convolution(outs[0]), upsampling)
    output, skip_out = run(cell, architecture, outs)
    torch.testing.assert_close(skip_out, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(output, blocks.block2(expected), rtol=0, atol=1e-10)
    middle = blocks.block1.convolution2.weight.shape[0]
    assert middle == (4 if kind == "bottleneck" else 8)


def test_a_residual_cell_of_another_width_has_a_transition() -> None:
    architecture = Architecture.parse("modern:bottleneck-nearest/bottleneck-nearest")
    cell = make_cell(architecture, (CHANNELS, 6))
    blocks = cell.blocks["bottleneck-full"]
    x = up(blocks.transition.convolution(normal(2, 8, 4, 4)), "nearest")
    output, _ = run(cell, architecture, [normal(2, 8, 4, 4)])
    torch.testing.assert_close(output, blocks.block2(blocks.block1(x)), rtol=0, atol=1e-10)


def test_a_pre_cell_is_the_textbook_composition_with_attention_at_its_end() -> None:
    architecture = Architecture.parse("modern:grouped-nearest/pre-none-bilinear+softmax+half+skip0")
    cell = make_cell(architecture)
    blocks, x, outs = cell.blocks["pre-half"], normal(2, 8, 4, 4), [normal(2, 8, 4, 4, seed=1)]
    skip_out = blocks.block1.convolution(up(F.relu(x), "bilinear"))
    assert skip_out.shape[1] == 4
    skip_out = skip_out + up(cell.skips["0-full-half"].convolution(outs[0]), "bilinear")
    h = blocks.block2.convolution(F.relu(skip_out))
    h = h + cell.shortcut.convolution(up(x, "bilinear"))
    got, got_skip_out = run(cell, architecture, outs)
    torch.testing.assert_close(got_skip_out, skip_out, rtol=0, atol=1e-10)
    torch.testing.assert_close(got, cell.attention["softmax"](h), rtol=0, atol=1e-10)
    assert not torch.equal(got, h)


def test_a_post_cell_normalises_after_its_convolutions() -> None:
    architecture = Architecture.parse("modern:post-instance-deconvolution+linear")
    cell = make_cell(architecture)
    blocks, x = cell.blocks["post-full"], normal(2, 8, 4, 4)

    def instance(y: Tensor) -> Tensor:
        mean = y.mean((2, 3), keepdim=True)
        return (y - mean) / (y.var((2, 3), keepdim=True, correction=0) + 1e-5).sqrt()

    h = F.relu(instance(blocks.block1.convolution(blocks.block1.deconvolution(x))))
    h = F.relu(instance(blocks.block2.convolution(h)))
    h = h + cell.shortcut.convolution(cell.shortcut.deconvolutions(x))
    got, _ = run(cell, architecture, [])
    torch.testing.assert_close(got, cell.attention["linear"](h), rtol=0, atol=1e-10)


def test_a_modulated_cell_gives_both_convolutions_the_style_and_other_noise() -> None:
    architecture = Architecture.parse("modern:modulated-nearest")
    cell = make_cell(architecture)
    blocks = cell.blocks["modulated-full"]
    styles, latents = AROUND.styles, AROUND.latents
    h = blocks.block1(normal(2, 8, 4, 4), styles, latents, "nearest")
    got, skip_out = run(cell, architecture, [])
    torch.testing.assert_close(skip_out, h, rtol=0, atol=1e-10)
    torch.testing.assert_close(got, blocks.block2(h, styles, latents, None), rtol=0, atol=1e-10)
    assert not torch.equal(blocks.block1.places, blocks.block2.places)


def shared(cells: int) -> Generator:
    generator = search_space("modern", cells).generator(
        latent_size=LATENT, channels=CHANNELS, bottom_size=2
    )
    initialise(generator, torch.Generator().manual_seed(0))
    return generator


@pytest.mark.parametrize("width", ["full", "half"])
@pytest.mark.parametrize("block", BLOCKS)
def test_gradients_reach_the_path_alone(block: str, width: str) -> None:
    generator = shared(1)
    latents = torch.randn(3, LATENT, generator=torch.Generator().manual_seed(1))
    for upsampling, attention in itertools.product(UPSAMPLINGS, ("none", "softmax", "linear")):
        architecture = architecture_of([CellArchitecture(block, upsampling, width, attention)])
        own = SearchSpace.only(architecture).generator(
            latent_size=LATENT, channels=CHANNELS, bottom_size=2
        )
        generator.zero_grad(set_to_none=True)
        images = generator(latents, architecture)
        (images * torch.randn(images.shape)).sum().backward()
        reached = {n for n, p in generator.named_parameters() if p.grad is not None}
        assert reached == {name for name, _ in own.named_parameters()}, str(architecture)


def test_a_generator_without_modulated_cells_has_no_mapping() -> None:
    plain, styled = (
        ModernGenerator(SearchSpace.only(a), latent_size=LATENT, channels=8, bottom_size=2)
        for a in map(Architecture.parse, ("modern:grouped-nearest", "modern:modulated-nearest"))
    )
    assert not hasattr(plain, "mapping") and hasattr(styled, "mapping")


def test_channels_last_and_autocast_make_nearly_the_same_images() -> None:
    generator = shared(2).eval()
    latents = torch.randn(3, LATENT, generator=torch.Generator().manual_seed(1))
    space = search_space("modern", 2)
    for block in BLOCKS:
        architecture = architecture_of(
            [
                CellArchitecture(block, "nearest", "full", "softmax"),
                CellArchitecture(block, "bilinear", "half", "linear"),
            ]
        )
        assert architecture in space
        with torch.no_grad():
            generator.to(memory_format=torch.contiguous_format)
            images = generator(latents, architecture, True)
            generator.to(memory_format=torch.channels_last)
            last = generator(latents, architecture, True)
            with torch.autocast("cpu", torch.bfloat16):
                rough = generator(latents, architecture, True)
        torch.testing.assert_close(last, images, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(rough.float(), images, rtol=0, atol=0.2)
