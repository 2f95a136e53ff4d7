"""The figures of the log as TensorBoard curves: drawn from its lines, so that both say the same."""

from collections.abc import Iterator
from typing import Any

from autogan.settings.sections import Settings

_LOSSES = ("discriminator_loss", "generator_loss")
_SCORES = ("inception_score", "frechet_distance")
_BESIDE = ("event", "seconds", "iteration", "step", "part")


def points_of(line: dict[str, Any], settings: Settings) -> Iterator[tuple[str, float, int]]:
    """Name, value and step of every point that a line of the log stands for."""
    match line["event"]:
        case "losses":
            for name in _LOSSES:
                yield f"{line['part']}/{name}", line[name], line["step"]
        case "validation":
            for name in _SCORES:
                if line[name] is not None:
                    yield f"{line['part']}/{name}", line[name], line["generator_steps"]
        case "controller":
            update = line["iteration"] * settings.search.controller_steps + line["step"]
            for name, value in line.items():
                if name not in _BESIDE:
                    yield f"{line.get('part', 'search')}/{name}", value, update
