"""How large a network is, as a sum over its operations."""

from autogan.images.classes import Classes
from autogan.spaces import space_of
from autogan.spaces.architecture import Architecture
from autogan.spaces.block_operations import discriminator_operations
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
from autogan.spaces.operations import Size
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import Channels


def generator_size(
    architecture: Architecture,
    *,
    latent_size: int,
    channels: Channels,
    bottom_size: int,
    classes: Classes | None = None,
) -> Size:
    """Size of the derived generator of `architecture`. classes: that images can be asked of, if any."""
    return Size.of(
        space_of(architecture).operations(
            architecture,
            latent_size=latent_size,
            channels=channels,
            bottom_size=bottom_size,
            classes=classes,
        )
    )


def discriminator_size(
    space: SearchSpace,
    stage: int,
    *,
    channels: int,
    image_size: int,
    classes: Classes | None = None,
    told: DiscriminatorArchitecture | None = None,
) -> Size:
    """Size of the part of a space's discriminator that looks at images of `image_size` at `stage`.

    classes: of the images, where it is told them. told: the discriminator, where it is not the space's own.
    """
    if told is not None:
        return Size.of(
            discriminator_operations(
                told, stage, channels=channels, image_size=image_size, classes=classes
            )
        )
    return Size.of(
        space.discriminator_operations(
            stage, channels=channels, image_size=image_size, classes=classes
        )
    )
