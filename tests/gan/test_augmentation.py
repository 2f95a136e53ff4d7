"""Augmentations: what they see in both steps, with which numbers, and how they go on."""

import copy

import pytest
import torch
from games import CPU, ONE, TWO, GradientPenalties, Paired, Shades, real

from autogan.gan.augmentation import (
    AdaptiveAugmentation,
    Augmentation,
    DifferentiableAugmentation,
    colour,
    cutout,
    make_augmentation,
    shift,
)
from autogan.gan.objectives import (
    Hinge,
    Objective,
    RelativisticAverage,
    RelativisticPairing,
)
from autogan.gan.step import Gan
from autogan.images.pixels import to_unit
from autogan.settings.sections import TrainSettings
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
    batch, latents = real(TWO), other.streams.latents.draw(4)
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
    generated = other.generator(other.streams.latents.draw(4), ONE)
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
    assert torch.equal(one.streams.latents.draw(3), other.streams.latents.draw(3))


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
    augmentation = make_augmentation(TrainSettings(augmentation=changes))
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


ALL = ("colour", "shift", "cutout")


def test_a_probability_decides_for_each_image_and_each_change() -> None:
    always, half, never = (
        DifferentiableAugmentation(("colour", "cutout"), p) for p in (1.0, 0.5, 0.0)
    )
    assert (always.numbers, half.numbers, never.numbers) == (5, 7, 7)
    images = torch.rand(400, 3, 16, 16)
    numbers = torch.rand(400, 7, generator=torch.Generator().manual_seed(0))
    assert torch.equal(never(images, numbers), images)
    changed = half(images, numbers)
    first, second = numbers[:, 0] < 0.5, numbers[:, 4] < 0.5
    for i in range(12):
        expected = images[i : i + 1]
        if first[i]:
            expected = colour(expected, numbers[i : i + 1, 1:4])
        if second[i]:
            expected = cutout(expected, numbers[i : i + 1, 5:])
        torch.testing.assert_close(changed[i : i + 1], expected)
    left_alone = (changed == images).flatten(1).all(1)
    assert torch.equal(left_alone, ~(first | second)) and 60 < int(left_alone.sum()) < 140


def test_an_adaptive_probability_follows_the_signs_of_real_logits() -> None:
    """By the formula, over the 4 steps since the last change."""
    augmentation = AdaptiveAugmentation(ALL, target=0.6, images=80)
    expected, signs = 0.0, []
    for step in range(40):
        certain = 1.0 if step < 20 else -1.0
        realness = torch.tensor([certain, 1.0, 1.0, 0.5, certain])
        augmentation.observe(realness)
        signs += realness.sign().tolist()
        if step % 4 == 3:
            mean = sum(signs) / len(signs)
            expected += (1 if mean > 0.6 else -1) * 4 * 5 / 80
            expected, signs = min(1.0, max(0.0, expected)), []
        assert augmentation.learned_probability().item() == pytest.approx(expected)
    assert expected == 0.0  # it rose to 1, and fell to 0 again


def test_what_it_observes_are_the_real_images_of_every_discriminator_step() -> None:
    class Noting(Augmentation):
        def __init__(self) -> None:
            self.seen: list[torch.Tensor] = []

        def observe(self, realness: torch.Tensor) -> None:
            assert not realness.requires_grad
            self.seen.append(realness)

    noting = Noting()
    gan, other = make(noting), make(None)
    for made in (gan, other):
        made.discriminator.eval()
    batch = real(ONE)
    expected = other.discriminator(to_unit(batch.pixels), 0)
    gan.discriminator_step(batch, ONE)
    gan.generator_step(4, ONE)
    (seen,) = noting.seen
    torch.testing.assert_close(seen, expected.detach(), rtol=1e-4, atol=1e-6)


def test_relativistic_losses_are_sure_where_real_lies_above_generated() -> None:
    r, g = torch.tensor([5.0, -4.0]), torch.tensor([6.0, -5.0])
    assert Hinge().realness(r, g) is r
    assert RelativisticPairing().realness(r, g).tolist() == [-1, 1]
    assert RelativisticAverage().realness(r, g).tolist() == [4.5, -4.5]


def test_settings_choose_the_probability() -> None:
    always = make_augmentation(TrainSettings(augmentation=ALL))
    assert type(always) is DifferentiableAugmentation and always.numbers == 7
    half = make_augmentation(TrainSettings(augmentation=ALL, augmentation_probability=0.5))
    assert type(half) is DifferentiableAugmentation and half.numbers == 10
    given = {"augmentation_target": 0.5, "augmentation_images": 1234}
    adaptive = make_augmentation(
        TrainSettings(augmentation=ALL, augmentation_probability="adaptive", **given)
    )
    assert isinstance(adaptive, AdaptiveAugmentation) and adaptive.numbers == 10
    assert (adaptive.target, adaptive.images) == (0.5, 1234)
    assert not always.state_dict() and always.learned_probability() is None
