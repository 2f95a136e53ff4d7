"""Times a training step of a derived network, as it is and through torch.compile.

    python benchmarks/compiled_step.py

Architecture A at 64 and 32 channels, batches of 32; a step is one of each network. Needs a C++ compiler.
"""

import argparse
import time
from collections.abc import Callable

import torch

from autogan.bench.cases import LATENT_SIZE
from autogan.device.compute import Compute
from autogan.device.timing import interleaved
from autogan.gan.step import Gan
from autogan.images.batches import Batch
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.space import SearchSpace

ARCHITECTURE = Architecture.parse("autogan-a")
BATCH = 32


def step(compiled: bool) -> Callable[[], object]:
    """A call that does one discriminator step and one generator step."""
    compute = Compute.resolve("auto", "float32")
    gan = Gan(
        AutoGanGenerator(
            SearchSpace.only(ARCHITECTURE), latent_size=LATENT_SIZE, channels=64, bottom_size=4
        ),
        AutoGanDiscriminator(3, 32),
        learning_rate=2e-4,
        betas=(0.0, 0.9),
        compute=compute,
        seed=0,
        purpose="bench",
        average_decay=0.999,
    )
    if compiled:
        gan.generator.compile()
        gan.discriminator.compile()
    shape = (BATCH, 3, 32, 32)
    real = Batch(torch.randint(0, 256, shape, dtype=torch.uint8, device=compute.device))

    def call() -> None:
        gan.discriminator_step(real, ARCHITECTURE)
        gan.generator_step(BATCH, ARCHITECTURE)

    return call


def main() -> None:
    """Seconds until the first compiled step is done, then milliseconds of a step both ways."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    ways = {"as it is": step(compiled=False), "compiled": step(compiled=True)}
    began = time.perf_counter()
    ways["compiled"]()
    print(f"compiled after {time.perf_counter() - began:.0f} s")
    timings = interleaved(ways, torch.device("cpu"), seconds=15)
    print(", ".join(f"{way} {timing.median_ms:.0f} ms" for way, timing in timings.items()))


if __name__ == "__main__":
    main()
