"""How fast this machine was in earlier runs, so that a new run knows its time at once."""

import os
from pathlib import Path

from autogan.device.processor import processor_name
from autogan.files.remembered import Remembered
from autogan.progress.eta import Measured, Speed

SHORTEST_KEPT_SECONDS = 10.0
"""A kind of work that was watched for less leaves what an earlier run kept of it."""
_Rows = dict[str, list[tuple[float, float, float]]]
"""By kind: work of a call, how many calls, and their seconds."""


def machine_name(*conditions: str) -> str:
    """What is remembered of a machine by: processor, threads, and whatever else decides its speed."""
    threads = os.environ.get("OMP_NUM_THREADS") or os.cpu_count()
    return ", ".join((processor_name(), f"{threads} threads", *conditions))


class RememberedSpeeds:
    """The speeds of one machine, in a file that many machines may share (a home on a network)."""

    def __init__(self, file: Path, machine: str) -> None:
        self._remembered, self._machine = Remembered(file), machine

    def recall(self) -> dict[str, Measured]:
        """By kind; empty for a machine not met yet."""
        kinds = self._remembered.recall(self._machine, _Rows) or {}
        measured = {
            kind: {
                size: (calls, seconds)
                for size, calls, seconds in rows
                if _possible(size, calls, seconds)
            }
            for kind, rows in kinds.items()
        }
        return {kind: rows for kind, rows in measured.items() if rows}

    def keep(self, speeds: dict[str, Speed]) -> None:
        """Takes in what a run has measured."""
        long_enough = {
            kind: speed.measured
            for kind, speed in speeds.items()
            if speed.measured_seconds >= SHORTEST_KEPT_SECONDS
        }
        if long_enough:
            rows = {
                kind: [(size, *pair) for size, pair in measured.items()]
                for kind, measured in {**self.recall(), **long_enough}.items()
            }
            self._remembered.keep(self._machine, rows)


def _possible(size: float, calls: float, seconds: float) -> bool:
    """Whether a machine can have taken that long for so many calls of that size."""
    return all(0 < number < float("inf") for number in (size, calls, seconds))
