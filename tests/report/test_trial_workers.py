"""Who worked when, what the time was spent on, which trial comes from which: counted from the attempts."""

from typing import Any

import pytest

from autogan.report.lineage import lineage
from autogan.report.trial_workers import costs_of, timeline
from autogan.runs.contents import Attempt, TrialRow, Trials

TEXT = "pre-batch-nearest/pre-none-nearest"


def attempt(worker: str, began: float, ended: float | None, outcome: Any) -> Attempt:
    return Attempt(worker=worker, began=began, ended=ended, outcome=outcome)


def row(
    number: int, values: list[float], attempts: list[Attempt], state: Any = "complete", **given: Any
) -> TrialRow:
    """values: at the rungs of 10 and 30 steps, which take 4 seconds and 8 more."""
    rungs = [(steps, [value]) for steps, value in zip((10, 30), values, strict=False)]
    return TrialRow(
        number=number,
        architecture=TEXT,
        seed=0,
        state=state,
        steps=rungs[-1][0] if rungs else 0,
        seconds=12.0,
        values=rungs[-1][1] if rungs else None,
        rungs=rungs,
        front=False,
        rung_seconds=[4.0, 12.0][: len(rungs)],
        attempts=attempts,
        **given,
    )


def trials(*rows: TrialRow, best: int | None = None) -> Trials:
    return Trials(
        storage="sqlite:///x",
        study="autogan",
        strategy="evolution",
        goals=["frechet_distance"],
        count=9,
        best=best,
        reference=None,
        hypervolume=None,
        trials=list(rows),
    )


ROWS = (
    row(0, [9.0, 8.0], [attempt("a/1", 100, 113, "complete")]),
    row(
        1,
        [7.0],
        [attempt("b/2", 101, 103, "died"), attempt("a/1", 120, 125, "stopped")],
        state="stopped",
        parent=0,
    ),
    row(2, [], [attempt("a/1", 126, 129, "diverged")], state="diverged", parent=1),
    row(3, [6.0, 2.0], [attempt("a/1", 130, 143, "complete")], parent=1),
    row(4, [6.5], [attempt("a/1", 143, None, "running")], state="running", parent=3),
)


def test_the_ledger_holds_all_time_by_rung_and_outcome() -> None:
    costs = costs_of(trials(*ROWS))
    assert costs is not None and costs.rungs == [10, 30]
    by = {line.outcome: line for line in costs.rows}
    assert by["trained to the last rung"].at_rungs == [8.0, 16.0]
    assert by["trained to the last rung"].beside == pytest.approx(2.0)
    assert by["stopped at a rung"].at_rungs == [4.0, 0.0]
    assert by["stopped at a rung"].beside == pytest.approx(3.0)  # 2 s were lost with a worker
    assert by["went wrong"].total == by["went wrong"].beside == pytest.approx(3.0)
    assert costs.rows[0].count == 2 and costs.total == pytest.approx(26 + 7 + 3 + 4)


def test_the_timeline_has_a_line_for_each_worker_and_marks_deaths() -> None:
    chart = timeline(trials(*ROWS))
    assert chart is not None and "a/1" in chart.svg and "b/2" in chart.svg
    assert "died with its trial (1)" in chart.caption
    worked = 13 + 2 + 5 + 3 + 13 + 0
    assert f"had one {worked / (43 + 2):.0%} of the time" in chart.caption
    one = timeline(trials(ROWS[0]))
    assert one is not None and "died" not in one.caption


def test_the_timeline_of_an_attempt_that_has_just_begun_tells_no_share_yet() -> None:
    chart = timeline(trials(row(0, [], [attempt("a/1", 100, None, "running")], state="running")))
    assert chart is not None and "of the time" not in chart.caption


def test_the_timeline_of_many_workers_says_how_many_it_leaves_out() -> None:
    rows = [row(n, [1.0], [attempt(f"m/{n}", n, n + 1, "stopped")]) for n in range(64)]
    chart = timeline(trials(*rows))
    assert chart is not None and "24 more workers are not shown" in chart.caption


def test_files_of_older_versions_have_neither() -> None:
    old = trials(row(0, [1.0], []))
    assert timeline(old) is None and lineage(old, "distance", False) is None
    old.trials[0].rung_seconds.clear()
    assert costs_of(old) is None


def test_families_lead_from_the_best_to_its_first_ancestor() -> None:
    chart = lineage(trials(*ROWS, best=3), "Fréchet distance", False)
    assert chart is not None
    assert "2 of 3 copies were better" in chart.caption  # the one that went wrong has no value
    assert "4 ← 2 ← 1" in chart.caption
    upwards = lineage(trials(*ROWS, best=3), "inception score", True)
    assert upwards is not None and "1 of 3 copies were better" in upwards.caption
