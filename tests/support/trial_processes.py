"""Searches by trials as processes, to be killed and looked at."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LONG = {"count": 4, "steps": 16, "rungs": 2, "reduction": 2}
"""Trainings of seconds, so that there is time to kill their workers."""
Process = subprocess.Popen[bytes]


def until(true: Callable[[], Any], seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} seconds")


def children_of(process: Process) -> list[int]:
    file = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(number) for number in file.read_text().split()] if file.exists() else []


def at_work(tmp_path: Path) -> list[Path]:
    """Folders of trials whose training has begun."""
    return sorted((tmp_path / "run" / "trials").glob("*/checkpoints/*"))


def refuse_lost_or_doubled(tmp_path: Path) -> None:
    found = json.loads((tmp_path / "run" / "trials.json").read_text())
    assert [trial["number"] for trial in found["trials"]] == list(range(LONG["count"]))  # type: ignore[call-overload]
    assert {trial["state"] for trial in found["trials"]} <= {"complete", "stopped"}
    assert (tmp_path / "run" / "generator.safetensors").exists()
