"""Refuses, before a run begins, what could not fit in the machine's memory, and warns where it may not.

The estimate is a lower bound: the program itself, and the largest of these.

- A step of either network. It counts one map of each generator cell (what its last convolution reads)
  and one of the discriminator at full resolution, beside latents and images, MAPS_OF_A_STEP times: steps
  of the lightest architecture were measured at 5.6 times and more, of others at 12
  (`benchmarks/peak_memory.py`). A gradient penalty keeps the graph of a backward pass beside the others.
- The scoring of a batch of generated images, which is larger than one of training.

Left out: weights and what Adam keeps of them, the judge, attention and shortcuts.
"""

from collections.abc import Collection
from dataclasses import dataclass

from autogan.basics.errors import UserError
from autogan.basics.formatting import binary_size
from autogan.device.memory import Memory
from autogan.gan.generation import images_at_once
from autogan.runs.plan import Part, trained_sections
from autogan.settings.game import AdversarialSettings
from autogan.settings.sections import NetworkSettings, Settings
from autogan.spaces.widths import each_width

MAPS_OF_A_STEP = 5
"""Times all maps that are counted: fewer than any measured step holds at once."""
PENALISED = 1.5
"""Times the discriminator's step where it has gradient penalties: a process took 8.5 times and more the maps
that are counted with one of them, 10.8 with two."""
MAPS_OF_A_SCORING = 2.75
"""Times the last cell's map: architectures of both spaces hold 2.9 and more at once, and processes on a CPU
took 5.4 and more."""
PROGRAM_BYTES = 128 * 2**20
"""Of PyTorch and the program, without pages of files. Measured: 383 MiB with a PyTorch for NVIDIA's GPUs;
a third of that is counted, since other builds may take less."""
WHOLE_RUNS = 5
"""Times the estimate that a run may need: runs of own-256 with all parts cut short took 3.4 times without
pages of files, 5.2 and 5.7 times with them (docs/own-images.md)."""


@dataclass(frozen=True)
class Need:
    """What some work needs at the least, beside the program itself.

    work: as a sentence begins. advice: what makes it less.
    """

    size: int
    work: str
    advice: str

    def within(self, memory: Memory) -> int:
        """With the program itself, where that lies in this memory."""
        return self.size + (PROGRAM_BYTES if memory.holds_program else 0)


def memory_needed(settings: Settings, parts: Collection[Part], bytes_a_number: int) -> list[Need]:
    """By all that trains in a run or is scored there.

    parts: of the run. bytes_a_number: in feature maps, 2 or 4.
    """
    needs = []
    scored = {"search": settings.search.reward_images, "train": settings.train.validation_images}
    for name, section in trained_sections(settings, parts).items():
        steps = step_bytes(section, settings.network, settings.cells, bytes_a_number)
        for setting, size in steps.items():
            work = f"{name}.{setting} is {getattr(section, setting)}: one training step"
            needs.append(Need(size, work, f"Lower that setting, or the channels of {name}."))
        width = each_width(section.generator_channels, settings.cells)[-1]
        side = settings.data.image_size
        count = min(images_at_once(side), scored[name])
        work = f"{name}.generator_channels is {width} at {side}×{side} pixels: scoring {count} images at once"
        size = scoring_bytes(width, side, count, bytes_a_number)
        needs.append(Need(size, work, "Lower that setting, or data.image_size."))
    return needs


def refuse_too_little_memory(needs: Collection[Need], memory: Memory) -> None:
    """Raises `UserError` that names the first work that does not fit."""
    for need in needs:
        if need.within(memory) > memory.size:
            raise UserError(
                f"{need.work} would need at least {binary_size(need.within(memory))} of memory, and "
                f"{memory}. {need.advice}"
            )


def warning_of_little_memory(needs: Collection[Need], memory: Memory) -> str:
    """Where a whole run may not fit though no work of it surely does not; else empty.

    For main memory alone: on GPUs no factor was measured.
    """
    most = max((WHOLE_RUNS * need.within(memory) for need in needs), default=0)
    if not memory.holds_program or most <= memory.size:
        return ""
    return (
        f"This run may need up to about {binary_size(most)} of memory, and {memory}. If the system ends it, "
        "take fewer channels or a smaller data.image_size."
    )


def scoring_bytes(channels: int, side: int, count: int, bytes_a_number: int) -> int:
    """What it takes at the least to make `count` images of side×side at once with so many channels there."""
    return int(MAPS_OF_A_SCORING * bytes_a_number * count * channels * side**2)


def step_bytes(
    section: AdversarialSettings, network: NetworkSettings, cells: int, bytes_a_number: int
) -> dict[str, int]:
    """By the setting of its batch: what the step of either network takes at the least."""
    generator, discriminator = _values_an_image(section, network, cells)
    times = PENALISED if section.objective.penalties else 1
    values = {
        "generator_batch": section.generator_batch * (generator + discriminator),
        "discriminator_batch": times * 2 * section.discriminator_batch * discriminator,
    }
    return {
        setting: int(MAPS_OF_A_STEP * bytes_a_number * count) for setting, count in values.items()
    }


def _values_an_image(
    section: AdversarialSettings, network: NetworkSettings, cells: int
) -> tuple[int, int]:
    """Numbers that the generator and the discriminator keep for one image, at the least."""
    channels = each_width(section.generator_channels, cells)
    sides = [network.bottom_size << (cell + 1) for cell in range(cells)]
    maps = sum(width * side**2 for width, side in zip(channels, sides, strict=True))
    image = 3 * sides[-1] ** 2
    return network.latent_size + maps + image, section.discriminator_channels * sides[-1] ** 2
