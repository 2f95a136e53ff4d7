"""The faster precision: measured by the run's own steps, remembered, and kept by a run that goes on."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sources import split, write_folder
from tiny import Listening, tiny

from autogan.basics.errors import UserError
from autogan.device import compute as device
from autogan.device.compute import Compute, Precision
from autogan.device.processes import Processes
from autogan.method import precision as module
from autogan.method.context import _with_precision, prepare
from autogan.method.pipeline import prepare_run
from autogan.method.precision import decide_precision, measured_seconds
from autogan.runs.folder import Run
from autogan.runs.plan import Plan
from autogan.runs.task import Task
from autogan.runs.workload import Workload
from autogan.settings.sections import Settings

AUTO = {"compute": {"device": "cpu", "precision": "auto"}}
CPU = Compute.resolve("cpu", "float32")


@pytest.fixture
def in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that computes in both."""
    monkeypatch.setattr(module, "computes_in_bfloat16", lambda device: True)


def taking(
    monkeypatch: pytest.MonkeyPatch, float32: float, bfloat16: float
) -> list[dict[Precision, float]]:
    """All steps of a run take so long; a list that grows with every measurement."""
    measured: list[dict[Precision, float]] = []

    def measure(*arguments: object) -> dict[Precision, float]:
        measured.append({"float32": float32, "bfloat16": bfloat16})
        return measured[-1]

    monkeypatch.setattr(module, "measured_seconds", measure)
    return measured


def decided(settings: Settings, folder: Path, command: str = "run") -> tuple[Compute, list[str]]:
    task = Task("train", "autogan-a") if command == "train" else Task()
    workload, progress = Workload(settings, 80, 80), Listening()
    plan = Plan.of(settings, task, workload)
    return decide_precision(settings, plan.parts, workload, CPU, folder, progress), progress.notes


@pytest.mark.parametrize(
    ("float32", "bfloat16", "faster"), [(3.0, 2.0, "bfloat16"), (2.0, 3.0, "float32")]
)
def test_the_faster_one_is_taken_and_said(
    float32: float,
    bfloat16: float,
    faster: str,
    in_bfloat16: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    taking(monkeypatch, float32, bfloat16)
    compute, notes = decided(tiny(**AUTO), tmp_path)
    assert compute.precision == faster and compute.device == CPU.device
    assert notes == [f"Precision: {faster}, in which this run's steps are 1.5 times as fast."]


def test_a_measurement_is_remembered_by_the_shapes_it_is_of(
    in_bfloat16: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured = taking(monkeypatch, 2.0, 1.0)
    for _ in range(2):
        assert decided(tiny(**AUTO), tmp_path)[0].precision == "bfloat16"
    assert len(measured) == 1
    decided(tiny(**AUTO, train={"generator_channels": 16}), tmp_path)
    assert len(measured) == 2
    decided(tiny(**AUTO), tmp_path, "train")  # no search: other steps
    assert len(measured) == 3


def test_trials_are_measured_too(
    in_bfloat16: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured = taking(monkeypatch, 2.0, 1.0)
    settings, progress = tiny(**AUTO), Listening()
    workload = Workload(settings, 80, 80)
    plan = Plan.of(settings, Task("search", method="trials"), workload)
    compute = decide_precision(settings, plan.parts, workload, CPU, tmp_path, progress)
    assert compute.precision == "bfloat16" and len(measured) == 1


@pytest.mark.parametrize("damaged", [{}, {"float32": 1.0}, {"float32": 0.0, "bfloat16": 1.0}])
def test_a_measurement_that_cannot_be_is_made_anew(
    damaged: dict[str, float], in_bfloat16: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured = taking(monkeypatch, 2.0, 1.0)
    decided(tiny(**AUTO), tmp_path)
    file = tmp_path / "precision.json"
    file.write_text(json.dumps(dict.fromkeys(json.loads(file.read_text()), damaged)))
    assert decided(tiny(**AUTO), tmp_path)[0].precision == "bfloat16" and len(measured) == 2


@pytest.mark.parametrize("named", ["float32", "bfloat16"])
def test_nothing_is_measured_where_it_is_decided(
    named: str, in_bfloat16: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured = taking(monkeypatch, 2.0, 1.0)
    given = tiny(compute={"device": "cpu", "precision": named})
    assert decided(given, tmp_path) == (CPU, []) and not measured
    monkeypatch.setattr(module, "computes_in_bfloat16", lambda device: False)
    assert decided(tiny(**AUTO), tmp_path) == (CPU, []) and not measured


def test_measuring_takes_time_and_draws_no_random_numbers() -> None:
    settings = tiny(**AUTO)
    kinds = list(module._kinds(settings, ("search", "derive", "train"), Workload(settings, 80, 80)))
    assert [(kind.part, kind.rounds) for kind in kinds] == [
        ("search", 2 * 10 / 2),  # iterations × half an epoch of 80 in batches of 4, by D steps
        ("train", 3 * 2 + 6),  # candidates × their steps, and the winner's
    ]
    before = torch.get_rng_state()
    seconds = measured_seconds(settings, kinds, CPU)
    assert set(seconds) == {"float32", "bfloat16"} and min(seconds.values()) > 0
    assert torch.equal(torch.get_rng_state(), before)


def test_a_run_goes_on_in_the_precision_it_began_with(
    in_bfloat16: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = write_folder(split(40, 30), tmp_path / "pets")
    settings = tiny(data={"source": f"folder:{source}"}, **AUTO)
    measured = taking(monkeypatch, 2.0, 1.0)
    run = Run.create(tmp_path / "run", settings, Task())
    assert prepare_run(run, Listening()).compute.precision == "bfloat16"
    run.close()
    # Another machine:
    monkeypatch.setattr(module, "computes_in_bfloat16", lambda device: False)
    monkeypatch.setattr(device, "computes_in_bfloat16", lambda device: False)
    again = Run.resume(tmp_path / "run")
    assert prepare_run(again, Listening()).compute.precision == "bfloat16"
    again.close()
    assert len(measured) == 1
    data = tmp_path / "run" / "data.json"
    data.write_text(data.read_text().replace("bfloat16", "bfloat17"))
    forged = Run.resume(tmp_path / "run")
    with pytest.raises(UserError, match=r"data\.json is damaged.*bfloat17"):
        prepare_run(forged, Listening())
    forged.close()
    assert prepare(settings, Listening()).compute.precision == "float32"


@pytest.mark.usefixtures("in_bfloat16")
def test_of_several_processes_one_measures_its_part_and_waits_for_no_other(tmp_path: Path) -> None:
    """There is no group of processes here: a message to one would fail."""
    settings = tiny(compute={"device": "cpu", "precision": "auto"})
    workload, alone = Workload(settings, 80, 80), tmp_path / "precision.json"
    plan = Plan.of(settings, Task("train", "autogan-a"), workload)
    two = replace(CPU, processes=Processes(count=2))
    found = decide_precision(settings, plan.parts, workload, two, tmp_path, Listening())
    assert found.processes == two.processes
    decide_precision(settings, plan.parts, workload, CPU, tmp_path, Listening())
    assert len(json.loads(alone.read_text())) == 2, "a part of a batch is another measurement"


def test_the_others_measure_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = taking(monkeypatch, 3.0, 2.0)
    settings = tiny(compute={"device": "cpu", "precision": "auto"})
    workload = Workload(settings, 80, 80)
    plan = Plan.of(settings, Task("train", "autogan-a"), workload)
    second = replace(CPU, processes=Processes(rank=1, count=2))
    assert _with_precision(settings, plan, workload, second, None, None, Listening()) == second
    assert not measured
