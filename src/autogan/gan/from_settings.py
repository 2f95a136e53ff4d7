"""The discriminator and the game that a section of the settings describes."""

from autogan.device.compute import Compute
from autogan.gan.augmentation import make_augmentation
from autogan.gan.averaging import HalfLife
from autogan.gan.penalties import make_objective
from autogan.gan.step import Gan
from autogan.images.classes import Classes
from autogan.settings.game import AdversarialSettings
from autogan.spaces.block_discriminator import BlockDiscriminator
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture, only_options
from autogan.spaces.networks import Discriminator, Generator
from autogan.spaces.space import SearchSpace


def discriminator_for(
    section: AdversarialSettings,
    space: SearchSpace,
    classes: Classes | None,
    told: DiscriminatorArchitecture | None,
) -> Discriminator:
    """The discriminator that is told, or else the space's own, as a section of the settings shapes it.

    Its weights are unset.
    """
    channels = section.discriminator_channels
    spectral_norm = section.objective.spectral_norm
    direction_head = section.objective.direction_head
    if told is None:
        return space.discriminator(
            channels, spectral_norm=spectral_norm, direction_head=direction_head, classes=classes
        )
    return BlockDiscriminator(
        only_options(told),
        channels,
        spectral_norm=spectral_norm,
        direction_head=direction_head,
        classes=classes,
    )


def gan_for(
    section: AdversarialSettings,
    generator: Generator,
    discriminator: Discriminator,
    compute: Compute,
    *,
    seed: int,
    purpose: str,
    average_decay: float | HalfLife | None = None,
) -> Gan:
    """Two networks that play as a section of the settings says; the rest as of `Gan`."""
    return Gan(
        generator,
        discriminator,
        learning_rate=section.learning_rate,
        betas=section.betas,
        class_rate=section.class_rate,
        compute=compute,
        seed=seed,
        purpose=purpose,
        average_decay=average_decay,
        objective=make_objective(section.objective),
        augmentation=make_augmentation(section),
    )
