"""Who worked at a search by trials, when, and what the time was spent on."""

from collections.abc import Iterator
from dataclasses import dataclass

from autogan.report import charts
from autogan.report.history import Chart
from autogan.runs.contents import Attempt, TrialRow, Trials

MOST_WORKERS = 40
OUTCOMES = {
    "complete": "trained to the last rung",
    "stopped": "stopped at a rung",
    "diverged": "went wrong",
    "failed": "given up",
    "given back": "given back",
    "died": "its worker died",
    "running": "at work",
}


@dataclass(frozen=True)
class CostRow:
    """What trials of one outcome cost, in seconds.

    at_rungs: of training, rung by rung. beside: the rest of their workers' time: loading, telling, and
    trainings that were lost or came to no rung.
    """

    outcome: str
    count: int
    at_rungs: list[float]
    beside: float

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self.at_rungs) + self.beside


@dataclass(frozen=True)
class Costs:
    """The ledger: one row for each outcome, the dearest first. rungs: in generator steps."""

    rungs: list[int]
    rows: list[CostRow]

    @property
    def total(self) -> float:
        """Of all rows."""
        return sum(row.total for row in self.rows)


def costs_of(trials: Trials) -> Costs | None:
    """None where nothing was timed yet, or an older version wrote the file."""
    rungs = sorted({steps for trial in trials.trials for steps, _ in trial.rungs})
    by_outcome: dict[str, list[TrialRow]] = {}
    for trial in trials.trials:
        by_outcome.setdefault(trial.state, []).append(trial)
    rows = []
    for outcome, of_it in by_outcome.items():
        at_rungs = [sum(_seconds_at(trial, steps) for trial in of_it) for steps in rungs]
        spent = sum(
            (attempt.ended - attempt.began)
            for trial in of_it
            for attempt in trial.attempts
            if attempt.ended is not None
        )
        beside = max(0.0, spent - sum(at_rungs))
        rows.append(CostRow(OUTCOMES[outcome], len(of_it), at_rungs, beside))
    rows = sorted(rows, key=lambda row: -row.total)
    costs = Costs(rungs, rows)
    return costs if costs.total else None


def _seconds_at(trial: TrialRow, steps: int) -> float:
    """Of the training from the rung before to this one; 0 where it did not come so far."""
    before = 0.0
    for (reached, _), seconds in zip(trial.rungs, trial.rung_seconds, strict=False):
        if reached == steps:
            return seconds - before
        before = seconds
    return 0.0


def timeline(trials: Trials) -> Chart | None:
    """When each worker was at which trial."""
    attempts = sorted(_attempts(trials), key=lambda attempt: attempt.began)
    if not attempts:
        return None
    begin = attempts[0].began
    latest = max(attempt.ended or attempt.began for attempt in attempts)
    names = list(dict.fromkeys(attempt.worker for attempt in attempts))
    shown = names[:MOST_WORKERS]
    rows: dict[str, list[charts.Span]] = {name: [] for name in shown}
    for attempt in attempts:
        if attempt.worker in rows:
            span = charts.Span(
                attempt.began - begin,
                (attempt.ended or latest) - begin,
                OUTCOMES[attempt.outcome],
                cut=attempt.outcome == "died",
            )
            rows[attempt.worker].append(span)
    order = [OUTCOMES[outcome] for outcome in OUTCOMES]
    svg = charts.timeline("trials-timeline", rows, order, "seconds since the first trial began")
    worked = sum(span.end - span.begin for spans in rows.values() for span in spans)
    there = sum(spans[-1].end - spans[0].begin for spans in rows.values())
    share = ""
    if there:  # none where the first attempt has just begun
        share = (
            f" From its first trial to its last a worker had one {worked / there:.0%} of the time."
        )
    left_out = f" {len(names) - len(shown)} more workers are not shown." if names != shown else ""
    died = sum(attempt.outcome == "died" for attempt in attempts)
    deaths = (
        f" ✕: a worker died with its trial ({died}); its bar ends when that was noticed."
        if died
        else ""
    )
    caption = (
        "Every bar is a trial, every line a worker (its machine and process); gaps are time without one."
        f"{share}{deaths}{left_out}"
    )
    return Chart("Who worked when", svg, caption, wide=True)


def _attempts(trials: Trials) -> Iterator[Attempt]:
    for trial in trials.trials:
        yield from trial.attempts
