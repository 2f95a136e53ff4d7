"""The modern space's discriminator: its options, its start, and its architecture as a value."""

import itertools

import pytest
import torch

from autogan.basics.errors import UserError
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.modern.discriminator import (
    BottleneckBlock,
    ModernDiscriminator,
    minibatch_deviation,
)
from autogan.spaces.modern.discriminator_decisions import (
    BlockArchitecture,
    DiscriminatorArchitecture,
    discriminator_decisions,
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


def made(architecture: DiscriminatorArchitecture, spectral_norm: bool) -> ModernDiscriminator:
    network = ModernDiscriminator(architecture, 8, spectral_norm=spectral_norm)
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


def test_options_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UserError, match="Discriminator block 0: attention cannot be 'linear'"):
        DiscriminatorArchitecture((BlockArchitecture("residual", "linear"),))
    with pytest.raises(UserError, match="at least one cell"):
        DiscriminatorArchitecture(())


def test_decisions_have_places_of_their_own() -> None:
    places = [str(decision.place) for decision in discriminator_decisions(2)]
    assert places == [
        *["discriminator block 0"] * 3,
        *["discriminator block 1"] * 3,
        "discriminator end 0",
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
    second = network.growing[1]
    assert isinstance(second, BottleneckBlock)
    x = torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(2))
    assert torch.equal(second(x), second.low_pass(x))
    normed = made(DiscriminatorArchitecture.parse("bottleneck/bottleneck"), True).growing[1]
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
