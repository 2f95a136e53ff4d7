"""How fast this machine was in earlier runs, kept in a file, so that a new run knows its time at once."""

import json
import math
import os
import platform
import re
import warnings
from pathlib import Path

from autogan.basics.errors import UserError
from autogan.files.texts import read_text
from autogan.progress.eta import Measured, Speed

SHORTEST_KEPT_SECONDS = 10.0
"""A kind of work that was watched for less leaves what an earlier run kept of it."""
_MOST_MACHINES = 50
_MOST_SIZES = 200
_PROCESSOR = re.compile(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", re.MULTILINE)


def machine_name(device: str, precision: str) -> str:
    """What speeds are remembered by: processor, threads, and the device and precision asked for."""
    information = Path("/proc/cpuinfo")
    found = _PROCESSOR.search(information.read_text()) if information.exists() else None
    processor = found[1] if found else platform.processor() or platform.machine()
    threads = os.environ.get("OMP_NUM_THREADS") or os.cpu_count()
    return f"{processor}, {threads} threads, {device}, {precision}"


class RememberedSpeeds:
    """The speeds of one machine in a file that many machines may share (a home on a network)."""

    def __init__(self, file: Path, machine: str) -> None:
        self._file, self._machine = file, machine

    def recall(self) -> dict[str, Measured]:
        """By kind; empty for a machine not met yet, and, with a warning, where the file is damaged."""
        return self._read().get(self._machine, {})

    def keep(self, speeds: dict[str, Speed]) -> None:
        """Takes in what a run has measured. Where the file cannot be written, a warning says so."""
        long_enough = {
            kind: speed.measured
            for kind, speed in speeds.items()
            if speed.measured_seconds >= SHORTEST_KEPT_SECONDS
        }
        if not long_enough:
            return
        machines = self._read()
        mine = {**machines.pop(self._machine, {}), **long_enough}
        newest = [*list(machines.items())[-_MOST_MACHINES + 1 :], (self._machine, mine)]
        kept = {
            machine: {
                kind: [[size, *pair] for size, pair in list(measured.items())[-_MOST_SIZES:]]
                for kind, measured in kinds.items()
            }
            for machine, kinds in newest
        }
        # Needs torch, which a run that ends has loaded.
        from autogan.files.storage import make_folder_of, write_json

        try:
            make_folder_of(self._file)
            write_json(self._file, kept)
        except OSError as error:
            warnings.warn(f"{self._file} cannot be written ({error.strerror}).", stacklevel=2)

    def _read(self) -> dict[str, dict[str, Measured]]:
        if not self._file.exists():
            return {}
        try:
            return {
                str(machine): {
                    kind: {
                        float(size): (float(calls), float(seconds)) for size, calls, seconds in rows
                    }
                    for kind, rows in kinds.items()
                    if rows and all(0 < number < math.inf for row in rows for number in row)
                }
                for machine, kinds in json.loads(read_text(self._file)).items()
            }
        except (UserError, ValueError, TypeError, AttributeError, RecursionError) as error:
            warnings.warn(
                f"{self._file} is damaged ({error}): the time left is measured anew.", stacklevel=3
            )
            return {}
