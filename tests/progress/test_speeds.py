"""Speeds of earlier runs: kept by machine, and no obstacle where they cannot be."""

import json
from pathlib import Path

import pytest

from autogan.progress.base import Cost
from autogan.progress.eta import Speed
from autogan.progress.speeds import RememberedSpeeds, machine_name


def measured(kind: str, seconds: float) -> dict[str, Speed]:
    speed = Speed(kind)
    speed.add(Cost(kind, 10, 1e9), seconds)
    return {kind: speed}


def test_each_machine_remembers_its_own(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "speeds.json"
    here, there = RememberedSpeeds(file, "here"), RememberedSpeeds(file, "there")
    assert here.recall() == {}
    here.keep(measured("training", 20.0))
    here.keep(measured("scoring", 12.0))
    there.keep(measured("training", 40.0))
    assert here.recall() == {"training": {1e8: (10, 20.0)}, "scoring": {1e8: (10, 12.0)}}
    assert there.recall() == {"training": {1e8: (10, 40.0)}}


def test_a_glimpse_replaces_nothing(tmp_path: Path) -> None:
    speeds = RememberedSpeeds(tmp_path / "speeds.json", "here")
    speeds.keep(measured("training", 20.0))
    speeds.keep(measured("training", 3.0))
    assert speeds.recall() == {"training": {1e8: (10, 20.0)}}


@pytest.mark.parametrize("size", [0, -5, float("nan"), float("inf")])
def test_speeds_that_no_machine_has_are_not_taken(tmp_path: Path, size: float) -> None:
    file = tmp_path / "speeds.json"
    kinds = {
        "training": [[1e8, 10, -1.0]],
        "judge": [[1e8, 1e999, 1.0]],
        "sampling": [[size, 10, 1.0]],
        "scoring": [],
    }
    file.write_text(json.dumps({"here": kinds}))
    assert RememberedSpeeds(file, "here").recall() == {}


def test_a_machine_is_its_processor_threads_device_and_precision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    name = machine_name("cpu", "float32")
    assert name.endswith(", 3 threads, cpu, float32") and len(name) > len(
        ", 3 threads, cpu, float32"
    )
    assert machine_name("cpu", "bfloat16") != name
