"""The views for other tools say what our own reader of the database says."""

import multiprocessing
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from postgresql import Server
from simulated import settings_with, study_at, without_training, worker_at
from sqlalchemy.exc import OperationalError

from autogan.runs.stopping import Stopped
from autogan.settings.sections import Settings
from autogan.strategies.base import State
from autogan.trials import views
from autogan.trials import worker as worker_module
from autogan.trials.proposals import Proposal, Proposer
from autogan.trials.records import TrialRecord
from autogan.trials.storage import open_storage
from autogan.trials.study import Ledger, attempts_of
from autogan.trials.trial import Trial
from autogan.trials.views import SCHEMA_VIEW, definitions, make_views

NAMES = {"autogan_studies", "autogan_trials", "autogan_rungs", "autogan_attempts", "autogan_schema"}


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'trials.sqlite3'}"
    server: Server = request.getfixturevalue("server")
    return server.address


def rows(address: str, query: str, **named: object) -> Sequence[Any]:
    engine = sqlalchemy.create_engine(address)
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.text(query), named).all()
    engine.dispose()
    return found


def searched_with_troubles(
    address: str, settings: Settings, name: str, folder: Path, patch: pytest.MonkeyPatch
) -> Ledger:
    """Of one architecture after the other again: a trial that is given back, one whose worker dies once,
    one whose workers all die, one that diverges; then one too many."""
    without_training(patch, lambda architecture, steps: 100 / steps + len(str(architecture)) / 7)
    simulated = worker_module.Trial.train
    troubles: dict[int, list[BaseException]] = {
        1: [Stopped("SIGTERM", True)],
        2: [OSError(28, "No space left on device")],
        3: [OSError(28, "No space left on device") for _ in range(9)],
    }

    def train(trial: Trial, run: Any) -> TrialRecord:
        number = trial.record.number
        if troubles.get(number):
            raise troubles[number].pop()
        if number == 4:
            ended = replace(trial.record, state=State.DIVERGED, reason="it's no number", ended=2.5)
            trial.tell(ended)
            return ended
        return simulated(trial, run)

    patch.setattr(worker_module.Trial, "train", train)
    while True:
        worker = worker_at(address, settings, folder, name)
        try:
            worker.work()
            break
        except (Stopped, OSError):
            continue
    worker._one()
    return worker._ledger


def test_they_say_what_the_ledger_says(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goals = "trials.goals=[frechet_distance,parameters]"
    settings = settings_with("trials.count=12", goals, "search.strategy=random")

    def one_of_three(proposer: Proposer, number: int, records: Sequence[TrialRecord]) -> Proposal:
        parent = records[0].number if number == 5 else None
        return Proposal(proposer._space.sample(random.Random(number % 3)), parent)

    monkeypatch.setattr(Proposer, "proposal", one_of_three)
    study_at(address, settings, "empty")
    ledger = searched_with_troubles(address, settings, "one", tmp_path, monkeypatch)
    assert make_views(open_storage(address)) == "" == make_views(open_storage(address))

    trials = ledger.trials()
    records = ledger.records(trials)
    assert [record.number for record in records] == list(range(12))
    assert {record.state for record in records} == {
        State.COMPLETE,
        State.STOPPED,
        State.DIVERGED,
        State.FAILED,
    }
    assert len({record.architecture for record in records}) == 3, "repeats"
    seen = rows(address, "SELECT * FROM autogan_trials WHERE study = 'one' ORDER BY number")
    (surplus,) = (row for row in seen if row.surplus)
    assert surplus.number == 12 and surplus.state == "failed" and "enough" in surplus.reason
    for record, row in zip(records, (row for row in seen if not row.surplus), strict=True):
        assert row.number == record.number
        assert row.architecture == str(record.architecture)
        assert (row.seed, row.state, row.reason) == (record.seed, record.state.value, record.reason)
        assert (row.steps, row.worker, row.parent) == (record.steps, record.worker, record.parent)
        assert row.seconds == pytest.approx(record.seconds) and row.ended_unix == record.ended
        assert row.goal == "frechet_distance" and bool(row.foreseen) == record.foreseen
        value = record.values[0] if record.values else None
        assert row.value == (None if value is None else pytest.approx(value, rel=1e-14))
    assert [row.attempts for row in seen if not row.surplus][:5] == [1, 2, 2, 4, 1]

    scores = rows(address, "SELECT * FROM autogan_rungs ORDER BY trial, steps, goal")
    expected = [
        (record.number, score.steps, score.seconds, goal, value)
        for record in records
        for score in record.rungs
        for goal, value in zip(settings.trials.goals, score.values, strict=True)
    ]
    assert [(r.trial, r.steps, r.goal) for r in scores] == [(e[0], e[1], e[3]) for e in expected]
    assert [r.value for r in scores] == pytest.approx([e[4] for e in expected], rel=1e-14)
    assert [r.seconds for r in scores] == pytest.approx([e[2] for e in expected])

    attempts = rows(address, "SELECT * FROM autogan_attempts ORDER BY trial, attempt")
    assert [(row.trial, row.worker, row.outcome) for row in attempts] == [
        (number, attempt.worker, attempt.outcome)
        for number, of_trial in sorted(attempts_of(trials).items())
        for attempt in of_trial
    ]
    assert [row.outcome for row in attempts if row.trial == 3] == ["died"] * 4
    assert [row.outcome for row in attempts if row.trial == 1] == [
        "given back",
        records[1].state.value,
    ]


def test_studies_say_what_they_are_of(address: str) -> None:
    goals = "trials.goals=[parameters,frechet_distance]"
    settings = settings_with(goals, "search.strategy=tpe", "trials.count=7", "seed=3")
    study_at(address, settings, "one")
    study_at(address, settings_with("trials.count=9"), "two")
    make_views(open_storage(address))
    one, two = rows(address, "SELECT * FROM autogan_studies ORDER BY study")
    assert (one.study, one.schema_version, one.data_digest, one.judge) == (
        "one",
        1,
        "0" * 64,
        "none",
    )
    assert (one.space, one.strategy, one.seed) == ("autogan", "tpe", 3)
    assert one.goals == "parameters, frechet_distance"
    assert (one.trials_wanted, two.trials_wanted) == (7, 9)
    assert not rows(address, "SELECT * FROM autogan_trials")


def _make(address: str) -> None:
    make_views(open_storage(address))


def test_several_processes_make_them_at_once(address: str) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_make, args=(address,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 4
    engine = sqlalchemy.create_engine(address)
    assert set(sqlalchemy.inspect(engine).get_view_names()) == NAMES
    engine.dispose()


def test_those_of_another_version_are_made_anew_only_by_a_newer_one(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(address)
    monkeypatch.setattr(views, "VERSION", 2)
    make_views(storage)
    monkeypatch.setattr(views, "VERSION", 1)
    make_views(storage)
    assert rows(address, f"SELECT version FROM {SCHEMA_VIEW}")[0].version == 2
    monkeypatch.setattr(views, "VERSION", 3)
    make_views(storage)
    assert rows(address, f"SELECT version FROM {SCHEMA_VIEW}")[0].version == 3


def test_who_may_only_read_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "trials.sqlite3"
    study_at(f"sqlite:///{file}", settings_with("trials.count=7"))
    make_views(open_storage(f"sqlite:///{file}"))
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as reader:
        found = reader.execute("SELECT trials_wanted FROM autogan_studies").fetchall()
    assert found == [(7,)]


def test_a_file_that_is_locked_for_good_says_so(tmp_path: Path) -> None:
    """No half-made views, and no silence."""
    storage = open_storage(f"sqlite:///{tmp_path / 'trials.sqlite3'}")
    with storage.engine.connect() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    with sqlite3.connect(tmp_path / "trials.sqlite3", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            make_views(storage)


def test_who_may_not_make_them_is_told(server: Server) -> None:
    study_at(server.address, settings_with())
    engine = sqlalchemy.create_engine(server.address)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE guest LOGIN PASSWORD 'secret'")
        connection.exec_driver_sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest")
        connection.commit()
    engine.dispose()
    storage = open_storage(server.address.replace("autogan:", "guest:"))
    assert "permission denied" in make_views(storage)


def test_a_journal_has_none(tmp_path: Path) -> None:
    assert make_views(open_storage(f"journal:{tmp_path / 'trials.log'}")) == ""


def test_both_databases_have_the_same_views() -> None:
    assert definitions("sqlite").keys() == definitions("postgresql").keys() == NAMES
