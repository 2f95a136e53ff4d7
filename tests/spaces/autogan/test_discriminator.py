"""The discriminator and its spectral normalisation."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from autogan.nets.spectral_norm import SpectralNorm
from autogan.spaces.autogan.discriminator import Discriminator


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def discriminator(stages: int = 3) -> Discriminator:
    network = Discriminator(stages, 8)
    network.initialise(torch.Generator().manual_seed(0))
    return network


@pytest.mark.parametrize(("stage", "size"), [(0, 8), (1, 16), (2, 32)])
def test_every_stage_gives_one_logit_an_image(stage: int, size: int) -> None:
    network = discriminator()
    logits = network(normal(5, 3, size, size), stage)
    assert logits.shape == (5,) and logits.isfinite().all()
    assert logits.std() > 0
    logits.square().sum().backward()
    reached = {n.split(".layer")[0] for n, p in network.named_parameters() if p.grad is not None}
    blocks = {n for n, m in network.named_modules() if isinstance(m, SpectralNorm)}
    later = {n for n in blocks if n.startswith("growing.") and int(n.split(".")[1]) > stage}
    assert reached == blocks - later
    assert len(later) == {0: 5, 1: 2, 2: 0}[stage]  # 2 convolutions each, a shortcut if it pools


def test_stage_0_is_the_textbook_composition() -> None:
    network = discriminator().eval()
    x = normal(2, 3, 8, 8)
    first, last = network.growing[0], network.last

    def conv(layer: SpectralNorm, h: Tensor) -> Tensor:
        return F.conv2d(h, layer.weight(), layer.bias, padding=layer.layer.padding)

    h = conv(first.convolution2, F.relu(conv(first.convolution1, x)))
    h = F.avg_pool2d(h, 2) + F.avg_pool2d(conv(first.shortcut, x), 2)
    h = h + conv(last.convolution2, F.relu(conv(last.convolution1, F.relu(h))))
    expected = F.relu(h).sum((2, 3)) @ network.to_logit.weight()[0]
    torch.testing.assert_close(network(x, 0), expected, rtol=1e-4, atol=1e-5)


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


def vectors(network: Discriminator) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.named_buffers()}


def test_evaluation_leaves_the_singular_vectors_alone_and_training_moves_them() -> None:
    network = discriminator()
    before = vectors(network)
    assert {name.rsplit(".")[-1] for name in before} == {"u", "v"}
    network.eval()(normal(2, 3, 8, 8), 0)
    assert all(torch.equal(value, before[name]) for name, value in vectors(network).items())
    for parameter in network.parameters():
        parameter.data.mul_(1 + normal(*parameter.shape, seed=6))
    network.train()(normal(2, 3, 8, 8), 0)
    moved = {n for n, value in vectors(network).items() if not torch.equal(value, before[n])}
    assert {"growing.0.convolution1.u", "last.convolution2.v", "to_logit.v"} <= moved
    assert not any(name.startswith("growing.1") for name in moved)


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_real_and_generated_images_pass_together_as_they_would_apart(stage: int) -> None:
    network = discriminator().eval()
    size = 8 << stage
    real, fake = normal(3, 3, size, size), normal(3, 3, size, size, seed=1)
    together = network(torch.cat([real, fake]), stage)
    apart = torch.cat([network(real, stage), network(fake, stage)])
    torch.testing.assert_close(together, apart, rtol=1e-5, atol=1e-5)


def test_initialise_is_reproducible() -> None:
    one, same = discriminator().state_dict(), discriminator().state_dict()
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    other = Discriminator(3, 8)
    other.initialise(torch.Generator().manual_seed(1))
    assert not torch.equal(other.last.convolution1.u, one["last.convolution1.u"])
