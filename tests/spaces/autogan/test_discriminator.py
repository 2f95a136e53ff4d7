"""The discriminator and its spectral normalisation."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from autogan.images.classes import Classes
from autogan.nets.spectral_norm import SpectralNorm
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def discriminator(stages: int = 3) -> AutoGanDiscriminator:
    network = AutoGanDiscriminator(stages, 8)
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


def vectors(network: AutoGanDiscriminator) -> dict[str, Tensor]:
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


def projected(unlabelled: bool) -> AutoGanDiscriminator:
    classes = Classes(("a", "b", "c"), (0.5, 0.25, 0.25), unlabelled)
    network = AutoGanDiscriminator(1, 8, classes=classes)
    network.initialise(torch.Generator().manual_seed(0))
    return network.double().eval()


def test_the_logit_is_the_textbook_projection() -> None:
    """ψ(h) + ⟨e_y, h⟩, both linear maps divided by their largest singular value."""
    network, x = projected(unlabelled=False), normal(4, 3, 8, 8).double()
    labels = torch.tensor([2, 0, 1, 2])
    h = F.relu(network.last(network.growing[0](x))).sum((2, 3))
    psi, embedding = (
        layer.layer.weight / torch.linalg.matrix_norm(layer.layer.weight, 2)
        for layer in (network.to_logit, network.of_class)
    )
    one_hot = F.one_hot(labels, 3).double()
    expected = h @ psi[0] + ((one_hot @ embedding) * h).sum(1)
    torch.testing.assert_close(network(x, 0, labels), expected, rtol=1e-3, atol=1e-6)


def test_the_guess_stands_for_a_missing_label_without_gradient() -> None:
    network, x = projected(unlabelled=True), normal(4, 3, 8, 8).double()
    labels = torch.tensor([2, -1, 1, -1])
    logits, guesses = network.with_guesses(x, 0, labels)
    known = torch.where(labels >= 0, labels, guesses.argmax(1))
    assert torch.equal(logits, network(x, 0, known))
    logits.sum().backward()
    assert network.to_class.weight.grad is None, "the game teaches it to guess"
    assert all(p.grad is not None for n, p in network.named_parameters() if "to_class" not in n)
