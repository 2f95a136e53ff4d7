"""Discriminators that are made of decisions: options, start, weights, and architectures as values."""

import itertools

import pytest
import torch

from autogan.basics.errors import UserError
from autogan.basics.limits import MOST_CELLS
from autogan.spaces import search_space
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.block_discriminator import (
    BlockDiscriminator,
    BottleneckBlock,
    minibatch_deviation,
)
from autogan.spaces.decisions import generator_cell
from autogan.spaces.discriminator_architecture import (
    BlockArchitecture,
    DiscriminatorArchitecture,
    all_options,
    only_options,
    pools,
    stage_decisions,
    told_discriminator,
)

ALL = [
    DiscriminatorArchitecture((BlockArchitecture(*options),) * 2, deviation)
    for *options, deviation in itertools.product(
        ("residual", "bottleneck"), ("none", "softmax"), ("full", "half"), (False, True)
    )
]


def images(count: int = 8, size: int = 16) -> torch.Tensor:
    stream = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, size, size, generator=stream) * 2 - 1


def made(architecture: DiscriminatorArchitecture, spectral_norm: bool) -> BlockDiscriminator:
    network = BlockDiscriminator(only_options(architecture), 8, spectral_norm=spectral_norm)
    network.initialise(torch.Generator().manual_seed(0))
    return network


@pytest.mark.parametrize("architecture", ALL, ids=str)
def test_an_architecture_is_read_back(architecture: DiscriminatorArchitecture) -> None:
    assert DiscriminatorArchitecture.parse(str(architecture)) == architecture
    assert hash(DiscriminatorArchitecture.parse(str(architecture))) == hash(architecture)
    assert len(set(ALL)) == len(set(map(str, ALL))) == 16


@pytest.mark.parametrize("text", ["", "residual/", "conv", "residual+linear", "residual+half+half"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="Cannot read"):
        DiscriminatorArchitecture.parse(text)


@pytest.mark.parametrize("stages", range(1, MOST_CELLS + 1))
def test_softmax_attention_is_for_maps_no_larger_than_in_a_generator(stages: int) -> None:
    """Of a bottom of 4, behind each block; where it is open everywhere, nothing else is drawn."""
    space = search_space("modern", MOST_CELLS)
    sides = [
        4 << number + 1
        for number in range(MOST_CELLS)
        if "softmax" in space.options(generator_cell(number), "attention")
    ]
    side = 4 << stages
    for index, (_, attentions, *_) in enumerate(all_options(stages)):
        side >>= pools(index, stages)
        assert attentions == (("none", "softmax") if side <= max(sides) else ("none",))
    assert (stages <= 4) == all("softmax" in options[1] for options in all_options(stages))


def test_options_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UserError, match="Discriminator block 0: attention cannot be 'linear'"):
        DiscriminatorArchitecture((BlockArchitecture("residual", "linear"),))
    with pytest.raises(
        UserError, match=r"block 1: attention cannot be 'softmax'.*the last 4 blocks"
    ):
        DiscriminatorArchitecture.parse(
            "residual/residual+softmax/residual/residual/residual/residual"
        )
    with pytest.raises(UserError, match="at least one growing block"):
        DiscriminatorArchitecture(())


def test_decisions_have_places_of_their_own() -> None:
    places = [str(decision.place) for stage in range(2) for decision in stage_decisions(stage, 2)]
    assert places == [
        *["discriminator block 0"] * 3,
        "discriminator end 0",
        *["discriminator block 1"] * 3,
    ]


@pytest.mark.parametrize("spectral_norm", [True, False])
@pytest.mark.parametrize("architecture", ALL, ids=str)
def test_gradients_reach_every_weight_and_the_images_twice(
    architecture: DiscriminatorArchitecture, spectral_norm: bool
) -> None:
    """Twice: a gradient penalty goes back through the gradient."""
    network = made(architecture, spectral_norm)
    seen = images().requires_grad_()
    logits = network(seen)
    assert logits.shape == (8,) and bool(logits.isfinite().all()) and logits.std() > 0
    (slope,) = torch.autograd.grad(logits.sum(), seen, create_graph=True)
    (logits.mean() + slope.square().sum()).backward()
    missed = [n for n, p in network.named_parameters() if p.grad is None]
    assert not missed
    assert all(bool(p.grad.isfinite().all()) for p in network.parameters() if p.grad is not None)


def test_the_default_is_autogans_discriminator() -> None:
    ours = made(DiscriminatorArchitecture.plain(3), True)
    theirs = AutoGanDiscriminator(3, 8)
    theirs.initialise(torch.Generator().manual_seed(0))
    assert torch.equal(ours.eval()(images(size=32)), theirs.eval()(images(size=32)))


def test_a_fresh_bottleneck_without_spectral_norm_is_the_low_pass() -> None:
    network = made(DiscriminatorArchitecture.parse("bottleneck/bottleneck"), False)
    second = network.growing[1]["bottleneck-full"]
    assert isinstance(second, BottleneckBlock)
    x = torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(2))
    assert torch.equal(second(x), second.low_pass(x))
    normed = made(DiscriminatorArchitecture.parse("bottleneck/bottleneck"), True).growing[1][
        "bottleneck-full"
    ]
    assert not torch.equal(normed(x), second.low_pass(x))


def test_deviation_is_that_of_neighbouring_groups_of_four() -> None:
    x = torch.randn(8, 3, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    got = minibatch_deviation(x)
    assert got.shape == (8, 1, 2, 2)
    for start in (0, 4):
        expected = x[start : start + 4].float().std(dim=0, correction=0).mean()
        shown = got[start : start + 4].float()
        torch.testing.assert_close(shown, expected.expand(4, 1, 2, 2), rtol=1e-4, atol=1e-5)
    pairs = minibatch_deviation(x[:6])  # six images: three groups of two
    expected = x[4:6].float().std(dim=0, correction=0).mean()
    torch.testing.assert_close(pairs[5, 0, 0, 0].float(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("spectral_norm", [True, False])
@pytest.mark.parametrize("architecture", ALL, ids=str)
def test_a_derived_discriminator_is_the_shared_one_with_one_option_of_each(
    architecture: DiscriminatorArchitecture, spectral_norm: bool
) -> None:
    """Its weights are a subset of the shared one's, under the same names, and do the same; at every stage."""
    shared = BlockDiscriminator(all_options(2), 8, spectral_norm=spectral_norm)
    shared.initialise(torch.Generator().manual_seed(3))
    derived = made(architecture, spectral_norm).eval()
    all_weights = shared.eval().state_dict()
    derived.load_state_dict({name: all_weights[name] for name in derived.state_dict()})
    for stage in range(2):
        seen = images(size=8 << stage)
        prefix = DiscriminatorArchitecture(
            architecture.blocks[: stage + 1], architecture.minibatch_deviation
        )
        expected = derived(seen, stage)
        assert torch.equal(shared(seen, stage, None, architecture), expected)
        assert torch.equal(shared(seen, stage, None, prefix), expected)


def test_a_told_discriminator_has_a_block_for_every_cell() -> None:
    told = told_discriminator("residual/bottleneck/deviation", 2, "network.discriminator")
    assert str(told) == "residual/bottleneck/deviation"
    with pytest.raises(UserError, match=r"^network\.discriminator: Cannot read 'conv'"):
        told_discriminator("conv", 1, "network.discriminator")
    with pytest.raises(UserError, match="2 growing blocks, and the generator has 3 cells"):
        told_discriminator("residual/residual", 3, "network.discriminator")
    with pytest.raises(UserError, match="at most 1,000 characters"):
        told_discriminator("residual/" * 200, 3, "network.discriminator")
