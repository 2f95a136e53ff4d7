"""Refuses, before a run begins, a batch that no step of could fit in the machine's memory. No torch.

The estimate is a lower bound. It counts one map of each generator cell (what its last convolution
reads) and one of the discriminator at full resolution, beside latents and images, and takes them
MAPS_OF_A_STEP times: steps of the lightest architecture were measured at 5.6 times and more, of others
at 12 (`benchmarks/peak_memory.py`).
"""

from collections.abc import Collection

from autogan.basics.errors import UserError
from autogan.basics.formatting import binary_size
from autogan.runs.plan import Part, trained_sections
from autogan.settings.game import AdversarialSettings
from autogan.settings.sections import NetworkSettings, Settings

MAPS_OF_A_STEP = 5
"""Times all maps that are counted: fewer than any measured step holds at once."""


def refuse_too_large_batches(
    settings: Settings, parts: Collection[Part], available: int, bytes_a_number: int
) -> None:
    """Raises `UserError` that names the batch whose step needs more than `available` bytes.

    parts: of the run. available: all memory of the device. bytes_a_number: in feature maps, 2 or 4.
    """
    for name, section in trained_sections(settings, parts).items():
        steps = step_bytes(section, settings.network, settings.cells, bytes_a_number)
        for setting, needed in steps.items():
            if needed > available:
                raise UserError(
                    f"{name}.{setting} is {getattr(section, setting)}: one training step would need at "
                    f"least {binary_size(needed)} of memory, and the device has "
                    f"{binary_size(available)}. Lower that setting, or the channels of {name}."
                )


def step_bytes(
    section: AdversarialSettings, network: NetworkSettings, cells: int, bytes_a_number: int
) -> dict[str, int]:
    """By the setting of its batch: what the step of either network takes at the least."""
    generator, discriminator = _values_an_image(section, network, cells)
    values = {
        "generator_batch": section.generator_batch * (generator + discriminator),
        "discriminator_batch": 2 * section.discriminator_batch * discriminator,
    }
    return {setting: MAPS_OF_A_STEP * bytes_a_number * count for setting, count in values.items()}


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
