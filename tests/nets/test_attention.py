"""Both attentions beside their formulas, position by position."""

import pytest
import torch
from torch import Tensor

from autogan.nets.attention import (
    Attention,
    LinearAttention,
    SoftmaxAttention,
    SoftmaxAttentionInParts,
)
from autogan.nets.layers import initialise

SIDE, CHANNELS = 4, 16


KINDS = [SoftmaxAttention, SoftmaxAttentionInParts, LinearAttention]


def attention(kind: type[Attention]) -> Attention:
    made = kind(CHANNELS).double()
    initialise(made, torch.Generator().manual_seed(0))
    return made


def maps() -> Tensor:
    stream = torch.Generator().manual_seed(1)
    return torch.randn(2, CHANNELS, SIDE, SIDE, dtype=torch.float64, generator=stream)


def at_positions(layer: torch.nn.Module, x: Tensor) -> Tensor:
    """A 1×1 convolution without bias: C×H×W → C'×H×W."""
    return torch.einsum("chw,oc->ohw", x, layer.weight.flatten(1))


def expected(made: Attention, x: Tensor) -> Tensor:
    """Of one image C×H×W, with a loop over all positions."""
    query, key, value = (at_positions(layer, x) for layer in (made.query, made.key, made.value))
    softmax = isinstance(made, SoftmaxAttention)
    if softmax:
        key, value = (m.unfold(1, 2, 2).unfold(2, 2, 2).amax((3, 4)) for m in (key, value))
    keys, values = key.flatten(1).T, value.flatten(1).T  # positions × channels
    mixed = torch.zeros(value.shape[0], SIDE, SIDE, dtype=x.dtype)
    for row in range(SIDE):
        for column in range(SIDE):
            asked = query[:, row, column]
            if softmax:
                weights = torch.exp(keys @ asked)
            else:
                phi = [torch.where(m > 0, m + 1, torch.exp(m)) for m in (keys, asked)]
                weights = phi[0] @ phi[1]
            total = weights.sum() + (0 if softmax else 1e-6)
            mixed[:, row, column] = (weights / total) @ values
    return x + made.strength * at_positions(made.output, mixed)


@pytest.mark.parametrize("kind", KINDS)
def test_attention_is_its_formula(kind: type[Attention]) -> None:
    made, x = attention(kind), maps()
    torch.nn.init.constant_(made.strength, 0.7)
    assert made.query.weight.shape[0] == 2 and made.value.weight.shape[0] == 8
    torch.testing.assert_close(
        made(x), torch.stack([expected(made, image) for image in x]), rtol=0, atol=1e-10
    )


@pytest.mark.parametrize("kind", KINDS)
def test_fresh_attention_changes_nothing_and_learns_its_strength_first(
    kind: type[Attention],
) -> None:
    made, x = attention(kind), maps()
    y = made(x)
    assert torch.equal(y, x)
    (y * maps().flip(0)).sum().backward()
    assert made.strength.grad is not None and made.strength.grad != 0


@pytest.mark.parametrize("kind", [SoftmaxAttention, SoftmaxAttentionInParts])
def test_softmax_attention_takes_a_map_of_one_position(kind: type[Attention]) -> None:
    made = attention(kind)
    torch.nn.init.constant_(made.strength, 1)
    x = maps()[:, :, :1, :1]
    alone = x + torch.stack(
        [at_positions(made.output, at_positions(made.value, image)) for image in x]
    )
    torch.testing.assert_close(made(x), alone, rtol=0, atol=1e-10)


def test_linear_attention_survives_keys_far_below_zero() -> None:
    """φ of all of them is next to nothing there, in bfloat16 nothing at all."""
    made = LinearAttention(CHANNELS)
    initialise(made, torch.Generator().manual_seed(0))
    torch.nn.init.constant_(made.strength, 1)
    far = torch.full((2, CHANNELS, SIDE, SIDE), 40.0)
    for layer in (made.query, made.key):
        torch.nn.init.constant_(layer.weight, -1)
    with torch.autocast("cpu", torch.bfloat16):
        y = made(far)
    y.sum().backward()
    assert bool(y.isfinite().all())
    assert all(bool(p.grad.isfinite().all()) for p in made.parameters() if p.grad is not None)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_softmax_attention_in_parts_is_that_of_all_weights_with_its_gradients(
    precision: torch.dtype,
) -> None:
    """On a map of 32×32, whose positions are taken in several parts."""
    given = torch.randn(2, CHANNELS, 32, 32, generator=torch.Generator().manual_seed(2))
    found = []
    for kind in (SoftmaxAttentionInParts, SoftmaxAttention):
        made, x = attention(kind).float(), given.clone().requires_grad_()
        torch.nn.init.constant_(made.strength, 0.7)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            y = made(x)
        y.square().sum().backward()
        found.append([y.detach(), x.grad, *(p.grad for p in made.parameters())])
    limit = 1e-5 if precision == torch.float32 else 0.02
    for once, again in zip(*found, strict=True):
        assert bool(again.any()) and float((once - again).norm()) <= limit * float(again.norm())


def test_attention_for_a_discriminator_can_be_differentiated_twice() -> None:
    made, x = attention(SoftmaxAttention), maps().requires_grad_()
    torch.nn.init.constant_(made.strength, 0.7)
    (slope,) = torch.autograd.grad(made(x).square().sum(), x, create_graph=True)
    slope.square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in made.parameters())
