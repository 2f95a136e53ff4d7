"""Times of several ways to do one thing, measured side by side."""

import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one call: the median and the quartiles of all rounds."""

    median_ms: float
    lower_quartile_ms: float
    upper_quartile_ms: float
    rounds: int

    def part(self, parts: int) -> "Timing":
        """Of one of so many equal parts of a call."""
        return Timing(
            self.median_ms / parts,
            self.lower_quartile_ms / parts,
            self.upper_quartile_ms / parts,
            self.rounds,
        )


def synchronise(device: torch.device) -> None:
    """Waits for a GPU to finish what was asked of it; nothing to do on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def interleaved(
    ways: Mapping[str, Callable[[], object]],
    device: torch.device,
    seconds: float,
    least: int = 3,
    warm_up: int = 1,
    around: Mapping[str, Callable[[], AbstractContextManager[None]]] | None = None,
) -> dict[str, Timing]:
    """Calls every way once a round until `seconds` have passed; `warm_up` rounds do not count.

    Rounds alternate between the ways, so that whatever else the machine does slows all of them.
    least: rounds that are measured however long they take. around: contexts for ways that want another
    behaviour of the whole process; a call of the others is then preceded by one that does not count.
    """
    taken: dict[str, list[float]] = {name: [] for name in ways}
    began = time.perf_counter()
    number = 0
    while number < warm_up + least or time.perf_counter() - began < seconds:
        for name, call in ways.items():
            if around and name in around:
                with around[name]():
                    elapsed = _milliseconds(call, device)
            else:
                if around and number:
                    call()
                elapsed = _milliseconds(call, device)
            if number >= warm_up:
                taken[name].append(elapsed)
        number += 1
    return {name: _timing(values) for name, values in taken.items()}


def _milliseconds(call: Callable[[], object], device: torch.device) -> float:
    synchronise(device)
    start = time.perf_counter()
    call()
    synchronise(device)
    return 1000 * (time.perf_counter() - start)


def _timing(values: list[float]) -> Timing:
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return Timing(median, lower, upper, len(values))
