"""The loop that drives long work: what it keeps, when it stops, how it goes back."""

import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autogan.basics.errors import Diverged
from autogan.runs.checkpoints import Checkpoints
from autogan.runs.drive import Keeper, drive
from autogan.runs.events import WeightsReset
from autogan.runs.folder import Run
from autogan.runs.stopping import Stopped
from autogan.settings.loading import load_settings


class Counter:
    """Counts, and adds up numbers from a stream of its own.

    before: called with every number before it is counted; may raise, or set `total` to nan.
    """

    def __init__(
        self, end: int = 10, milestones: tuple[int, ...] = (), before: Callable[[int], None] = id
    ) -> None:
        self.end, self.milestones, self.before = end, milestones, before
        self.at, self.total = 0, 0.0
        self.attempts: list[int] = []
        self.stream = random.Random(5)

    @property
    def done(self) -> bool:
        return self.at >= self.end

    def step(self) -> bool:
        self.before(self.at)
        self.at += 1
        self.total += self.stream.random()
        return self.at in self.milestones

    def state_dict(self) -> dict[str, Any]:
        version, internal, gauss = self.stream.getstate()
        return {"at": self.at, "total": self.total, "stream": [version, list(internal), gauss]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.at, self.total = state["at"], state["total"]
        version, internal, gauss = state["stream"]
        self.stream.setstate((version, tuple(internal), gauss))

    def position(self) -> dict[str, Any]:
        return {"at": self.at}

    def refuse_non_finite(self) -> None:
        if not math.isfinite(self.total):
            raise Diverged("The total is no finite number.")

    def reseed(self, attempt: int) -> None:
        self.attempts.append(attempt)
        self.stream.seed(attempt)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run.create(tmp_path / "run", load_settings())
    yield run
    run.close()


@pytest.fixture
def kept(run: Run, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Where the states that are kept stand."""
    positions: list[int] = []
    save = Checkpoints.save

    def noted(self: Checkpoints, part: str, state: Any, position: Any = None) -> None:
        save(self, part, state, position)
        positions.append(position["at"])

    monkeypatch.setattr(Checkpoints, "save", noted)
    return positions


def keeper(run: Run, every_seconds: float = math.inf) -> Keeper:
    return keeper_of("count", run, every_seconds)


def keeper_of(part: str, run: Run, every_seconds: float) -> Keeper:
    """As `Run.keeper`, with a time of its own between two states."""
    made = run.checkpoints, run.journal, run.stopping
    return Keeper(part, *made, every_seconds, run._held)


def expected(end: int = 10) -> float:
    whole = Counter(end)
    drive(whole)
    return whole.total


def spoiling(work: Counter, times: dict[int, int]) -> Callable[[int], None]:
    """Makes the total no number at these counts, each so many times."""

    def spoil(at: int) -> None:
        if times.get(at, 0):
            times[at] -= 1
            work.total = math.nan

    return spoil


def test_without_a_keeper_work_simply_goes_to_its_end() -> None:
    work = Counter()
    drive(work)
    assert work.at == 10 and work.attempts == []
    work = Counter()
    work.before = spoiling(work, {4: 1})
    with pytest.raises(Diverged):
        drive(work)
    assert work.at == 10 and work.attempts == []


def test_the_first_state_and_milestones_are_kept(run: Run, kept: list[int]) -> None:
    work = Counter(milestones=(3, 7))
    drive(work, keeper(run))
    assert work.total == expected() and kept == [0, 3, 7]


def test_a_state_is_kept_when_one_is_due(
    run: Run, kept: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr("autogan.runs.drive.time", clock)
    monkeypatch.setattr("autogan.runs.checkpoints.time", clock)

    def pass_time(at: int) -> None:
        nonlocal now
        now += 1.0

    drive(Counter(milestones=(4,), before=pass_time), keeper(run, every_seconds=3))
    assert kept == [0, 3, 4, 7, 10]  # a milestone counts as one


def test_every_step_is_kept_where_no_time_must_pass(run: Run, kept: list[int]) -> None:
    drive(Counter(4), keeper(run, every_seconds=0))
    assert kept == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("interrupted_at", [0, 3, 4, 9])
def test_work_goes_on_from_its_newest_state(run: Run, kept: list[int], interrupted_at: int) -> None:
    def break_down(at: int) -> None:
        if at == interrupted_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(Counter(milestones=(3,), before=break_down), keeper(run))
    counted: list[int] = []
    again = Counter(milestones=(3,), before=counted.append)
    drive(again, keeper(run))
    assert again.total == expected()
    assert counted[0] == (3 if interrupted_at >= 3 else 0)


def test_work_that_is_done_stays_so(run: Run, kept: list[int]) -> None:
    drive(Counter(milestones=(10,)), keeper(run))
    counted: list[int] = []
    again = Counter(before=counted.append)
    drive(again, keeper(run))
    assert again.total == expected() and counted == [] and kept == [0, 10]


def test_parts_are_kept_apart(run: Run) -> None:
    drive(Counter(milestones=(10,)), keeper(run))
    other = keeper_of("other", run, math.inf)
    counted: list[int] = []
    drive(Counter(3, before=counted.append), other)
    assert counted == [0, 1, 2]


def test_work_that_diverged_goes_back_and_on_with_other_numbers(run: Run, kept: list[int]) -> None:
    work = Counter(milestones=(3, 6))
    spoil = spoiling(work, {5: 1})

    def before(at: int) -> None:
        spoil(at)
        run.journal.log(WeightsReset(at, 0))

    work.before = before
    with pytest.warns(UserWarning, match=r"last good checkpoint, \{'at': 3\}.*attempt 1 of 3"):
        drive(work, keeper(run))
    assert work.at == 10 and work.attempts == [1]
    assert math.isfinite(work.total) and work.total != expected()
    assert kept == [0, 3, 6]  # at 6 it was noticed first, before it was kept
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    told = [line.get("iteration", line["event"]) for line in lines]
    assert told == [0, 1, 2, "rolled_back", 3, 4, 5, 6, 7, 8, 9]
    assert (lines[3]["part"], lines[3]["attempt"]) == ("count", 1)
    assert lines[3]["reason"] == "The total is no finite number."


def test_what_diverged_in_the_last_steps_is_noticed_at_the_end(run: Run) -> None:
    work = Counter(milestones=(8,))
    work.before = spoiling(work, {9: 1})
    with pytest.warns(UserWarning, match="attempt 1 of 3"):
        drive(work, keeper(run))
    assert work.done and math.isfinite(work.total)


def test_work_that_diverges_three_times_may_still_end_well(run: Run) -> None:
    work = Counter(milestones=(2, 6))
    work.before = spoiling(work, {5: 3})
    with pytest.warns(UserWarning) as warned:
        drive(work, keeper(run))
    assert work.attempts == [1, 2, 3] and len(warned) == 3
    assert work.done and math.isfinite(work.total)


def test_work_that_diverges_a_fourth_time_is_given_up(run: Run) -> None:
    work = Counter(milestones=(2, 6))
    work.before = spoiling(work, {5: 9})
    with (
        pytest.warns(UserWarning),
        pytest.raises(Diverged, match=r"no finite number\. It happened 4 times.*lower learning"),
    ):
        drive(work, keeper(run))
    assert work.attempts == [1, 2, 3]
    state = run.checkpoints.load("count")
    assert state is not None and state["at"] == 2 and math.isfinite(state["total"])


def test_a_request_to_stop_waits_for_the_step_and_the_state_is_kept(
    run: Run, kept: list[int]
) -> None:
    def ask(at: int) -> None:
        if at == 4:
            run.stopping.reason = "SIGTERM"

    work = Counter(before=ask)
    with pytest.raises(Stopped) as stopped:
        drive(work, keeper(run))
    assert stopped.value.state_is_whole and stopped.value.reason == "SIGTERM"
    assert work.at == 5 and kept == [0, 5]
    run.stopping.reason = None
    counted: list[int] = []
    again = Counter(before=counted.append)
    drive(again, keeper(run))
    assert again.total == expected() and counted == [5, 6, 7, 8, 9]


def test_a_step_that_is_given_up_leaves_the_state_of_before(run: Run, kept: list[int]) -> None:
    def give_up(at: int) -> None:
        if at == 4:
            raise Stopped("SIGTERM", state_is_whole=False)

    with pytest.raises(Stopped):
        drive(Counter(milestones=(3,), before=give_up), keeper(run))
    assert kept == [0, 3]
