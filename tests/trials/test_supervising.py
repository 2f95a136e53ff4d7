"""Workers that die are replaced, wherever they run; those without room are not waited for."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tiny import Listening

from autogan.basics.errors import UserError
from autogan.runs.stopping import Stopped, Stopping
from autogan.trials import supervising
from autogan.trials.places import Ended, Order, Places, Started
from autogan.trials.supervising import MOST_LOST_WORKERS, supervise

ORDER = Order(
    "study", Path("/shared/trials"), "folder:pets", 9, "postgresql+psycopg://me:secret@db/x"
)
DIED, OVER, REFUSED = Ended(-9, ""), Ended(0, ""), Ended(2, "no such folder")


class Scripted(Started):
    """Ends at its nth look as it was told to; None: not by itself."""

    def __init__(self, looks: int | None, end: Ended, waits: bool) -> None:
        self.looks, self.end_, self._waits = looks, end, waits
        self.asked, self.over = False, False

    @property
    def waits(self) -> bool:
        return self._waits

    def poll(self) -> Ended | None:
        if self.looks is None:
            return None
        self.looks -= 1
        return self.end_ if self.looks <= 0 else None

    def terminate(self) -> None:
        self.asked = True

    def end(self, within_seconds: float) -> None:
        assert self.asked
        self.over = True


class Stage(Places):
    """Places whose workers follow a script, one after the other."""

    def __init__(self, count: int, *scripts: tuple[int | None, Ended, bool]) -> None:
        self._count, self._scripts = count, iter(scripts)
        self.begun: list[tuple[int, str]] = []
        self.workers: list[Scripted] = []

    @property
    def count(self) -> int:
        return self._count

    def start(self, place: int, order: Order, log: Path) -> Started:
        self.begun.append((place, log.name))
        self.workers.append(Scripted(*next(self._scripts)))
        return self.workers[-1]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Supervises until so many trials have ended as the last number of `ended` says, without waiting."""
    clock = iter(range(10**6))
    seconds = SimpleNamespace(sleep=lambda _: None, monotonic=lambda: float(next(clock)))
    monkeypatch.setattr(supervising, "time", seconds)

    def run(places: Places, *ended: int) -> Listening:
        counts = iter(ended)
        found: Any = type("Counting", (), {"ended": property(lambda _: next(counts))})()
        found.refresh = lambda: None
        settings = SimpleNamespace(trials=SimpleNamespace(count=ended[-1]))
        search: Any = SimpleNamespace(folder=tmp_path, stopping=Stopping(), settings=settings)
        heard = Listening()
        supervise(search, ORDER, places, found, heard)
        return heard

    yield run


def test_whoever_replaces_one_takes_its_place(watched: Callable[..., Any]) -> None:
    stage = Stage(2, (9, OVER, False), (1, DIED, False), (5, OVER, False))
    watched(stage, 0, 0, 1, 2)
    assert stage.begun == [(0, "0.log"), (1, "1.log"), (1, "2.log")]
    assert [worker.over for worker in stage.workers] == [True, False, True]


def test_a_machine_that_dies_with_many_workers_is_one_loss(watched: Callable[..., Any]) -> None:
    many = 2 * MOST_LOST_WORKERS
    stage = Stage(many, *[(1, Ended(None, ""), False)] * many, *[(3, OVER, False)] * many)
    watched(stage, 0, 0, 0, 1)
    assert len(stage.begun) == 2 * many


def test_workers_that_die_again_and_again_end_the_search(watched: Callable[..., Any]) -> None:
    stage = Stage(1, *[(1, DIED, False)] * 9)
    with pytest.raises(UserError, match=r"A worker ended \(code -9\)"):
        watched(stage, *[0] * 9, 1)
    assert len(stage.begun) == 1 + MOST_LOST_WORKERS


def test_what_a_worker_refuses_is_said_at_once(watched: Callable[..., Any]) -> None:
    stage = Stage(2, (1, REFUSED, False), (None, OVER, False))
    with pytest.raises(UserError, match="no such folder"):
        watched(stage, 0, 0, 1)
    assert [worker.over for worker in stage.workers] == [False, True]


def test_workers_that_leave_trials_out_are_noted(watched: Callable[..., Any]) -> None:
    """As one of which every worker died before it could say what it was."""
    stage = Stage(2, (1, OVER, False), (2, OVER, False))
    (note,) = watched(stage, 0, 1, 1, 2).notes
    assert "All workers have ended, with 1 of 2 trials" in note


def test_one_without_room_is_not_waited_for(
    watched: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "ENDED_WITHIN_SECONDS", 10.0**9)
    stage = Stage(2, (2, OVER, False), (None, OVER, True))
    watched(stage, 0, 1)
    assert all(worker.asked for worker in stage.workers)


def test_a_request_to_stop_ends_all_workers(
    watched: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(stopping: Stopping) -> None:
        raise Stopped("SIGTERM", state_is_whole=True)

    monkeypatch.setattr(Stopping, "check", asked)
    stage = Stage(2, (None, OVER, False), (None, OVER, False))
    with pytest.raises(Stopped):
        watched(stage, 0, 0, 1)
    assert all(worker.over for worker in stage.workers)


def test_an_order_shows_no_password() -> None:
    assert "secret" not in repr(ORDER) and "secret" not in " ".join(ORDER.arguments)
