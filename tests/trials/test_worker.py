"""What a worker takes for dead: by heartbeats, folders and processes of its own machine."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState, create_trial
from simulated import settings_with, worker_at

from autogan.strategies.base import State
from autogan.trials.records import RECORD, TrialRecord
from autogan.trials.storage import DEAD_AFTER_SECONDS


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
