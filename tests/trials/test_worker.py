"""What a worker takes for dead: by heartbeats, folders and processes of its own machine."""

import os
import random
import socket
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from optuna.storages import RetryHeartbeatStaleTrialCallback as Retry
from optuna.trial import TrialState, create_trial
from simulated import settings_with, without_training, worker_at

from autogan.progress.base import Progress
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.strategies.base import State
from autogan.trials import takeover
from autogan.trials import trial as trial_module
from autogan.trials import worker as worker_module
from autogan.trials.records import RECORD, RungScore, TrialRecord, number_of
from autogan.trials.storage import (
    DEAD_AFTER_SECONDS,
    MOST_RETRIES,
    known_experiments,
    open_storage,
)
from autogan.trials.study import attempts_of
from autogan.trials.takeover import take_up_forgotten
from autogan.trials.trial import Trial
from autogan.trials.views import make_views


@pytest.mark.parametrize("kind", ["sqlite:///{}", "journal:{}"])
def test_a_long_trial_of_another_machine_without_a_shared_folder_is_left_to_its_worker(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While that lives: a database has heartbeats, and beside a journal a worker holds a lock."""
    address = kind.format(tmp_path / "trials.db")
    settings = settings_with("trials.count=1", "search.strategy=random")
    worker = worker_at(address, settings, tmp_path / "trials")
    abandoned: list[bool] = []

    def elsewhere(architecture: Architecture, steps: int) -> float:
        """Another machine looks at the trial, and will do so again when the worker is gone."""
        monkeypatch.setattr(socket, "gethostname", lambda: "another")
        other = worker_at(address, settings, tmp_path / "another")
        trials = other._ledger.trials()
        (running,) = (trial for trial in trials if trial.state is TrialState.RUNNING)
        running.datetime_start = datetime.now() - timedelta(seconds=2 * DEAD_AFTER_SECONDS)
        looks.append(lambda: other._takeover.is_abandoned(running, trials))
        abandoned.append(looks[0]())
        return 1.0

    looks: list[Callable[[], bool]] = []
    without_training(monkeypatch, elsewhere)
    worker.work()
    assert not any(abandoned) and abandoned
    assert looks[0]() is kind.startswith("journal")


def test_a_trial_that_was_just_taken_up_is_not_judged_by_the_worker_that_died(
    tmp_path: Path,
) -> None:
    """Until its new worker speaks, the record is the dead one's."""
    settings = settings_with("trials.count=1", "search.strategy=random")
    worker = worker_at(f"sqlite:///{tmp_path / 'trials.db'}", settings, tmp_path / "trials")
    study, architecture = worker._study, worker._context.space.sample(random.Random(0))
    gone = f"{socket.gethostname()}/{2**30}"

    with known_experiments():
        first = study.ask()
        record = TrialRecord(0, architecture, 0, State.RUNNING, worker=gone, attempt=first.number)
        first.set_user_attr(RECORD, record.to_plain())
        assert worker._takeover.fail_abandoned(study.get_trials())
        again = study.ask()
        assert again.user_attrs[RECORD]["worker"] == gone
        assert not worker._takeover.fail_abandoned(study.get_trials())


def test_a_trial_that_failed_and_was_not_given_to_others_is_taken_up_once(tmp_path: Path) -> None:
    """As where the disk was full when its worker wanted to write that."""
    worker = worker_at(f"sqlite:///{tmp_path / 'trials.db'}", settings_with(), tmp_path / "trials")
    study, architecture = worker._study, worker._context.space.sample(random.Random(0))

    def ended(state: TrialState, record: TrialRecord | None) -> None:
        told = {} if record is None else {RECORD: record.to_plain()}
        values = [1.0] if state is TrialState.COMPLETE else None
        study.add_trial(create_trial(state=state, values=values, user_attrs=told))

    def recorded(number: int, state: State, surplus: bool = False) -> TrialRecord:
        return TrialRecord(number, architecture, 0, state, surplus=surplus)

    ended(TrialState.FAIL, recorded(0, State.RUNNING))
    ended(TrialState.FAIL, None)
    ended(TrialState.FAIL, recorded(2, State.DIVERGED))
    ended(TrialState.FAIL, recorded(3, State.RUNNING, surplus=True))
    ended(TrialState.COMPLETE, recorded(4, State.COMPLETE))
    for _ in range(2):
        take_up_forgotten(study)
        waiting = [t for t in study.get_trials() if t.state is TrialState.WAITING]
        assert [number_of(trial) for trial in waiting] == [0, 1]


def test_a_trial_of_which_workers_died_again_and_again_stays_failed(tmp_path: Path) -> None:
    worker = worker_at(f"sqlite:///{tmp_path / 'trials.db'}", settings_with(), tmp_path / "trials")
    study, architecture = worker._study, worker._context.space.sample(random.Random(0))
    told = {RECORD: TrialRecord(0, architecture, 0, State.RUNNING).to_plain()}
    deaths = {"failed_trial": 0, "retry_history": list(range(MOST_RETRIES))}
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs=told, system_attrs=deaths))
    take_up_forgotten(study)
    assert len(study.get_trials()) == 1


@pytest.mark.parametrize("retries_left", [True, False])
def test_what_a_worker_that_was_taken_for_dead_finds_counts_for_nothing(
    retries_left: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a suspension: meanwhile another one has failed its attempt, and queued the trial again."""
    settings = settings_with("trials.count=1", "search.strategy=random")
    worker = worker_at(f"sqlite:///{tmp_path / 'trials.db'}", settings, tmp_path / "trials")
    study = worker._study

    def meanwhile(architecture: Architecture, steps: int) -> float:
        (running,) = (t for t in study.get_trials() if t.state is TrialState.RUNNING)
        study._storage.set_trial_state_values(running._trial_id, TrialState.FAIL)
        if retries_left:
            Retry(max_retry=MOST_RETRIES)(study, running)
        return 1.0

    without_training(monkeypatch, meanwhile)
    with known_experiments():
        worker._one()
    states = [trial.state for trial in study.get_trials()]
    assert states == [TrialState.FAIL, *[TrialState.WAITING] * retries_left]
    without_training(monkeypatch, lambda architecture, steps: 1.0)
    worker.work()
    complete = [t.state for t in study.get_trials()].count(TrialState.COMPLETE)
    assert complete == retries_left


def test_an_error_of_the_machine_gives_the_trial_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_with("trials.count=1", "search.strategy=random")
    worker = worker_at(f"sqlite:///{tmp_path / 'trials.db'}", settings, tmp_path / "trials")

    def full(architecture: Architecture, steps: int) -> float:
        raise OSError(28, "No space left on device")

    without_training(monkeypatch, full)
    with known_experiments(), pytest.raises(OSError, match="No space left"):
        worker._one()
    states = [trial.state for trial in worker._study.get_trials()]
    assert states == [TrialState.FAIL, TrialState.WAITING]


def test_a_trial_whose_worker_died_before_it_said_anything_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no heartbeat, so the database takes it for running for ever."""
    monkeypatch.setattr(takeover, "DEAD_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(worker_module, "LOOK_EVERY_SECONDS", 0.05)
    without_training(monkeypatch, lambda architecture, steps: 1.0)
    settings = settings_with("trials.count=2", "search.strategy=random")
    worker = worker_at(f"sqlite:///{tmp_path / 'trials.db'}", settings, tmp_path / "trials")
    silent = worker._study.ask()
    assert not worker._takeover.is_abandoned(worker._study.get_trials()[silent.number], [])
    worker.work()
    states = [trial.state for trial in worker._study.get_trials()]
    assert states == [TrialState.FAIL, TrialState.COMPLETE, TrialState.COMPLETE]
    assert [record.number for record in worker._ledger.records()] == [0, 1]


@dataclass(frozen=True)
class Told:
    """What a trial needs of its context, if it trains nothing."""

    settings: Settings


def test_a_study_with_surplus_trials_can_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that were begun although there were enough count for nothing, also when more are wanted."""
    address = f"sqlite:///{tmp_path / 'trials.db'}"
    without_training(monkeypatch, lambda architecture, steps: 1.0)
    settings = settings_with("trials.count=2", "search.strategy=random")
    worker = worker_at(address, settings, tmp_path / "trials")
    worker.work()
    with known_experiments():
        for _ in range(2):
            worker._one()
    assert [record.number for record in worker._ledger.records()] == [0, 1]

    trials = settings.trials.model_copy(update={"count": 4})
    grown = worker_at(address, settings.model_copy(update={"trials": trials}), tmp_path / "trials")
    grown.work()
    records = grown._ledger.records()
    assert [record.number for record in records] == [0, 1, 2, 3]
    assert all(record.state is State.COMPLETE for record in records)
    attempts = attempts_of(grown._ledger.trials())
    assert {n: [a.outcome for a in of_it] for n, of_it in attempts.items()} == {
        number: ["complete"] for number in range(4)
    }
    make_views(open_storage(address))
    with sqlite3.connect(tmp_path / "trials.db") as connection:
        trials_view = (
            "SELECT number, attempts FROM autogan_trials WHERE NOT surplus ORDER BY number"
        )
        told = connection.execute(trials_view).fetchall()
        attempts_view = "SELECT trial, attempt FROM autogan_attempts ORDER BY trial"
        tried = connection.execute(attempts_view).fetchall()
    assert told == tried == [(number, 1) for number in range(4)]


class Instant:
    """A training that is at a step when it is taken up, and takes no time."""

    best = object()

    def __init__(self, steps_done: int) -> None:
        self.steps_done, self.until = steps_done, 0


@pytest.mark.parametrize(("at", "state"), [(150, State.COMPLETE), (100, State.STOPPED)])
def test_a_trial_that_had_gone_on_is_not_asked_again(
    at: int, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the time that it is taken up, all others are better at the rung that it has passed."""
    settings = settings_with("trials.steps=100", "trials.rungs=2", "trials.reduction=3")
    assert settings.trials.rung_steps == (100, 300)
    worker = worker_at(f"sqlite:///{tmp_path / 'trials.db'}", settings, tmp_path / "trials")
    architecture = worker._context.space.sample(random.Random(0))
    reached = (RungScore(100, (9.0,), 1.0),)
    record = TrialRecord(0, architecture, 0, State.RUNNING, rungs=reached)
    training = Instant(at)
    others = {100: [(float(value),) for value in range(9)], 300: []}

    def drive(work: Instant, keeper: object) -> None:
        work.steps_done = max(work.steps_done, work.until)

    monkeypatch.setattr(trial_module, "Training", lambda *given: training)
    monkeypatch.setattr(trial_module, "drive", drive)
    monkeypatch.setattr(Trial, "_values", lambda *given: (9.0,))
    monkeypatch.setattr(Trial, "_save", lambda *given: None)
    told: list[TrialRecord] = []
    context: Any = Told(settings)
    trial = Trial(
        record, context, worker._costs, told.append, lambda steps: others[steps], Progress()
    )
    run: Any = SimpleNamespace(keeper=lambda name: None)
    ended = trial.train(run)
    assert (ended.state, len(ended.rungs)) == (state, 2 if state is State.COMPLETE else 1)


def test_a_worker_that_chooses_an_architecture_for_long_is_not_taken_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the strategy `gp`: it has said whose the trial is, and nothing else yet."""
    monkeypatch.setattr(takeover, "DEAD_AFTER_SECONDS", -1.0)
    address, settings = f"sqlite:///{tmp_path / 'trials.db'}", settings_with("trials.count=1")
    worker = worker_at(address, settings, tmp_path / "trials")
    other = worker_at(address, settings, tmp_path / "trials")
    with known_experiments():
        trial = worker._study.ask()
        assert other._takeover.is_abandoned(other._ledger.trials()[0], [])
        worker._takeover._name = (
            f"{socket.gethostname()}/{os.getppid()}"  # lives, and is not this one
        )
        worker._takeover.take(trial)
        assert not other._takeover.is_abandoned(other._ledger.trials()[0], [])
