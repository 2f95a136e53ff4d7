"""How much memory training takes, from 32 to 256 pixels: measured, beside the estimate that refuses runs.

    OMP_NUM_THREADS=1 python benchmarks/peak_memory.py
    OMP_NUM_THREADS=1 python benchmarks/peak_memory.py --scoring

Every size in a process of its own: two discriminator steps and two generator steps of an architecture from
scratch (the lightest one there is, and a random one), then the peak of the process (Linux) less its peak
before the networks were made. --scoring: instead, what it takes to make the images of one scoring, by presets
and precisions, of the lightest architecture. Prints Markdown.
"""

import argparse
import random
import subprocess
import sys

import torch

from autogan.basics.formatting import binary_size
from autogan.bench.cases import Widths, adversarial_steps
from autogan.device.compute import Compute
from autogan.device.processor import processor_name
from autogan.gan.generation import SCORING_BATCH, generate, images_at_once
from autogan.gan.step import Gan
from autogan.runs.memory_needed import scoring_bytes, step_bytes
from autogan.settings.loading import load_settings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import each_width

STEPS = {  # side in pixels: channels of both networks, images in a batch
    32: [(48, 24, 32)],
    64: [(48, 24, 32), (128, 64, 64)],
    128: [(48, 24, 32), (64, 64, 32)],
    256: [(32, 16, 8)],
}

SCORINGS = [  # presets and precisions
    ("own-64", "bfloat16"),
    ("own-64", "float32"),
    ("own-128", "bfloat16"),
    ("own-128", "float32"),
    ("own-256", "bfloat16"),
]


def peak_bytes() -> int:
    """Of this process since it began; unlike getrusage's, without the parent's."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


def measured(name: str, side: int, generator: int, discriminator: int, batch: int) -> int:
    """Bytes that the steps added, of the "lightest" architecture or of a "random" one."""
    cells = (side // 4).bit_length() - 1
    compute = Compute.resolve("cpu", "float32")
    before = peak_bytes()
    widths = Widths(generator, discriminator, batch, batch, 1)
    architecture = search_space("autogan", cells).sample(random.Random(0))
    if name == "lightest":
        architecture = lightest_architecture(cells)
    steps = adversarial_steps(Gan, cells, cells - 1, widths, compute, architecture)
    steps()
    steps()
    return peak_bytes() - before


def lightest_architecture(cells: int) -> Architecture:
    """No norms, no shortcuts, no skips."""
    return Architecture.parse("/".join(["pre-none-nearest"] * cells))


def measured_scoring(preset: str, precision: str) -> int:
    """Bytes that making the images of one scoring added, of the lightest architecture."""
    settings = load_settings(preset)
    compute = Compute.resolve("cpu", precision)
    space = SearchSpace.only(lightest_architecture(settings.cells))
    generator = space.generator(
        latent_size=settings.network.latent_size,
        channels=settings.train.generator_channels,
        bottom_size=settings.network.bottom_size,
    )
    generator = compute.place(generator)
    latents = torch.randn(SCORING_BATCH, settings.network.latent_size)
    before = peak_bytes()
    generate(generator, latents, compute, batch_statistics=True)
    return peak_bytes() - before


def all_scorings() -> None:
    """Each in a process of its own."""
    print(f"{processor_name()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}\n")
    print("| preset | precision | peak, lightest | estimate |")
    print("| --- | --- | --- | --- |")
    for preset, precision in SCORINGS:
        settings = load_settings(preset)
        channels = each_width(settings.train.generator_channels, settings.cells)[-1]
        bytes_a_number = 2 if precision == "bfloat16" else 4
        command = [sys.executable, __file__, preset, precision]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        side = settings.data.image_size
        least = scoring_bytes(channels, side, images_at_once(side), bytes_a_number)
        peak = binary_size(int(done.stdout))
        print(f"| {preset} | {precision} | {peak} | {binary_size(least)} |", flush=True)


def estimated(side: int, generator: int, discriminator: int, batch: int) -> int:
    """Bytes below which a run is refused."""
    cells = (side // 4).bit_length() - 1
    settings = load_settings(
        overrides=[
            f"data.image_size={side}",
            f"search.stage_weights=[{', '.join(['1'] * cells)}]",
            f"train.generator_channels={generator}",
            f"train.discriminator_channels={discriminator}",
            f"train.generator_batch={batch}",
            f"train.discriminator_batch={batch}",
        ]
    )
    return max(step_bytes(settings.train, settings.network, cells, bytes_a_number=4).values())


def all_sizes() -> None:
    """Each in a process of its own."""
    print(f"{processor_name()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}\n")
    print("| side, pixels | channels | batch | peak, lightest | peak, random | estimate |")
    print("| --- | --- | --- | --- | --- | --- |")
    for side, sizes in STEPS.items():
        for generator, discriminator, batch in sizes:
            numbers = [str(n) for n in (side, generator, discriminator, batch)]
            peaks = []
            for name in ("lightest", "random"):
                command = [sys.executable, __file__, name, *numbers]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                peaks.append(binary_size(int(done.stdout)))
            estimate = estimated(side, generator, discriminator, batch)
            print(
                f"| {side} | {generator} and {discriminator} | {batch} | "
                f"{' | '.join(peaks)} | {binary_size(estimate)} |",
                flush=True,
            )


def main() -> None:
    """Measures all sizes, or one of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    one = (
        "one measurement: lightest or random, side, both numbers of channels, images in a batch; "
        "or preset and precision of a scoring"
    )
    parser.add_argument("one", nargs="*", help=one)
    parser.add_argument("--scoring", action="store_true", help="measure scoring, not steps")
    arguments = parser.parse_args()
    given = arguments.one
    if arguments.scoring:
        all_scorings()
    elif len(given) == 2:
        print(measured_scoring(*given))
    elif given:
        print(measured(given[0], *(int(number) for number in given[1:])))
    else:
        all_sizes()


if __name__ == "__main__":
    main()
