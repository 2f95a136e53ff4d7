"""What a worker takes for dead: by heartbeats, folders and processes of its own machine."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState, create_trial
from simulated import settings_with, worker_at

from autogan.strategies.base import State
from autogan.trials.records import RECORD, TrialRecord, number_of
from autogan.trials.storage import DEAD_AFTER_SECONDS, MOST_RETRIES
from autogan.trials.worker import take_up_forgotten


@pytest.mark.parametrize(("kind", "abandoned"), [("sqlite:///{}", False), ("journal:{}", True)])
def test_a_long_trial_of_another_machine_without_a_shared_folder_is_left_to_its_heartbeat(
    kind: str, abandoned: bool, tmp_path: Path
) -> None:
    """A journal has none, so there the time since its beginning decides."""
    settings: Any = settings_with("trials.count=2")
    worker = worker_at(kind.format(tmp_path / "trials.db"), settings, tmp_path / "trials")
    architecture = worker._context.space.sample(random.Random(0))
    record = TrialRecord(0, architecture, 0, State.RUNNING, worker="elsewhere/1")
    trial = create_trial(state=TrialState.RUNNING, user_attrs={RECORD: record.to_plain()})
    trial.datetime_start = datetime.now() - timedelta(seconds=2 * DEAD_AFTER_SECONDS)
    assert worker._is_abandoned(trial, [trial]) is abandoned


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
