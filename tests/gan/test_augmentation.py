"""Augmentations: what they see in both steps, with which numbers, and how they go on."""

import copy

import pytest
import torch
from games import CPU, ONE, TWO, GradientPenalties, Paired, Shades, real

from autogan.gan.augmentation import (
    Augmentation,
    DifferentiableAugmentation,
    colour,
    cutout,
    make_augmentation,
    shift,
)
from autogan.gan.objectives import Objective
from autogan.gan.step import Gan
from autogan.images.pixels import to_unit
from autogan.spaces import search_space
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.autogan.generator import AutoGanGenerator


def make(augmentation: Augmentation | None, objective: Objective | None = None) -> Gan:
    return Gan(
        AutoGanGenerator(search_space("autogan", 2), latent_size=16, channels=8, bottom_size=4),
        AutoGanDiscriminator(2, 8),
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        compute=CPU,
        seed=0,
        purpose="test",
        objective=objective,
        augmentation=augmentation,
    )


def test_the_default_leaves_images_alone() -> None:
    images = torch.rand(2, 3, 8, 8)
    augmentation = Augmentation()
    assert augmentation(images, torch.rand(2, augmentation.numbers)) is images


def test_both_sides_are_augmented_in_both_steps_before_the_discriminator_looks() -> None:
    shades = Shades()
    gan, other = make(shades, Paired()), make(None)
    batch, latents = real(TWO), other.latents(4)
    generated = other.generator(latents, TWO).detach()
    gan.discriminator_step(batch, TWO)
    (((images, numbers)),) = shades.seen
    torch.testing.assert_close(images, torch.cat([to_unit(batch.pixels), generated]))
    assert numbers.shape == (8, 2) and len(numbers.unique()) == 16
    assert numbers.min() >= 0 and numbers.max() < 1
    shades.seen.clear()
    gan.generator_step(4, TWO, batch)
    (made, of_made), (images, of_real) = shades.seen
    torch.testing.assert_close(images, to_unit(batch.pixels))
    assert made.shape == images.shape and not torch.equal(made, images)
    assert len(torch.cat([of_made, of_real, numbers]).unique()) == 32  # always new ones


def test_the_loss_is_that_of_augmented_images_and_reaches_the_generator_through_them() -> None:
    gan, other = make(Shades()), make(None)
    for made in (gan, other):
        made.discriminator.eval()
    loss = gan.generator_step(4, ONE)
    assert isinstance(gan.augmentation, Shades)
    ((images, numbers),) = gan.augmentation.seen
    generated = other.generator(other.latents(4), ONE)
    torch.testing.assert_close(images, generated.detach())
    expected = -other.discriminator(Shades()(generated, numbers), 0).mean()
    torch.testing.assert_close(loss, expected.detach())
    expected.backward()
    torch.testing.assert_close(gan.generator.to_rgb.weight.grad, other.generator.to_rgb.weight.grad)


def test_a_penalty_looks_through_the_augmentation_of_the_real_images() -> None:
    shades = Shades()
    make(shades, GradientPenalties()).discriminator_step(real(ONE), ONE)
    (both, numbers), (images, of_real), (generated, of_generated) = shades.seen
    assert torch.equal(images, both[:4]) and torch.equal(generated, both[4:])
    assert torch.equal(of_real, numbers[:4]) and torch.equal(of_generated, numbers[:4])


def test_a_mode_of_randomness_does_not_disturb_the_others() -> None:
    """Latents are the same with and without an augmentation."""
    one, other = make(Shades()), make(None)
    for made in (one, other):
        made.discriminator_step(real(ONE), ONE)
    assert torch.equal(one.latents(3), other.latents(3))


@pytest.mark.parametrize("seed", [1, 2])
def test_an_interrupted_augmented_training_goes_on_to_the_bit(seed: int) -> None:
    whole, restored = make(Shades()), make(Shades())

    def losses(gan: Gan, steps: int) -> list[float]:
        return [
            loss.item()
            for step in range(steps)
            for loss in (gan.discriminator_step(real(ONE, step), ONE), gan.generator_step(4, ONE))
        ]

    losses(whole, seed)
    restored.load_state_dict(copy.deepcopy(whole.state_dict()))
    assert losses(whole, 3) == losses(restored, 3)


def test_colour_by_hand() -> None:
    images = torch.rand(1, 3, 4, 4, dtype=torch.float64) * 2 - 1
    plain = colour(images, torch.tensor([[0.5, 0.5, 0.5]]))
    torch.testing.assert_close(plain, images)
    brighter = colour(images, torch.tensor([[0.75, 0.5, 0.5]]))
    torch.testing.assert_close(brighter, images + 0.25)
    grey = colour(images, torch.tensor([[0.5, 0.0, 0.5]]))
    torch.testing.assert_close(grey, images.mean(1, keepdim=True).expand_as(images))
    saturated = colour(images, torch.tensor([[0.5, 1.0, 0.5]]))
    torch.testing.assert_close(saturated, 2 * images - images.mean(1, keepdim=True))
    flat = colour(images, torch.tensor([[0.5, 0.5, 0.0]]))
    torch.testing.assert_close(flat, (images + images.mean()) / 2)


def test_a_shift_moves_by_up_to_an_eighth_and_brings_in_nothing() -> None:
    images = torch.rand(1, 3, 16, 16) + 1
    moved = shift(images.repeat(3, 1, 1, 1), torch.tensor([[0.0, 0.5], [0.999, 0.999], [0.5, 0.5]]))
    assert torch.equal(moved[0, :, :14], images[0, :, 2:]) and not moved[0, :, 14:].any()
    assert torch.equal(moved[1, :, 2:, 2:], images[0, :, :14, :14])
    assert not moved[1, :, :2].any() and not moved[1, :, :, :2].any()
    assert torch.equal(moved[2], images[0])


def test_a_cutout_is_a_square_of_half_the_side_around_any_place() -> None:
    images = torch.ones(3, 3, 16, 16)
    cut = cutout(images, torch.tensor([[0.0, 0.0], [0.5, 0.5], [0.999, 0.0]]))
    assert [int((image[0] == 0).sum()) for image in cut] == [16, 64, 16]
    assert not cut[0, :, :4, :4].any() and not cut[1, :, 4:12, 4:12].any()
    assert not cut[2, :, 12:, :4].any()
    many = cutout(torch.ones(4000, 1, 16, 16), torch.rand(4000, 2))
    hit = (many == 0).float().mean(dim=(0, 1))
    assert hit.min() > 0.05 and hit[8, 8] == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize(
    "changes", [(), ("colour",), ("shift", "cutout"), ("colour", "shift", "cutout")]
)
def test_settings_name_changes_that_gradients_pass_through(changes: tuple) -> None:
    augmentation = make_augmentation(changes)
    assert augmentation.numbers == sum({"colour": 3, "shift": 2, "cutout": 2}[c] for c in changes)
    images = torch.rand(5, 3, 16, 16, requires_grad=True)
    numbers = torch.rand(5, augmentation.numbers, generator=torch.Generator().manual_seed(0))
    changed = augmentation(images, numbers)
    assert changed.shape == images.shape and changed.dtype == images.dtype
    changed.sum().backward()
    assert images.grad is not None and bool(images.grad.isfinite().all()) and images.grad.any()
    if changes:
        assert isinstance(augmentation, DifferentiableAugmentation)
        alone = [augmentation(images[i : i + 1], numbers[i : i + 1]) for i in range(5)]
        torch.testing.assert_close(torch.cat(alone), changed)
