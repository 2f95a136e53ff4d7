"""Labels reach the networks that have a use for them."""

import torch
from games import CPU, ONE, TWO, ClassDiscriminator, ClassGenerator, GradientPenalties, Paired, real

from autogan.gan.generation import generate
from autogan.gan.objectives import Objective
from autogan.gan.step import Gan
from autogan.images.batches import Batch
from autogan.spaces import search_space
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.autogan.generator import AutoGanGenerator

LABELS, OTHERS = [0, 2, 1, 2], [1, 1, 0, 3]


def make(objective: Objective | None = None, of_classes: bool = True) -> Gan:
    plain = AutoGanGenerator(search_space("autogan", 2), latent_size=16, channels=8, bottom_size=4)
    return Gan(
        ClassGenerator() if of_classes else plain,
        ClassDiscriminator() if of_classes else AutoGanDiscriminator(2, 8),
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        compute=CPU,
        seed=0,
        purpose="test",
        objective=objective,
    )


def given(gan: Gan) -> tuple[list[list[int]], list[list[int]]]:
    """What both networks were given since the last call."""
    assert isinstance(gan.generator, ClassGenerator)
    assert isinstance(gan.discriminator, ClassDiscriminator)
    both = gan.generator.given[:], gan.discriminator.given[:]
    gan.generator.given.clear()
    gan.discriminator.given.clear()
    return both


def test_generated_images_have_the_labels_of_the_real_ones_in_both_steps() -> None:
    gan = make()
    gan.discriminator_step(real(ONE, labels=LABELS), ONE)
    assert given(gan) == ([LABELS], [LABELS + LABELS])
    gan.generator_step(4, TWO, real(TWO, labels=OTHERS))
    assert given(gan) == ([OTHERS], [OTHERS])


def test_penalties_and_comparisons_keep_images_and_labels_together() -> None:
    gan = make(GradientPenalties())
    gan.discriminator_step(real(ONE, labels=LABELS), ONE)
    assert given(gan)[1] == [LABELS + LABELS, LABELS, LABELS]
    gan = make(Paired())
    gan.generator_step(4, ONE, real(ONE, labels=OTHERS))
    assert given(gan) == ([OTHERS], [OTHERS, OTHERS])


def test_networks_without_a_use_for_labels_train_the_same_with_and_without_them() -> None:
    with_labels, without = make(of_classes=False), make(of_classes=False)
    losses = [
        [
            gan.discriminator_step(batch, ONE).item(),
            gan.generator_step(4, ONE, batch).item(),
        ]
        for gan, batch in (
            (with_labels, real(ONE, labels=LABELS)),
            (without, Batch(real(ONE).pixels)),
        )
    ]
    assert losses[0] == losses[1]


def test_images_of_a_class_can_be_asked_for() -> None:
    generator = ClassGenerator()
    torch.nn.init.normal_(generator.project.weight)
    latents = torch.zeros(2, 16)
    images = generate(generator, latents, CPU, ONE, labels=torch.tensor([0, 3]))
    assert generator.given == [[0, 3]]
    assert not torch.equal(images[0], images[1])
