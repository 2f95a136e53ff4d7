"""Spectral normalisation against PyTorch's own and against singular values."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from autogan.nets.spectral_norm import SpectralNorm, normalised_together


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(6, 10, 3, padding=1), nn.Linear(12, 7), nn.Linear(9, 1, bias=False)],
    ids=str,
)
def test_after_many_iterations_the_weight_has_spectral_norm_1(
    layer: nn.Conv2d | nn.Linear,
) -> None:
    nn.init.normal_(layer.weight, std=3, generator=torch.Generator().manual_seed(1))
    normalised = SpectralNorm(layer)
    normalised.reset_vectors(torch.Generator().manual_seed(0), iterations=300)
    weight = normalised.eval().weight().flatten(1)
    assert torch.linalg.svdvals(weight)[0].item() == pytest.approx(1, abs=1e-4)
    torch.testing.assert_close(
        weight.norm(), layer.weight.norm() / svd(layer.weight), rtol=1e-4, atol=0
    )


def svd(weight: Tensor) -> Tensor:
    return torch.linalg.svdvals(weight.detach().flatten(1))[0]


def pair(rows: int, columns: int) -> tuple[SpectralNorm, nn.Module]:
    """Ours on W and torch's on Wᵀ with the roles of u and v exchanged.

    Torch's iteration renews u, then v; ours v, then u, as in Miyato's algorithm 1. On the
    transposed matrix, with exchanged vectors, the two are the same iteration.
    """
    ours = SpectralNorm(nn.Linear(columns, rows, bias=False))
    theirs = nn.Linear(rows, columns, bias=False)
    weight = normal(rows, columns, seed=2)
    ours.layer.weight.data.copy_(weight)
    theirs.weight.data.copy_(weight.T)
    spectral_norm(theirs)
    state = theirs.parametrizations.weight[0]
    ours.u.copy_(state._v)
    ours.v.copy_(state._u)
    return ours, theirs


def test_each_iteration_is_torchs_and_so_are_weight_and_gradient() -> None:
    ours, theirs = pair(5, 8)
    state = theirs.parametrizations.weight[0]
    state._v.copy_(F.normalize(normal(5, seed=3), dim=0))
    ours.u.copy_(state._v)
    for _ in range(4):
        weight, reference = ours.weight(), theirs.weight
        torch.testing.assert_close(weight, reference.T, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(ours.u, state._v, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(ours.v, state._u, rtol=1e-5, atol=1e-6)
    factors = normal(5, 8, seed=4)
    (weight * factors).sum().backward()
    (reference.T * factors).sum().backward()
    expected = theirs.parametrizations.weight.original.grad.T
    torch.testing.assert_close(ours.layer.weight.grad, expected, rtol=1e-4, atol=1e-5)


def test_a_convolution_settles_where_torchs_does() -> None:
    layer = nn.Conv2d(4, 6, 3, padding=1)
    # Drawn with a seed: where two singular values are close together, the vectors settle slowly.
    layer.weight.data = normal(6, 4, 3, 3, seed=1)
    ours = SpectralNorm(nn.Conv2d(4, 6, 3, padding=1))
    ours.layer.load_state_dict(layer.state_dict())
    ours.reset_vectors(torch.Generator().manual_seed(0), iterations=300)
    theirs = spectral_norm(layer)
    for _ in range(300):
        reference = theirs.weight
    torch.testing.assert_close(ours.weight(), reference, rtol=1e-4, atol=1e-5)
    sign = torch.sign(torch.dot(ours.u, theirs.parametrizations.weight[0]._u))
    vectors = theirs.parametrizations.weight[0]
    torch.testing.assert_close(ours.u * sign, vectors._u, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(ours.v * sign, vectors._v, rtol=1e-3, atol=1e-3)
    x = normal(2, 4, 6, 6)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_many_at_once_are_what_each_is_alone(training: bool, layout: torch.memory_format) -> None:
    """Weights, vectors and gradients, over three iterations, of matrices of four shapes."""
    stream = torch.Generator().manual_seed(5)
    alone = nn.ModuleList(
        SpectralNorm(layer)
        for layer in (
            nn.Conv2d(3, 8, 3),
            nn.Conv2d(8, 6, 3),
            nn.Conv2d(3, 8, 1),
            nn.Linear(8, 1, bias=False),
        )
    ).to(memory_format=layout)  # type: ignore[call-overload]
    for layer in alone:
        nn.init.normal_(layer.layer.weight, generator=stream)
        layer.reset_vectors(stream, iterations=1)
    together = copy.deepcopy(alone.train(training)).train(training)
    for _ in range(3):
        weights = [layer.weight() for layer in alone]
        towards = [torch.randn(weight.shape, generator=stream) for weight in weights]
        found = normalised_together(list(together))
        gradients = [
            torch.autograd.grad(
                [w.mul(t).sum() for w, t in zip(made, towards, strict=True)],
                [layer.layer.weight for layer in layers],
            )
            for made, layers in ((weights, alone), (found, together))
        ]
        torch.testing.assert_close(found, weights)
        torch.testing.assert_close(gradients[1], gradients[0])
        torch.testing.assert_close(together.state_dict(), alone.state_dict())
