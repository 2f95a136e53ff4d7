"""A search by trials on the page: states, the front, what mattered; whole, and honest about chance."""

import json
from pathlib import Path
from typing import Any

import pytest

from autogan.report.page import report_page
from autogan.report.trials import trials_of
from autogan.runs.contents import TrialRow, Trials
from autogan.runs.file_names import TRIALS
from autogan.runs.folder import Run
from autogan.runs.outcomes import to_plain
from autogan.runs.record import read_record
from autogan.runs.task import Task
from autogan.settings.loading import load_settings

FIRST, SECOND = "pre-batch-nearest/pre-none-nearest", "pre-none-nearest/pre-none-nearest"


def row(number: int, values: list[float] | None, **given: Any) -> TrialRow:
    plain = {
        "number": number,
        "architecture": FIRST if number % 2 else SECOND,
        "seed": 0,
        "state": "complete" if values else "diverged",
        "steps": 20 if values else 0,
        "seconds": 3.0,
        "values": values,
        "rungs": [(10, [value + 1 for value in values]), (20, values)] if values else [],
        "front": False,
        "finished": 100.0 + number,
        "reason": "" if values else "The weights are no finite numbers.",
    }
    return TrialRow(**{**plain, **given})


def folder_with(path: Path, rows: list[TrialRow], goals: list[str]) -> Path:
    task = Task("search", method="trials")
    overrides = ["data.image_size=16", "search.stage_weights=[1,1]", "search.iterations=2"]
    run = Run.create(path / "run", load_settings("demo", overrides=overrides), task)
    several = len(goals) > 1
    trials = Trials(
        storage="postgresql+psycopg://me:***@server/<b>",
        study="autogan",
        strategy="tpe",
        goals=goals,
        count=20,
        best=next((r.number for r in rows if r.front), None),
        reference=[9.0, 8.0] if several else None,
        hypervolume=2.5 if several else None,
        trials=rows,
    )
    run.write(TRIALS, to_plain(trials))
    run.close()
    return path / "run"


def test_the_page_shows_all_trials_the_front_and_the_volume(tmp_path: Path) -> None:
    rows = [row(n, [5.0 - 0.1 * n, 2.0 + n]) for n in range(12)]
    rows[11] = row(11, [3.9, 1.0], front=True)
    rows.append(row(12, None))
    record = read_record(folder_with(tmp_path, rows, ["frechet_distance", "parameters"]))
    view = trials_of(record)
    assert view is not None and view.shown[0].number == 11 and view.shown[-1].number == 12
    titles = [chart.title for chart in view.charts]
    assert titles == ["Best so far", "The front", "What each decision mattered"]
    page = report_page(record)
    assert "13 of 20 trials were begun: 12 trained to the last rung, 1 went wrong" in page
    assert "volume of 2.5" in page and "<b>12</b>" in page
    assert "--method trials" in page and "autogan evaluate" in page


def test_what_a_decision_mattered_is_its_share_of_the_variance(tmp_path: Path) -> None:
    """Only the first normalisation differs, and explains all."""
    rows = [row(n, [4.0 if n % 2 else 6.0]) for n in range(12)]
    record = read_record(folder_with(tmp_path, rows, ["frechet_distance"]))
    view = trials_of(record)
    assert view is not None
    (chart,) = (chart for chart in view.charts if "mattered" in chart.title)
    assert "over 12 trials" in chart.caption and "0.09" in chart.caption


@pytest.mark.parametrize("count", [0, 1, 9])
def test_few_trials_say_nothing_of_decisions(count: int, tmp_path: Path) -> None:
    rows = [row(n, [4.0 + n]) for n in range(count)]
    record = read_record(folder_with(tmp_path, rows, ["frechet_distance"]))
    view = trials_of(record)
    assert (view is None) == (count == 0)
    assert view is None or all("mattered" not in chart.title for chart in view.charts)
    page = report_page(record)
    assert ("No trial has begun yet." in page) == (count == 0)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, [], ["frechet_distance"])
    (folder / TRIALS).write_text(json.dumps({"trials": "none"}))
    record = read_record(folder)
    assert record.trials is None and TRIALS in record.damages
    assert "trials.json" in report_page(record)


def test_a_best_trial_that_is_not_there_is_said(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, [row(3, [1.0], front=True)], ["frechet_distance"])
    content = json.loads((folder / TRIALS).read_text())
    (folder / TRIALS).write_text(json.dumps({**content, "best": 7}))
    page = report_page(read_record(folder))
    assert "trials.json says that trial 7 is the best, and does not hold it." in page
