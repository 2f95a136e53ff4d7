"""Losses and penalties against their formulas in float64, and the steps that use them."""

import copy
from collections.abc import Callable

import pytest
import torch
from games import CPU, ONE, gradient_norms, real
from torch import Tensor, nn

from autogan.gan.objectives import (
    NonSaturating,
    Objective,
    RelativisticAverage,
    RelativisticPairing,
    Wasserstein,
)
from autogan.gan.penalties import LOSSES, OneCentred, Penalised, ZeroCentred, make_objective
from autogan.gan.step import Gan
from autogan.settings.sections import ObjectiveSettings
from autogan.spaces import search_space
from autogan.testing import ObjectiveConformance


def softplus(x: Tensor) -> Tensor:
    return (1 + x.exp()).log()


def cross_entropy(logits: Tensor, target: float) -> Tensor:
    """Binary, mean over the batch."""
    p = 1 / (1 + (-logits).exp())
    return -(target * p.log() + (1 - target) * (1 - p).log()).mean()


FORMULAS: dict[str, tuple[Objective, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]]] = {
    "non-saturating": (
        NonSaturating(),
        lambda r, g: (cross_entropy(r, 1) + cross_entropy(g, 0), cross_entropy(g, 1)),
    ),
    "relativistic-pairing": (
        RelativisticPairing(),
        lambda r, g: (softplus(-(r - g)).mean(), softplus(-(g - r)).mean()),
    ),
    "relativistic-average": (
        RelativisticAverage(),
        lambda r, g: (
            (cross_entropy(r - g.mean(), 1) + cross_entropy(g - r.mean(), 0)) / 2,
            (cross_entropy(r - g.mean(), 0) + cross_entropy(g - r.mean(), 1)) / 2,
        ),
    ),
    "wasserstein": (Wasserstein(), lambda r, g: (g.mean() - r.mean(), -g.mean())),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_losses_and_their_gradients_are_those_of_the_formula(name: str) -> None:
    objective, formula = FORMULAS[name]
    stream = torch.Generator().manual_seed(3)
    logits = [torch.randn(8, generator=stream, dtype=torch.float64) for _ in range(2)]

    def gradients(losses: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> list[Tensor]:
        found = []
        for which in range(2):
            r, g = (x.clone().requires_grad_() for x in logits)
            loss = losses(r, g)[which]
            found += [loss.detach(), *torch.autograd.grad(loss, (r, g), allow_unused=True)]
        return [torch.zeros(8, dtype=torch.float64) if f is None else f for f in found]

    mine = gradients(
        lambda r, g: (objective.discriminator_loss(r, g), objective.generator_loss(g, r))
    )
    for got, wanted in zip(mine, gradients(formula), strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-12)


class Quadratic(nn.Module):
    """D(x) = a · Σx² + b · Σx: its gradient is 2ax + b."""

    def forward(self, images: Tensor) -> Tensor:
        return (0.5 * images.square() + 0.25 * images).sum(dim=(1, 2, 3))


def test_penalties_by_hand() -> None:
    stream = torch.Generator().manual_seed(1)
    x, g = (torch.rand(4, 3, 2, 2, generator=stream, dtype=torch.float64) for _ in range(2))
    numbers = torch.rand(4, 1, generator=stream, dtype=torch.float64)
    slopes = [(images + 0.25).square().sum(dim=(1, 2, 3)) for images in (x, g)]
    for of_real, slope in ((True, slopes[0]), (False, slopes[1])):
        penalty = ZeroCentred(0.6, of_real)(Quadratic(), x, g, numbers)
        torch.testing.assert_close(penalty.double(), 0.3 * slope.mean(), rtol=1e-6, atol=0)
    between = x + numbers[:, :, None, None] * (g - x)
    lengths = (between + 0.25).square().sum(dim=(1, 2, 3)).sqrt()
    penalty = OneCentred(10.0)(Quadratic(), x, g, numbers)
    torch.testing.assert_close(
        penalty.double(), 10 * ((lengths - 1) ** 2).mean(), rtol=1e-6, atol=0
    )


def test_a_flat_discriminator_gives_a_slope_penalty_that_can_be_learned_from() -> None:
    weight = torch.zeros((), requires_grad=True)
    images = torch.ones(2, 3, 4, 4)
    penalty = OneCentred(1.0)(
        lambda x: weight * x.sum(dim=(1, 2, 3)), images, images, torch.rand(2, 1)
    )
    penalty.backward()
    assert penalty.item() == pytest.approx(1, abs=1e-5) and weight.grad is not None
    assert bool(weight.grad.isfinite())


def game(objective: Objective) -> Gan:
    space = search_space("autogan", 1)
    return Gan(
        space.generator(latent_size=8, channels=8, bottom_size=4),
        space.discriminator(8, spectral_norm=False),
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        compute=CPU,
        seed=0,
        purpose="test",
        objective=objective,
    )


def test_a_lazy_penalty_comes_every_so_many_steps_and_counts_as_many_times() -> None:
    bare, lazy = (
        game(NonSaturating()),
        game(Penalised(NonSaturating(), [ZeroCentred(2.0, True)], 3)),
    )
    added = []
    for step in range(5):
        batch = real(ONE, step)
        lazy.discriminator.load_state_dict(bare.discriminator.state_dict())
        images = batch.pixels.float() / 127.5 - 1
        expected = 3 * gradient_norms(lambda x: bare.discriminator(x, 0), images).mean()
        difference = lazy.discriminator_step(batch, ONE) - bare.discriminator_step(batch, ONE)
        if step % 3 == 0:
            torch.testing.assert_close(difference, expected.detach(), rtol=1e-3, atol=1e-5)
        else:
            assert difference.item() == pytest.approx(0, abs=1e-6)
        added.append(difference.item())
    assert added[0] > 1e-4 and added[3] > 1e-4


def test_a_game_with_lazy_penalties_goes_on_exactly() -> None:
    def make() -> Gan:
        penalties = [ZeroCentred(1.0, True), OneCentred(10.0)]
        return game(Penalised(RelativisticPairing(), penalties, 2))

    one, other = make(), make()

    def steps(gan: Gan, first: int, last: int) -> list[float]:
        losses = []
        for step in range(first, last):
            losses.append(gan.discriminator_step(real(ONE, step), ONE).item())
            losses.append(gan.generator_step(4, ONE, real(ONE, 100 + step)).item())
        return losses

    steps(one, 0, 3)  # in the middle of two penalties
    steps(other, 0, 2)
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    assert steps(one, 3, 6) == steps(other, 3, 6)


def test_without_spectral_norm_the_discriminator_uses_its_weights_as_they_are() -> None:
    space = search_space("autogan", 2)
    plain, normalised = space.discriminator(8, spectral_norm=False), space.discriminator(8)
    plain.initialise(torch.Generator().manual_seed(0))
    assert {name for name, _ in plain.named_parameters()} == {
        name for name, _ in normalised.named_parameters()
    }
    assert not list(plain.buffers())
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    once = plain(images)
    with torch.no_grad():
        for block in (*plain.growing, plain.last):
            for weight in block.parameters():
                assert bool((weight == 0).all()) or weight.ndim > 1
        plain.to_logit.layer.weight *= 3
    torch.testing.assert_close(plain(images), 3 * once)


def test_settings_name_objectives() -> None:
    for name, kind in LOSSES.items():
        slope = 10.0 if name == "wasserstein" else 0.0
        given = ObjectiveSettings(loss=name, slope_penalty=slope)
        made = make_objective(given)
        assert given.generator_sees_real == made.generator_sees_real
        if slope:
            assert isinstance(made, Penalised) and isinstance(made.game, kind) and made.numbers == 1
        else:
            assert type(made) is kind
    both = make_objective(
        ObjectiveSettings(real_penalty=0.1, generated_penalty=0.2, penalty_every_steps=4)
    )
    assert isinstance(both, Penalised) and both.penalty_every_steps == 4 and both.numbers == 0
    assert list(both.penalties) == [ZeroCentred(0.1, True), ZeroCentred(0.2, False)]


class TestNonSaturating(ObjectiveConformance):
    def make(self) -> Objective:
        return NonSaturating()


class TestRelativisticPairing(ObjectiveConformance):
    def make(self) -> Objective:
        return make_objective(
            ObjectiveSettings(loss="relativistic-pairing", real_penalty=0.1, generated_penalty=0.1)
        )


class TestRelativisticAverage(ObjectiveConformance):
    def make(self) -> Objective:
        return RelativisticAverage()


class TestWasserstein(ObjectiveConformance):
    learning_rate = 1e-3

    def make(self) -> Objective:
        return make_objective(ObjectiveSettings(loss="wasserstein", slope_penalty=1.0))


class TestLazy(ObjectiveConformance):
    def make(self) -> Objective:
        return Penalised(NonSaturating(), [ZeroCentred(0.1, True), OneCentred(0.1)], 2)
