"""Refuses, before a run begins, a batch that no step of could fit in the machine's memory. No torch.

The estimate is a lower bound: of all that a training step keeps for its backward pass, only one map
of each generator cell (what its last convolution reads) and one of the discriminator at full
resolution, beside latents and images. A real step takes several times as much.
"""

from collections.abc import Collection

from autogan.basics.errors import UserError
from autogan.basics.formatting import binary_size
from autogan.runs.plan import Part
from autogan.settings.sections import AdversarialSettings, NetworkSettings, Settings


def refuse_too_large_batches(
    settings: Settings, parts: Collection[Part], available: int, bytes_a_number: int
) -> None:
    """Raises `UserError` that names the batch whose step needs more than `available` bytes.

    parts: of the run. available: all memory of the device. bytes_a_number: in feature maps, 2 or 4.
    """
    trained: list[tuple[str, AdversarialSettings]] = []
    if "search" in parts:
        trained.append(("search", settings.search))
    if "derive" in parts or "train" in parts:
        trained.append(("train", settings.train))
    for name, section in trained:
        generator, discriminator = _values_an_image(section, settings.network, settings.cells)
        for setting, batch, values in (
            ("generator_batch", section.generator_batch, generator + discriminator),
            ("discriminator_batch", 2 * section.discriminator_batch, discriminator),
        ):
            needed = batch * values * bytes_a_number
            if needed > available:
                raise UserError(
                    f"{name}.{setting} is {getattr(section, setting)}: one training step would need at "
                    f"least {binary_size(needed)} of memory, and the device has "
                    f"{binary_size(available)}. Lower that setting, or the channels of {name}."
                )


def _values_an_image(
    section: AdversarialSettings, network: NetworkSettings, cells: int
) -> tuple[int, int]:
    """Numbers that the generator and the discriminator keep for one image, at the least."""
    widths = section.generator_channels
    channels = widths if isinstance(widths, tuple) else (widths,) * cells
    sides = [network.bottom_size << (cell + 1) for cell in range(cells)]
    maps = sum(width * side**2 for width, side in zip(channels, sides, strict=True))
    image = 3 * sides[-1] ** 2
    return network.latent_size + maps + image, section.discriminator_channels * sides[-1] ** 2
