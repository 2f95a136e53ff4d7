"""The discriminator that a section of the settings describes."""

from autogan.images.classes import Classes
from autogan.settings.game import AdversarialSettings
from autogan.spaces.block_discriminator import BlockDiscriminator
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture, only_options
from autogan.spaces.networks import Discriminator
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
