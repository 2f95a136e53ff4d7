"""Objectives: the hinge losses by hand, and what an objective may ask of a step."""

from collections.abc import Callable

import pytest
import torch
from games import CPU, ONE, TWO, Paired, real
from torch import Tensor

from autogan.gan.objectives import Hinge, Objective
from autogan.gan.step import Gan
from autogan.images.pixels import to_unit
from autogan.spaces import search_space
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.autogan.generator import AutoGanGenerator


def make(objective: Objective | None = None) -> Gan:
    return Gan(
        AutoGanGenerator(search_space("autogan", 2), latent_size=16, channels=8, bottom_size=4),
        AutoGanDiscriminator(2, 8),
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        compute=CPU,
        seed=0,
        purpose="test",
        objective=objective,
    )


def test_hinge_losses_by_hand() -> None:
    hinge = Hinge()
    real_logits, generated_logits = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.0, 1.0])
    # (0 + 0.5 + 2) / 3 + (0 + 1 + 2) / 3
    loss = hinge.discriminator_loss(real_logits, generated_logits)
    assert loss.item() == pytest.approx(5.5 / 3)
    assert hinge.generator_loss(generated_logits).item() == pytest.approx(2 / 3)
    assert hinge.penalty(lambda x: x, real_logits, generated_logits, torch.empty(3, 0)) is None
    assert not hinge.generator_sees_real and not hinge.state_dict()


def test_paired_losses_see_the_real_images_of_their_own_step() -> None:
    gan, other = make(Paired()), make()
    for made in (gan, other):
        made.discriminator.eval()
    fresh = real(TWO, seed=5)
    loss = gan.generator_step(4, TWO, fresh)
    logits = other.discriminator(other.generator(other.streams.latents.draw(4), TWO), 1)
    difference = other.discriminator(to_unit(fresh.pixels), 1) - logits
    expected = torch.nn.functional.softplus(difference).mean()
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-5, atol=1e-6)
    assert all(weight.grad is None for weight in gan.discriminator.parameters())


def test_real_images_of_a_generator_step_must_be_there_and_as_many() -> None:
    with pytest.raises(AssertionError, match="no real images"):
        make(Paired()).generator_step(4, ONE)
    with pytest.raises(AssertionError):
        make(Paired()).generator_step(5, ONE, real(ONE))


def test_an_objective_that_compares_only_in_the_discriminator_is_given_no_real_images() -> None:
    gan, other = make(), make()
    assert torch.equal(gan.generator_step(4, ONE, real(ONE)), other.generator_step(4, ONE))


def losses(gan: Gan, first: int, last: int) -> list[float]:
    both: list[Callable[[int], Tensor]] = [
        lambda step: gan.discriminator_step(real(ONE, step), ONE),
        lambda step: gan.generator_step(4, ONE),
    ]
    return [do(step).item() for step in range(first, last) for do in both]


def test_the_state_of_a_game_without_memory_has_no_place_for_one() -> None:
    assert make().state_dict().keys() == {
        *("generator", "discriminator", "generator_optimiser", "discriminator_optimiser"),
        *("weights_generator", "latents_generator"),
    }
