"""The generator: shared and derived ones are the same function of the same weights."""

import random
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from autogan.nets.layers import BatchNorm, initialise
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.space import SearchSpace

SIZES = {"latent_size": 16, "channels": 8, "bottom_size": 4}
SPREAD = [
    search_space("autogan", cells).sample(random.Random(seed))
    for cells in (2, 3)
    for seed in range(20)
]
FEW = [
    *SPREAD[::4],
    *(Architecture.parse(f"autogan-{letter}") for letter in "abc"),
    search_space("autogan", 3).first(),
    Architecture.parse("post-batch-deconvolution/pre-batch-deconvolution+shortcut+skip0"),
]


def shared(cells: int = 3) -> AutoGanGenerator:
    """A shared generator whose normalisation layers have seen something."""
    generator = AutoGanGenerator(search_space("autogan", cells), **SIZES)
    random_stream = torch.Generator().manual_seed(5)
    initialise(generator, random_stream)
    for module in generator.modules():
        if isinstance(module, BatchNorm):
            module.running_mean.normal_(generator=random_stream)
            module.running_var.uniform_(0.5, 2, generator=random_stream)
            module.weight.data.uniform_(0.5, 2, generator=random_stream)
            module.bias.data.normal_(generator=random_stream)
    return generator


def derived(architecture: Architecture, source: AutoGanGenerator) -> AutoGanGenerator:
    generator = AutoGanGenerator(SearchSpace.only(architecture), **SIZES)
    weights = source.state_dict()
    generator.load_state_dict({name: weights[name].clone() for name in generator.state_dict()})
    return generator


def latents(count: int = 4) -> Tensor:
    return torch.randn(count, 16, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("architecture", SPREAD, ids=str)
def test_a_spread_of_architectures_makes_images_and_gradients_on_the_path(
    architecture: Architecture,
) -> None:
    generator = shared()
    images = generator(latents(), architecture)
    size = 4 << len(architecture)
    assert images.shape == (4, 3, size, size)
    assert images.isfinite().all() and images.abs().max() <= 1
    (
        images * torch.randn(images.shape, generator=torch.Generator().manual_seed(2))
    ).sum().backward()
    reached = {n for n, p in generator.named_parameters() if p.grad is not None}
    path = AutoGanGenerator(SearchSpace.only(architecture), **SIZES)
    assert reached == {name for name, _ in path.named_parameters()}
    assert all(p.grad.isfinite().all() for p in generator.parameters() if p.grad is not None)


@pytest.mark.parametrize("architecture", FEW, ids=str)
@pytest.mark.parametrize("mode", ["eval", "train", "batch statistics"])
def test_a_derived_network_equals_the_shared_one_on_its_path_to_the_bit(
    architecture: Architecture, mode: str
) -> None:
    whole = shared()
    own = derived(architecture, whole)
    assert set(own.state_dict()) < set(whole.state_dict())
    for generator in (whole, own):
        generator.train(mode == "train")
    batch = mode == "batch statistics"
    expected = whole(latents(), architecture, batch)
    assert torch.equal(own(latents(), None, batch), expected)
    weights = whole.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in own.state_dict().items())


def test_the_three_ways_to_normalise_differ() -> None:
    """Without this the comparisons above could all be of the same thing."""
    architecture = Architecture.parse("pre-batch-nearest")
    generator = shared(1)
    running = generator.eval()(latents(), architecture)
    batch = generator(latents(), architecture, True)
    trained = generator.train()(latents(), architecture)
    assert not torch.allclose(running, batch, atol=1e-3)
    torch.testing.assert_close(trained, batch)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_memory_layout_of_the_weights_does_not_change_the_function(
    layout: torch.memory_format,
) -> None:
    architecture = SPREAD[25]
    plain = shared().eval()
    placed = shared().eval().to(memory_format=layout)
    torch.testing.assert_close(
        placed(latents(), architecture), plain(latents(), architecture), rtol=0, atol=1e-5
    )


def test_an_earlier_stage_takes_no_part_of_the_later_cells() -> None:
    generator = shared()
    architecture = SPREAD[0].prefix(1)
    before = generator.eval()(latents(), architecture)
    for parameter in generator.cells[1:].parameters():
        parameter.data.fill_(float("nan"))
    assert torch.equal(generator(latents(), architecture), before)


def make(seed: int, architecture: str = "autogan-a") -> AutoGanGenerator:
    return AutoGanGenerator.for_architecture(Architecture.parse(architecture), seed=seed, **SIZES)


def test_for_architecture_is_reproducible_and_knows_its_architecture() -> None:
    one, same, other = make(0), make(0), make(1)
    assert one.architecture == Architecture.parse("autogan-a")
    assert torch.equal(one.to_rgb.weight, same.to_rgb.weight)
    assert not torch.equal(one.to_rgb.weight, other.to_rgb.weight)


@pytest.mark.parametrize("build", [lambda: shared(2), lambda: shared(1)])
def test_a_shared_generator_has_no_architecture_of_its_own(
    build: Callable[[], AutoGanGenerator],
) -> None:
    with pytest.raises(AssertionError):
        build()(latents())
