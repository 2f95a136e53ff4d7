"""How long a training step takes, from three things that can be counted without running it.

    OMP_NUM_THREADS=1 python benchmarks/cost_model.py

seconds = a · floating-point operations + b · kernels + c · bytes that they read and write, with a, b and c
of 0 or more, fitted to measured steps of many widths, batches and sizes. A third of them, chosen by a fixed
stream, is held out to check it. Prints Markdown: the fit, its errors, and what it says of larger steps, with
measurements of those that do not take too long.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from autogan.bench.cases import BOTTOM_SIZE, Widths, adversarial_steps
from autogan.device.compute import Compute
from autogan.device.processor import processor_name
from autogan.gan.step import Gan
from autogan.spaces import search_space

SECONDS = 3.0
"""Of measuring, for each kind of step."""
LEAST_CALLS = 5
GRID = [
    (stage, channels, batch)
    for stage in range(3)
    for channels in (16, 32, 64, 96)
    for batch in (8, 16, 32, 64)
    if channels * batch <= 3072 or stage < 2
]
"""Stage (8, 16 and 32 pixels), channels of both networks, images in a batch."""
LARGER = {
    "64 pixels, 48 and 24 channels, batch 32": (3, Widths(48, 24, 32, 32, 1)),
    "128 pixels, 48 and 24 channels, batch 32": (4, Widths(48, 24, 32, 32, 1)),
    "256 pixels, 48 and 24 channels, batch 32": (5, Widths(48, 24, 32, 32, 1)),
}
MEASURED_TOO = 4.0
"""Seconds of a step by the model up to which larger ones are measured as well."""


@dataclass(frozen=True)
class Counts:
    """What one discriminator step and one generator step are made of."""

    operations: float
    kernels: float
    bytes: float

    def row(self) -> list[float]:
        """In the order of the fit's coefficients."""
        return [self.operations, self.kernels, self.bytes]


class Traffic(TorchDispatchMode):
    """Counts the kernels of what runs under it, and the bytes that they read and write."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels = 0
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        moved = sum(_bytes(t) for t in tree_leaves((args, kwargs, result)))
        if not func.is_view and moved:
            self.kernels += 1
            self.bytes += moved
        return result


def _bytes(value: object) -> int:
    return value.numel() * value.element_size() if isinstance(value, torch.Tensor) else 0


def counted(steps: Callable[[], object]) -> Counts:
    """What a call is made of."""
    steps()  # moments and what else is made once
    with FlopCounterMode(display=False) as operations:
        steps()
    with Traffic() as traffic:
        steps()
    return Counts(operations.get_total_flops(), traffic.kernels, traffic.bytes)


def fitted(rows: Iterable[list[float]], seconds: list[float]) -> np.ndarray:
    """Coefficients of 0 or more with the least squares of relative errors.

    With three of them, that is the best of the seven choices of which are above 0.
    """
    system = np.array(list(rows)) / np.array(seconds)[:, None]
    scale = system.max(axis=0)
    best, least = np.zeros(3), float("inf")
    for chosen in ([0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]):
        part = (system / scale)[:, chosen]
        solution, *_ = np.linalg.lstsq(part, np.ones(len(seconds)), rcond=None)
        error = float(((part @ solution - 1) ** 2).sum())
        if solution.min() >= 0 and error < least:
            least, best = error, np.zeros(3)
            best[chosen] = solution
    return best / scale


def steps_of(stage: int, widths: Widths, compute: Compute) -> Callable[[], object]:
    """Discriminator steps and a generator step of one architecture, always the same one."""
    architecture = search_space("autogan", stage + 1).sample(random.Random(stage))
    return adversarial_steps(Gan, stage + 1, stage, widths, compute, architecture)


def main() -> None:
    """Measures, fits, checks, and prints."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    compute = Compute.resolve("cpu", "float32")
    measured: list[tuple[tuple[int, int, int], Counts, float]] = []
    for stage, channels, batch in GRID:
        steps = steps_of(stage, Widths(channels, channels, batch, batch, 1), compute)
        counts = counted(steps)
        seconds = _seconds(steps)
        measured.append(((stage, channels, batch), counts, seconds))
    random.Random(0).shuffle(measured)
    held_out, used = measured[: len(measured) // 3], measured[len(measured) // 3 :]
    fit = fitted([c.row() for _, c, _ in used], [seconds for _, _, seconds in used])
    print(f"{processor_name()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}\n")
    print(
        f"seconds = {fit[0] * 1e12:.2f} · teraflop + {fit[1] * 1e6:.1f} µs · kernels"
        f" + {fit[2] * 1e9:.3f} · gigabytes, fitted to {len(used)} kinds of steps\n"
    )
    print("| held-out step | measured, ms | by the model, ms | error |\n| --- | --- | --- | --- |")
    errors = []
    for (stage, channels, batch), counts, seconds in sorted(held_out, key=lambda m: m[0]):
        said = float(np.dot(fit, counts.row()))
        errors.append(abs(said / seconds - 1))
        size = BOTTOM_SIZE << (stage + 1)
        print(
            f"| {size} pixels, {channels} channels, batch {batch} | {1000 * seconds:.1f} | "
            f"{1000 * said:.1f} | {said / seconds - 1:+.0%} |"
        )
    print(f"\nMedian error {np.median(errors):.0%}, largest {max(errors):.0%}.\n")
    print("| larger steps | operations | kernels | bytes | by the model | measured |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (stage, widths) in LARGER.items():
        steps = steps_of(stage, widths, compute)
        counts = counted(steps)
        said = float(np.dot(fit, counts.row()))
        check = f"{_seconds(steps):.2f} s" if said <= MEASURED_TOO else "–"
        print(
            f"| {name} | {counts.operations / 1e9:,.0f} G | {counts.kernels:.0f} | "
            f"{counts.bytes / 2**30:.1f} GiB | {said:.2f} s | {check} |",
            flush=True,
        )


def _seconds(steps: Callable[[], object]) -> float:
    """Processor seconds of a call on one thread, which other work on the machine changes little."""
    steps()
    taken: list[float] = []
    while len(taken) < LEAST_CALLS or sum(taken) < SECONDS:
        began = time.process_time()
        steps()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
