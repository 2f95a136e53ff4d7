"""Cells: every option computes what its name says, and only the taken path has gradients."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from autogan.nets.layers import initialise
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.cell import Cell
from autogan.spaces.autogan.decisions import CellArchitecture, architecture_of, cells_of
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.space import SearchSpace

CHANNELS, LATENT = 8, 16
STAGE_0 = [
    architecture_of([CellArchitecture(*options)])
    for options in itertools.product(
        ("post", "pre"),
        ("none", "batch", "instance"),
        ("bilinear", "nearest", "deconvolution"),
        (False, True),
    )
]


def shared(cells: int) -> AutoGanGenerator:
    space = search_space("autogan", cells)
    generator = AutoGanGenerator(space, latent_size=LATENT, channels=CHANNELS, bottom_size=4)
    initialise(generator, torch.Generator().manual_seed(0))
    return generator


def latents(count: int = 3) -> Tensor:
    return torch.randn(count, LATENT, generator=torch.Generator().manual_seed(1))


def expected_parameters(architecture: Architecture) -> set[str]:
    """The parameters on a path, written down from the paper's figure 2."""
    names = {f"{m}.{p}" for m in ("project", "to_rgb") for p in ("weight", "bias")}
    names |= {"to_rgb_normalisation.weight", "to_rgb_normalisation.bias"}
    for index, cell in enumerate(cells_of(architecture)):
        modules = [f"block{b}.{cell.order}.convolution" for b in (1, 2)]
        if cell.normalisation == "batch":
            modules += [f"block{b}.{cell.order}.normalisation" for b in (1, 2)]
        if cell.upsampling == "deconvolution":
            modules.append(f"block1.{cell.order}.deconvolution")
        if cell.shortcut:
            modules.append("shortcut.convolution")
            if cell.upsampling == "deconvolution":
                modules.append("shortcut.deconvolutions.0")
        for source in cell.skips:
            modules.append(f"skips.{source}.convolution")
            if cell.upsampling == "deconvolution":
                modules += [f"skips.{source}.deconvolutions.{d}" for d in range(index - source)]
        names |= {f"cells.{index}.{m}.{p}" for m in modules for p in ("weight", "bias")}
    return names


def check_path(generator: AutoGanGenerator, architecture: Architecture, size: int) -> None:
    images = generator(latents(), architecture)
    assert images.shape == (3, 3, size, size)
    assert images.isfinite().all() and images.abs().max() <= 1
    assert images.std() > 0
    generator.zero_grad(set_to_none=True)
    weights = torch.randn(images.shape, generator=torch.Generator().manual_seed(2))
    (images * weights).sum().backward()
    gradients = {n: p.grad for n, p in generator.named_parameters() if p.grad is not None}
    assert set(gradients) == expected_parameters(architecture)
    assert all(g.isfinite().all() for g in gradients.values())
    for name, gradient in gradients.items():
        if name.endswith("weight"):
            assert gradient.any(), name


@pytest.mark.parametrize("architecture", STAGE_0, ids=str)
def test_every_first_cell_makes_images_and_gradients_on_its_path_alone(
    architecture: Architecture,
) -> None:
    assert len(set(STAGE_0)) == 36
    check_path(shared(1), architecture, 8)


@pytest.mark.parametrize("skips", [(0,), (1,), (0, 1)], ids=str)
@pytest.mark.parametrize("normalisation", ["none", "batch", "instance"])
@pytest.mark.parametrize("upsampling", ["nearest", "deconvolution"])
def test_gradients_flow_through_post_activation_cells_with_skips(
    skips: tuple[int, ...], normalisation: str, upsampling: str
) -> None:
    options = ("post", normalisation, upsampling, True)
    cells = [CellArchitecture(*options, s) for s in ((), (0,), skips)]
    check_path(shared(3), architecture_of(cells), 32)


def make_cell(architecture: Architecture) -> Cell:
    index = len(architecture) - 1
    cell = Cell(SearchSpace.only(architecture), index, [CHANNELS] * (index + 1)).double()
    initialise(cell, torch.Generator().manual_seed(3))
    return cell


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def test_a_pre_cell_is_the_textbook_composition_and_its_skip_out_holds_the_incoming_skips() -> None:
    text = "pre-none-nearest/pre-none-nearest/pre-none-nearest+shortcut+skip0+skip1"
    cell = make_cell(Architecture.parse(text))
    x, outs = normal(2, 8, 4, 4), [normal(2, 8, 2, 2, seed=1), normal(2, 8, 4, 4, seed=2)]

    def up(y: Tensor, factor: int = 2) -> Tensor:
        return y.repeat_interleave(factor, 2).repeat_interleave(factor, 3)

    block1, block2 = cell.block1["pre"].convolution, cell.block2["pre"].convolution
    skip_out = block1(up(F.relu(x)))
    skip_out = skip_out + cell.skips["0"].convolution(up(outs[0], 4))
    skip_out = skip_out + cell.skips["1"].convolution(up(outs[1], 2))
    output = block2(F.relu(skip_out)) + cell.shortcut.convolution(up(x))
    got_output, got_skip_out = cell(x, outs, cells_of(Architecture.parse(text))[2], False)
    torch.testing.assert_close(got_skip_out, skip_out, rtol=0, atol=1e-10)
    torch.testing.assert_close(got_output, output, rtol=0, atol=1e-10)


def test_a_post_cell_is_the_textbook_composition() -> None:
    text = "post-instance-deconvolution"
    cell = make_cell(Architecture.parse(text))
    x = normal(2, 8, 4, 4)
    block1, block2 = cell.block1["post"], cell.block2["post"]

    def instance(y: Tensor) -> Tensor:
        mean = y.mean((2, 3), keepdim=True)
        return (y - mean) / (y.var((2, 3), keepdim=True, correction=0) + 1e-5).sqrt()

    skip_out = F.relu(instance(block1.convolution(block1.deconvolution(x))))
    output = F.relu(instance(block2.convolution(skip_out)))
    got_output, got_skip_out = cell(x, [], cells_of(Architecture.parse(text))[0], False)
    torch.testing.assert_close(got_skip_out, skip_out, rtol=0, atol=1e-10)
    torch.testing.assert_close(got_output, output, rtol=0, atol=1e-10)


def test_the_skip_out_leaves_the_cell_unchanged_by_its_second_block() -> None:
    """Post blocks end in a ReLU: adding the shortcut must not write into the skip-out."""
    architecture = Architecture.parse("post-none-nearest+shortcut")
    cell = make_cell(architecture)
    x = normal(2, 8, 4, 4)
    _, skip_out = cell(x, [], cells_of(architecture)[0], False)
    block1 = cell.block1["post"]
    expected = F.relu(block1.convolution(F.interpolate(x, scale_factor=2)))
    torch.testing.assert_close(skip_out, expected, rtol=0, atol=1e-10)
