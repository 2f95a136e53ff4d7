"""The adversarial step: losses, who changes, averaging, and going on after an interruption."""

import copy
import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from games import CPU, ONE, TWO, real
from torch import Tensor, nn

from autogan.basics.errors import Diverged
from autogan.basics.randomness import torch_generator
from autogan.device.compute import Compute
from autogan.files.storage import load_tree, save_tree
from autogan.gan.averaging import AveragedGenerator
from autogan.gan.generation import SCORING_BATCH, generate, images_at_once, latent_batches
from autogan.gan.objectives import BestScored, Hinge, Objective
from autogan.gan.step import Gan
from autogan.nets.layers import initialise
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.space import SearchSpace


def make(
    seed: int = 0,
    average: float | None = 0.9,
    purpose: str = "test",
    layout: str = "auto",
    objective: Objective | None = None,
) -> Gan:
    return Gan(
        AutoGanGenerator(search_space("autogan", 2), latent_size=16, channels=8, bottom_size=4),
        AutoGanDiscriminator(2, 8),
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        compute=Compute.resolve("cpu", "float32", layout),
        seed=seed,
        purpose=purpose,
        average_decay=average,
        objective=objective,
    )


def frozen(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def changed(module: nn.Module, before: dict[str, Tensor]) -> set[str]:
    return {n for n, value in module.state_dict().items() if not torch.equal(value, before[n])}


def equal_trees(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal_trees(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal_trees, one, other))
    return bool(one == other)


@pytest.mark.parametrize("architecture", [ONE, TWO], ids=str)
def test_a_discriminator_step_changes_weights_of_the_discriminator_alone(
    architecture: Architecture,
) -> None:
    gan = make()
    generator, discriminator = frozen(gan.generator), frozen(gan.discriminator)
    weights = dict(gan.generator.named_parameters())
    loss = gan.discriminator_step(real(architecture), architecture)
    assert loss.shape == () and not loss.requires_grad
    assert not changed(gan.generator, generator) & set(weights)
    assert all(weight.grad is None for weight in weights.values())
    assert gan.average is not None and gan.average.updates == 0
    assert "growing.0.convolution1.layer.weight" in changed(gan.discriminator, discriminator)
    grown = "growing.1.convolution1.layer.weight" in changed(gan.discriminator, discriminator)
    assert grown == (len(architecture) == 2)


def test_a_discriminator_step_returns_the_hinge_loss_of_these_images() -> None:
    gan, other = make(seed=7), make(seed=7)
    batch = real(ONE)
    loss = gan.discriminator_step(batch, ONE)
    generated = other.generator(other.streams.latents.draw(4), ONE)
    both = torch.cat([batch.pixels.float() / 127.5 - 1, generated])
    logits = other.discriminator(both, 0)
    assert logits.abs().max() < 1  # no image is beyond its margin, so each one counts
    expected = Hinge().discriminator_loss(logits[:4], logits[4:])
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-5, atol=1e-6)


def test_both_steps_generate_with_the_statistics_of_their_own_batch_and_move_the_running_ones() -> (
    None
):
    """As the authors' program, which leaves its generator in training mode for both."""
    gan, other = make(seed=7), make(seed=7)
    for made in (gan, other):
        made.generator.to_rgb_normalisation.running_mean.fill_(7.0)
        made.generator.to_rgb_normalisation.running_var.fill_(0.01)
    batch = real(ONE)
    loss = gan.discriminator_step(batch, ONE)
    generated = other.generator(other.streams.latents.draw(4), ONE)
    logits = other.discriminator(torch.cat([batch.pixels.float() / 127.5 - 1, generated]), 0)
    expected = Hinge().discriminator_loss(logits[:4], logits[4:])
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-5, atol=1e-6)
    running = gan.generator.to_rgb_normalisation.running_mean
    torch.testing.assert_close(running, other.generator.to_rgb_normalisation.running_mean)
    assert (running < 6.9).any()
    before = running.clone()
    gan.generator_step(4, ONE)
    assert not torch.equal(running, before)


@pytest.mark.parametrize("architecture", [ONE, TWO], ids=str)
def test_a_generator_step_changes_the_generator_alone(architecture: Architecture) -> None:
    gan = make()
    gan.discriminator_step(real(architecture), architecture)
    generator, discriminator = frozen(gan.generator), frozen(gan.discriminator)
    gradients = [None if p.grad is None else p.grad.clone() for p in gan.discriminator.parameters()]
    gan.generator_step(4, architecture)
    singular_vectors = {name for name, _ in gan.discriminator.named_buffers()}
    assert changed(gan.discriminator, discriminator) <= singular_vectors
    for parameter, before in zip(gan.discriminator.parameters(), gradients, strict=True):
        assert (parameter.grad is None) == (before is None)
        assert before is None or torch.equal(parameter.grad, before)
    on_path = AutoGanGenerator(
        SearchSpace.only(architecture), latent_size=16, channels=8, bottom_size=4
    )
    moved = changed(gan.generator, generator)
    assert moved <= set(on_path.state_dict())
    weights = {name for name, _ in on_path.named_parameters() if name.endswith("weight")}
    assert weights <= moved


def test_the_discriminator_learns_after_a_generator_step() -> None:
    """A generator step switches D's gradients off; the next D step must have them again."""
    gan = make()
    gan.generator_step(4, ONE)
    before = frozen(gan.discriminator)
    gan.discriminator_step(real(ONE), ONE)
    assert "last.convolution1.layer.weight" in changed(gan.discriminator, before)


def test_the_steps_lower_their_losses() -> None:
    gan = make()
    images = real(ONE)
    losses = [gan.discriminator_step(images, ONE).item() for _ in range(60)]
    assert sum(losses[-5:]) < sum(losses[:5]) - 0.5
    generator_losses = [gan.generator_step(4, ONE).item() for _ in range(60)]
    assert sum(generator_losses[-5:]) < sum(generator_losses[:5]) - 0.5


def test_the_average_is_the_formula_by_hand_and_covers_buffers() -> None:
    generator = AutoGanGenerator.for_architecture(ONE, latent_size=16, channels=8, bottom_size=4)
    average = AveragedGenerator(generator, 0.25)
    name, buffer = "to_rgb.weight", "to_rgb_normalisation.running_mean"
    expected = {n: generator.state_dict()[n].clone() for n in (name, buffer)}
    for update in (1, 2, 3, 4):
        generator.to_rgb.weight.data.add_(1)
        generator.to_rgb_normalisation.running_mean.add_(update)
        average.update()
        decay = {1: 2 / 11, 2: 3 / 12, 3: 0.25, 4: 0.25}[update]
        for n, value in expected.items():
            value.mul_(decay).add_(generator.state_dict()[n], alpha=1 - decay)
    assert average.updates == 4
    got = average.state_dict()
    assert set(got) == set(generator.state_dict())
    for n, value in expected.items():
        torch.testing.assert_close(got[n], value)
        assert not torch.allclose(got[n], generator.state_dict()[n])


def test_the_average_follows_a_generator_whose_state_was_loaded() -> None:
    gan = make(average=0.5)
    state = copy.deepcopy(make(seed=7, average=0.5).state_dict())
    gan.load_state_dict(state)
    for _ in range(30):
        gan.generator_step(4, ONE)
    assert gan.average is not None and gan.average.updates == 30
    live = gan.generator.state_dict()
    name = "to_rgb_normalisation.running_mean"
    difference = (gan.average.state_dict()[name] - live[name]).abs().max()
    assert difference < (state["generator"][name] - live[name]).abs().max() / 2
    assert difference < 0.2


def steps(gan: Gan, first: int, last: int) -> list[float]:
    losses = []
    for step in range(first, last):
        architecture = (ONE, TWO)[step % 2]
        losses.append(gan.discriminator_step(real(architecture, step), architecture).item())
        losses.append(gan.generator_step(4, architecture).item())
    return losses


@pytest.mark.parametrize("layout", ["channels-last", "contiguous"])
def test_an_interrupted_gan_goes_on_to_the_bit(tmp_path: Path, layout: str) -> None:
    """A file forgets memory layouts: what it restores must have that of the weights again."""
    whole, restored = make(layout=layout), make(seed=99, layout=layout)
    whole.set_learning_rate(0.5)
    steps(whole, 0, 3)
    save_tree(tmp_path / "state", whole.state_dict())
    steps(restored, 0, 1)  # something to forget
    restored.load_state_dict(load_tree(tmp_path / "state"))
    assert steps(whole, 3, 6) == steps(restored, 3, 6)
    assert equal_trees(whole.state_dict(), restored.state_dict())
    whole.restart()
    restored.restart()
    assert equal_trees(whole.state_dict(), restored.state_dict())


def test_the_same_seed_gives_the_same_gan_and_another_or_another_purpose_does_not() -> None:
    one = make().state_dict()
    assert equal_trees(one, make().state_dict())
    for other in (make(seed=1), make(purpose="other")):
        weight = other.generator.to_rgb.weight
        assert not torch.equal(weight, one["generator"]["to_rgb.weight"])


def test_weights_and_latents_come_from_streams_of_their_own_names() -> None:
    """Promised: what a seed gives today it gives tomorrow."""
    gan = make(seed=5)
    weights, latents = (torch_generator(5, f"test/{what}") for what in ("weights", "latents"))
    generator = AutoGanGenerator(
        search_space("autogan", 2), latent_size=16, channels=8, bottom_size=4
    )
    initialise(generator, weights)
    assert torch.equal(generator.to_rgb.weight, gan.generator.to_rgb.weight)
    assert torch.equal(gan.streams.latents.draw(3), torch.randn(3, 16, generator=latents))
    assert torch.equal(gan.streams.latents.draw(3), torch.randn(3, 16, generator=latents))


def test_every_attempt_goes_on_with_other_latents_that_are_always_the_same() -> None:
    """From one state: as it would have gone on, and after one, two and three failures."""
    drawn = []
    for attempt in (0, 1, 2, 3, 3):
        gan = make()
        if attempt:
            gan.streams.latents.reseed(attempt)
        drawn.append(gan.streams.latents.draw(4))
    assert torch.equal(drawn[3], drawn[4])
    kinds = drawn[:4]
    assert all(not torch.equal(a, b) for a, b in itertools.combinations(kinds, 2))


@pytest.mark.parametrize("betas", [(0.0, 0.9), (0.5, 0.99)])
def test_an_update_is_adams_of_the_given_betas(betas: tuple[float, float]) -> None:
    """The paper's formula for two steps, with the gradients of a twin (Kingma and Ba, algorithm 1)."""
    gan = Gan(
        AutoGanGenerator(search_space("autogan", 2), latent_size=16, channels=8, bottom_size=4),
        AutoGanDiscriminator(2, 8),
        learning_rate=1e-3,
        betas=betas,
        compute=CPU,
        seed=0,
        purpose="test",
    )
    weight = gan.generator.to_rgb.weight
    first = second = torch.zeros_like(weight)
    expected = weight.detach().clone()
    for step in (1, 2):
        gan.generator_step(4, ONE)
        assert weight.grad is not None
        first = betas[0] * first + (1 - betas[0]) * weight.grad
        second = betas[1] * second + (1 - betas[1]) * weight.grad.square()
        mean, square = first / (1 - betas[0] ** step), second / (1 - betas[1] ** step)
        expected -= 1e-3 * mean / (square.sqrt() + 1e-8)
        torch.testing.assert_close(weight.detach(), expected, rtol=1e-5, atol=1e-7)


def test_restart_draws_fresh_weights_and_clears_what_the_optimisers_know() -> None:
    gan = make()
    first = frozen(gan.generator), frozen(gan.discriminator)
    steps(gan, 0, 2)
    assert gan.learners.generator.optimiser.state_dict()["state"]
    gan.restart()
    for network, before in zip((gan.generator, gan.discriminator), first, strict=True):
        weights = {n for n, p in network.named_parameters() if n.endswith("weight") and p.ndim > 1}
        assert weights <= changed(network, before)
        assert network.training
    for optimiser in (learner.optimiser for learner in gan.learners):
        moments = [m for of in optimiser.state.values() for m in of.values()]
        assert moments and not any(moment.any() for moment in moments)
    assert not gan.generator.to_rgb_normalisation.running_mean.any()
    assert gan.average is not None and gan.average.updates == 0
    assert equal_trees(gan.average.state_dict(), gan.generator.state_dict())
    before = frozen(gan.generator)
    steps(gan, 0, 2)  # the new optimisers hold the present weights
    assert "to_rgb.weight" in changed(gan.generator, before)


def test_set_learning_rate_is_a_factor_of_the_initial_one() -> None:
    gan = make()
    for factor in (0.5, 0.1):
        gan.set_learning_rate(factor)
        for optimiser in (learner.optimiser for learner in gan.learners):
            rates = [group["lr"] for group in optimiser.param_groups]
            assert rates == [pytest.approx(factor * 1e-3)]
    gan.set_learning_rate(0)
    generator = {n: p.clone() for n, p in gan.generator.named_parameters()}
    discriminator = {n: p.clone() for n, p in gan.discriminator.named_parameters()}
    steps(gan, 0, 1)
    assert all(torch.equal(p, generator[n]) for n, p in gan.generator.named_parameters())
    assert all(torch.equal(p, discriminator[n]) for n, p in gan.discriminator.named_parameters())


@pytest.mark.parametrize("training", [True, False])
def test_generate_gives_uint8_in_evaluation_mode_and_restores_the_mode(training: bool) -> None:
    generator = AutoGanGenerator(
        search_space("autogan", 2), latent_size=16, channels=8, bottom_size=4
    )
    initialise(generator, torch.Generator().manual_seed(0))
    generator.to_rgb_normalisation.running_mean.fill_(0.5)
    generator.train(training)
    before = frozen(generator)
    latents = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))
    images = generate(generator, latents, CPU, TWO)
    assert images.dtype == torch.uint8 and images.shape == (5, 3, 16, 16)
    assert generator.training is training and all(m.training is training for m in generator.cells)
    assert not changed(generator, before)
    expected = generator.eval()(latents, TWO)
    assert (images.float() - (expected + 1) * 127.5).abs().max() <= 0.501
    batch = generate(generator, latents, CPU, TWO, batch_statistics=True)
    assert not torch.equal(batch, images)


def test_generate_restores_the_mode_where_images_are_no_numbers() -> None:
    """A child may fail so while the shared weights are sound, and the search goes on with them."""
    generator = AutoGanGenerator(
        search_space("autogan", 2), latent_size=16, channels=8, bottom_size=4
    )
    initialise(generator, torch.Generator().manual_seed(0))
    generator.train()
    with pytest.raises(Diverged, match="no finite numbers"):
        generate(generator, torch.full((3, 16), float("nan")), CPU, TWO)
    assert generator.training and all(m.training for m in generator.cells)


def test_of_larger_images_fewer_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With running statistics they are the same images; with those of a batch, a part has its own."""
    assert [images_at_once(side) for side in (8, 64, 128, 256)] == [250, 250, 62, 15]
    generator = AutoGanGenerator(
        search_space("autogan", 2), latent_size=16, channels=8, bottom_size=4
    )
    initialise(generator, torch.Generator().manual_seed(0))
    latents = torch.randn(11, 16, generator=torch.Generator().manual_seed(0))
    whole = generate(generator, latents, CPU, TWO).float()
    first = generate(generator, latents[:4], CPU, TWO, batch_statistics=True)
    side = whole.shape[-1]
    monkeypatch.setattr("autogan.gan.generation.PIXELS_AT_ONCE", 4 * side**2)
    assert (generate(generator, latents, CPU, TWO).float() - whole).abs().max() <= 1
    own = generate(generator, latents, CPU, TWO, batch_statistics=True)
    assert own.shape == whole.shape and torch.equal(own[:4], first)


@pytest.mark.parametrize("count", [3, SCORING_BATCH, SCORING_BATCH + 7])
def test_latent_batches_are_exactly_as_many(count: int) -> None:
    sizes = [len(b) for b in latent_batches(count, lambda n: torch.zeros(n, 2))]
    assert sum(sizes) == count and max(sizes) <= SCORING_BATCH


def test_the_loss_through_gates_is_the_generators_and_changes_no_network() -> None:
    gan, twin = make(), make()
    networks = (gan.generator, gan.discriminator)
    before = [frozen(network) for network in networks]
    logit = torch.zeros((), requires_grad=True)
    names = [decision.name for decision in gan.generator.space.at_stage(1)]
    gates = {name: 1 + (logit - logit.detach()) for name in names}
    loss = gan.loss_through(4, TWO, gates)
    (slope,) = torch.autograd.grad(loss, [logit])
    assert slope.item() != 0
    for network, state in zip(networks, before, strict=True):
        assert network.training and not changed(network, state)
        assert all(parameter.grad is None for parameter in network.parameters())

    twin.generator.eval()
    twin.discriminator.eval()
    images = twin.generator(twin.streams.latents.draw(4), TWO, True)
    logits = twin.discriminator(images, 1)
    torch.testing.assert_close(loss.detach(), -logits.mean().detach())  # the hinge loss


def test_the_loss_through_gates_leaves_what_the_objective_remembers() -> None:
    gan = make(objective=BestScored(Hinge(), share=0.5, steps=10))
    gan.generator_step(4, TWO)
    before = copy.deepcopy(gan.objective.state_dict())
    logit = torch.zeros((), requires_grad=True)
    names = [decision.name for decision in gan.generator.space.at_stage(1)]
    loss = gan.loss_through(4, TWO, {name: 1 + (logit - logit.detach()) for name in names})
    assert torch.autograd.grad(loss, [logit])[0].item() != 0
    assert equal_trees(before, gan.objective.state_dict())
