"""Both attentions beside their formulas, position by position."""

import pytest
import torch
from torch import Tensor

from autogan.nets.attention import Attention, LinearAttention, SoftmaxAttention
from autogan.nets.layers import initialise

SIDE, CHANNELS = 4, 16


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


@pytest.mark.parametrize("kind", [SoftmaxAttention, LinearAttention])
def test_attention_is_its_formula(kind: type[Attention]) -> None:
    made, x = attention(kind), maps()
    torch.nn.init.constant_(made.strength, 0.7)
    assert made.query.weight.shape[0] == 2 and made.value.weight.shape[0] == 8
    torch.testing.assert_close(
        made(x), torch.stack([expected(made, image) for image in x]), rtol=0, atol=1e-10
    )


@pytest.mark.parametrize("kind", [SoftmaxAttention, LinearAttention])
def test_fresh_attention_changes_nothing_and_learns_its_strength_first(
    kind: type[Attention],
) -> None:
    made, x = attention(kind), maps()
    y = made(x)
    assert torch.equal(y, x)
    (y * maps().flip(0)).sum().backward()
    assert made.strength.grad is not None and made.strength.grad != 0


def test_softmax_attention_takes_a_map_of_one_position() -> None:
    made = attention(SoftmaxAttention)
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
