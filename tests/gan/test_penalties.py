"""Losses and penalties against their formulas in float64, and the steps that use them."""

import copy
from collections.abc import Callable
from functools import partial

import pytest
import torch
from games import CPU, ONE, TWO, gradient_norms, real
from torch import Tensor, nn

from autogan.gan.objectives import (
    BestScored,
    Discriminate,
    Hinge,
    LeCam,
    NonSaturating,
    Objective,
    RelativisticAverage,
    RelativisticPairing,
    Wasserstein,
)
from autogan.gan.penalties import (
    LOSSES,
    OneCentred,
    Penalised,
    Penalty,
    ZeroCentred,
    make_objective,
)
from autogan.gan.step import Gan
from autogan.images.pixels import to_unit
from autogan.settings.game import ObjectiveSettings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
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
    "hinge": (
        Hinge(),
        lambda r, g: (
            torch.where(r < 1, 1 - r, 0).mean() + torch.where(g > -1, 1 + g, 0).mean(),
            -g.mean(),
        ),
    ),
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

    def forward(self, images: Tensor, generated: bool = False) -> Tensor:
        return (0.5 * images.square() + 0.25 * images).sum(dim=(1, 2, 3))


def test_penalties_by_hand() -> None:
    stream = torch.Generator().manual_seed(1)
    x, g = (torch.rand(4, 3, 2, 2, generator=stream, dtype=torch.float64) for _ in range(2))
    numbers = torch.rand(4, 1, generator=stream, dtype=torch.float64)
    slopes = [(images + 0.25).square().sum(dim=(1, 2, 3)) for images in (x, g)]
    for of_real, slope in ((True, slopes[0]), (False, slopes[1])):
        assert_same(ZeroCentred(0.6, of_real)(Quadratic(), x, g, numbers), 0.3 * slope.mean())
    between = x + numbers[:, :, None, None] * (g - x)
    lengths = (between + 0.25).square().sum(dim=(1, 2, 3)).sqrt()
    assert_same(OneCentred(10.0)(Quadratic(), x, g, numbers), 10 * ((lengths - 1) ** 2).mean())


Formula = Callable[[Discriminate, Tensor, Tensor, Tensor], Tensor]


def zero_centred(
    d: Discriminate, x: Tensor, g: Tensor, numbers: Tensor, *, of_real: bool
) -> Tensor:
    seen = x if of_real else g
    return 0.3 * gradient_norms(partial(d, generated=not of_real), seen).mean()


def one_centred(d: Discriminate, x: Tensor, g: Tensor, numbers: Tensor) -> Tensor:
    share = numbers[:, :, None, None]
    lengths = gradient_norms(partial(d, generated=True), (1 - share) * x + share * g).sqrt()
    return 10 * (lengths - 1).square().mean()


PENALTIES: dict[str, tuple[Penalty, Formula]] = {
    "R1": (ZeroCentred(0.6, True), partial(zero_centred, of_real=True)),
    "R2": (ZeroCentred(0.6, False), partial(zero_centred, of_real=False)),
    "slope": (OneCentred(10.0), one_centred),
}


@pytest.mark.parametrize("name", PENALTIES)
def test_gradients_of_a_penalty_are_those_of_a_second_backward_pass(name: str) -> None:
    penalty, formula = PENALTIES[name]
    stream = torch.Generator().manual_seed(1)
    network = search_space("autogan", 2).discriminator(8, spectral_norm=False)
    network.initialise(stream)
    network.double()
    x, g = (torch.rand(4, 3, 16, 16, generator=stream, dtype=torch.float64) for _ in range(2))
    numbers = torch.rand(4, 1, generator=stream, dtype=torch.float64)

    def discriminate(images: Tensor, *, generated: bool = False) -> Tensor:
        """Told that images are generated, it says something else of them."""
        return network(images) * (2 if generated else 1)

    def with_gradients(made: Penalty | Formula) -> list[Tensor]:
        network.zero_grad()
        value = made(discriminate, x, g, numbers)
        value.backward()
        return [value, *(w.grad for w in network.parameters() if w.grad is not None)]

    found, wanted = with_gradients(penalty), with_gradients(formula)
    assert sum(bool(gradient.any()) for gradient in wanted[1:]) > 5
    for got, expected in zip(found, wanted, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-12)


def test_a_flat_discriminator_gives_a_slope_penalty_that_can_be_learned_from() -> None:
    weight = torch.zeros((), requires_grad=True)
    images = torch.ones(2, 3, 4, 4)
    penalty = OneCentred(1.0)(
        lambda x, generated: weight * x.sum(dim=(1, 2, 3)), images, images, torch.rand(2, 1)
    )
    penalty.backward()
    assert penalty.item() == pytest.approx(1, abs=1e-5) and weight.grad is not None
    assert bool(weight.grad.isfinite())


def game(
    objective: Objective,
    *,
    cells: int = 1,
    spectral_norm: bool = False,
    direction_head: bool = False,
) -> Gan:
    space = search_space("autogan", cells)
    return Gan(
        space.generator(latent_size=8, channels=8, bottom_size=4),
        space.discriminator(8, spectral_norm=spectral_norm, direction_head=direction_head),
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        compute=CPU,
        seed=0,
        purpose="test",
        objective=objective,
    )


@pytest.mark.parametrize(("every", "architecture"), [(1, ONE), (3, TWO)], ids=str)
@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_comes_every_so_many_steps_and_counts_as_many_times(
    name: str, every: int, architecture: Architecture
) -> None:
    """In the loss, and in the gradients of the weights."""
    penalty, formula = PENALTIES[name]
    bare, penalised, other = (
        game(objective, cells=2, spectral_norm=True)
        for objective in (
            NonSaturating(),
            *(Penalised(NonSaturating(), [penalty], every) for _ in range(2)),
        )
    )
    for gan in (bare, penalised, other):
        gan.discriminator.eval()  # a pass more would be a power iteration more
    stage = len(architecture) - 1

    def discriminate(images: Tensor, *, generated: bool = False) -> Tensor:
        return other.discriminator(images, stage)

    for step in range(every + 2):
        batch = real(architecture, step)
        for gan in (penalised, other):
            gan.discriminator.load_state_dict(bare.discriminator.state_dict())
        added = penalised.discriminator_step(batch, architecture)
        added -= bare.discriminator_step(batch, architecture)
        times = 0 if step % every else every
        numbers = other.streams.penalty(4) if times else torch.zeros(4, 1)
        generated = other.generator(other.streams.latents.draw(4), architecture)
        images = to_unit(batch.pixels), generated.detach()
        expected = times * formula(discriminate, *images, numbers)
        assert (expected.item() > 1e-4) == bool(times)
        torch.testing.assert_close(added, expected.detach(), rtol=1e-3, atol=1e-5)
        other.discriminator.zero_grad()
        expected.backward()
        for weight, with_it, without in zip(
            *(gan.discriminator.parameters() for gan in (other, penalised, bare)), strict=True
        ):
            if weight.grad is not None:
                assert with_it.grad is not None and without.grad is not None
                gradient = with_it.grad - without.grad
                torch.testing.assert_close(gradient, weight.grad, rtol=1e-3, atol=1e-5)


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


def drawn(seed: int, count: int = 8) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    return torch.randn(count, generator=stream, dtype=torch.float64)


def assert_same(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("game", [Hinge, NonSaturating, RelativisticPairing])
def test_lecam_is_the_formula_with_moving_averages_and_begins_at_its_step(
    game: type[Objective],
) -> None:
    lecam, bare = LeCam(game(), 0.3, 0.9, from_step=2).double(), game()
    real_mean = generated_mean = torch.zeros((), dtype=torch.float64)
    for step in range(5):
        logits = [drawn(step) + 1, drawn(50 + step)]
        r, g, r2, g2 = (x.clone().requires_grad_() for x in (*logits, *logits))
        past = 0.0 if step == 0 else 0.9
        real_mean = past * real_mean + (1 - past) * logits[0].mean()
        generated_mean = past * generated_mean + (1 - past) * logits[1].mean()
        expected = bare.discriminator_loss(r2, g2)
        if step >= 2:
            above = (r2 - generated_mean).clamp(min=0) ** 2
            below = (real_mean - g2).clamp(min=0) ** 2
            expected = expected + 0.3 * (above.mean() + below.mean())
        loss = lecam.discriminator_loss(r, g)
        assert_same(loss, expected)
        wanted = torch.autograd.grad(expected, (r2, g2))
        for got, gradient in zip(torch.autograd.grad(loss, (r, g)), wanted, strict=True):
            assert_same(got, gradient)
        seen = drawn(9) if bare.generator_sees_real else None
        assert torch.equal(lecam.generator_loss(g, seen), bare.generator_loss(g, seen))


@pytest.mark.parametrize("game", [Hinge, NonSaturating, RelativisticPairing])
def test_the_gradient_of_the_best_scored_is_that_of_the_mean_over_them(
    game: type[Objective],
) -> None:
    """k falls from 8 to 4 over 4 steps; the loss stays that of all."""
    best, bare = BestScored(game(), 0.5, steps=4), game()
    for step, kept in enumerate((8, 7, 6, 5, 4, 4)):
        g, g2 = (drawn(step).requires_grad_() for _ in range(2))
        real_logits = drawn(70 + step)
        loss = best.generator_loss(g, real_logits)
        assert torch.equal(loss, bare.generator_loss(g, real_logits))
        _, chosen = g2.topk(kept)
        expected = bare.generator_loss(g2[chosen], real_logits[chosen])
        (got,) = torch.autograd.grad(loss, g)
        (wanted,) = torch.autograd.grad(expected, g2)
        assert_same(got, wanted)
        assert int((got != 0).sum()) == kept
    assert torch.equal(best.discriminator_loss(g, g2), bare.discriminator_loss(g, g2))


def test_of_equals_the_first_are_the_best_scored() -> None:
    best = BestScored(Hinge(), 0.5, steps=1)
    best.steps.fill_(1)
    logits = torch.zeros(4, requires_grad=True)
    best.generator_loss(logits, None).backward()
    assert logits.grad is not None and logits.grad.tolist() == [-0.5, -0.5, 0, 0]


def weighted_mean(logits: Tensor, weights: Tensor) -> Tensor:
    return (weights * logits).sum() / weights.sum()


DIRECTIONS: dict[type[Objective], Callable[[Tensor], Tensor]] = {
    Hinge: lambda logits: torch.ones_like(logits),
    NonSaturating: lambda logits: 1 / (1 + logits.exp()),
}


@pytest.mark.parametrize("loss", DIRECTIONS)
def test_features_and_direction_are_trained_by_separate_terms(loss: type[Objective]) -> None:
    """The gradients of a discriminator step, by the formula: ω = w/‖w‖, D = ⟨ω, h⟩, in float64."""
    made = game(loss(), direction_head=True)
    before = copy.deepcopy(made.discriminator).double()
    batch = real(ONE)
    with torch.no_grad():
        generated = made.generator(made.streams.latents.draw(4), ONE).double()
    images = torch.cat([batch.pixels.double() / 127.5 - 1, generated])
    assert made.discriminator.has_direction
    h = before.features(images, 0)
    w = before.to_logit.layer.weight
    omega = (w / w.square().sum().sqrt()).squeeze(0)
    values = h @ omega.detach()
    of_features = loss().discriminator_loss(values[:4], values[4:])
    along = h.detach() @ omega
    r = DIRECTIONS[loss](along.detach())
    of_direction = weighted_mean(along[4:], r[4:]) - weighted_mean(along[:4], r[:4])
    expected = of_features + of_direction
    expected.backward()
    wanted = {name: p.grad for name, p in before.named_parameters() if p.grad is not None}

    single = copy.deepcopy(before)
    single.zero_grad()
    logits, along_logits = single.logits_apart(images, 0)
    assert_same(logits, single(images, 0))
    assert_same(logits, along_logits)
    total = loss().discriminator_loss(*logits.chunk(2))
    total = total + loss().direction_loss(*along_logits.chunk(2))
    assert_same(total, expected)
    total.backward()
    found = {name: p.grad for name, p in single.named_parameters() if p.grad is not None}
    assert found.keys() == wanted.keys() and "to_logit.layer.weight" in found
    for name, gradient in wanted.items():
        assert_same(found[name], gradient)
    # The direction climbs from the generated mean to the real one, and only along the sphere.
    turned, w = found["to_logit.layer.weight"].squeeze(0), w.detach().squeeze(0)
    assert abs((turned @ w).item()) < 1e-9 * (turned.norm() * w.norm()).item()


def test_a_step_trains_both_and_a_penalty_leaves_the_direction_alone() -> None:
    made = game(NonSaturating(), direction_head=True)
    weights = dict(made.discriminator.named_parameters())
    before = {name: value.detach().clone() for name, value in weights.items()}
    loss = made.discriminator_step(real(ONE), ONE)
    assert bool(loss.isfinite())
    moved = {name for name, value in weights.items() if not torch.equal(value, before[name])}
    assert {"to_logit.layer.weight", "last.convolution1.layer.weight"} <= moved
    penalty = ZeroCentred(2.0, True)(
        lambda seen, generated: made.discriminator(seen, 0), torch.rand(4, 3, 8, 8), torch.rand(4, 3, 8, 8),
        torch.rand(4, 0),
    )  # fmt: skip
    made.discriminator.zero_grad()
    penalty.backward()
    assert weights["to_logit.layer.weight"].grad is None
    assert weights["last.convolution1.layer.weight"].grad is not None


def test_a_scaled_last_layer_is_the_same_direction() -> None:
    made = game(Hinge(), direction_head=True)
    images = torch.rand(4, 3, 8, 8)
    with torch.no_grad():
        once = made.discriminator(images, 0)
        made.discriminator.to_logit.layer.weight *= 7
        torch.testing.assert_close(made.discriminator(images, 0), once)


def test_a_network_without_a_direction_and_a_loss_without_its_term_say_so() -> None:
    with pytest.raises(NotImplementedError, match="RelativisticPairing has no loss of a direction"):
        RelativisticPairing().direction_loss(drawn(0), drawn(1))
    assert not game(Hinge()).discriminator.has_direction


class TestLeCam(ObjectiveConformance):
    def make(self) -> Objective:
        return LeCam(Hinge(), 0.3, 0.9, from_step=1)


class TestBestScored(ObjectiveConformance):
    def make(self) -> Objective:
        return BestScored(NonSaturating(), 0.5, steps=3)


class TestAllTogether(ObjectiveConformance):
    def make(self) -> Objective:
        return make_objective(
            ObjectiveSettings(
                loss="relativistic-pairing",
                real_penalty=0.1,
                generated_penalty=0.1,
                lecam_penalty=0.1,
                lecam_from_step=1,
                top_share=0.5,
                top_share_steps=3,
            )
        )


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
