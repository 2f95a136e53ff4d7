"""How the cost of a step grows with width and resolution, and of scoring with images: time beside work."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from autogan.bench.cases import SEARCH, Case, Widths, adversarial_case, scoring_a_child
from autogan.device.compute import Compute
from autogan.device.timing import interleaved
from autogan.spaces import search_space

BATCH = 16
"""Real images of a step here: small, so that the largest step still fits a laptop."""


@dataclass(frozen=True)
class Point:
    """One measured size: its axis and value, milliseconds of a call, and the work in it."""

    axis: str
    value: int
    median_ms: float
    floating_point_operations: float


def growth(compute: Compute, seconds: float) -> list[Point]:
    """The fast way of each case over each axis, about `seconds` for each point."""
    points = []
    for axis, value, case in _cases(compute):
        ways = {"fast": case.ways["fast"]}
        timing = interleaved(ways, compute.device, seconds, warm_up=case.warm_up)
        points.append(Point(axis, value, timing["fast"].median_ms, case.floating_point_operations))
    return points


def _cases(compute: Compute) -> Iterator[tuple[str, int, Case]]:
    small = replace(SEARCH, generator_batch=BATCH, discriminator_batch=BATCH, discriminator_steps=1)
    for width in (32, 64, 128, 256):
        widths = replace(small, generator_channels=width, discriminator_channels=width)
        yield "width", width, _step(widths, 3, compute)
    for size, cells in ((32, 3), (64, 4), (128, 5)):
        widths = replace(small, generator_channels=32, discriminator_channels=32)
        yield "resolution", size, _step(widths, cells, compute)
    for images in (250, 500, 1000):
        yield "images", images, scoring_a_child(images, compute)


def _step(widths: Widths, cells: int, compute: Compute) -> Case:
    """A from-scratch step of the space's plainest architecture with that many cells."""
    architecture = search_space("autogan", cells).first()
    return adversarial_case("step", cells, cells - 1, widths, compute, architecture)
