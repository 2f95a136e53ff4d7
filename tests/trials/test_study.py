"""What a study is of, and what it tells of its workers: who had which trial, and how that ended."""

import signal
from pathlib import Path

import pytest
from simulated import settings_with, study_at, without_training, worker_at

from autogan.basics.errors import UserError
from autogan.runs.stopping import Stopped
from autogan.trials import worker as worker_module
from autogan.trials.study import Ledger, attempts_of
from autogan.trials.trial import Trial


def test_attempts_that_died_or_were_given_back_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop, then a full disk, then neither."""
    address, settings = f"sqlite:///{tmp_path / 'x.sqlite3'}", settings_with("trials.count=2")
    without_training(monkeypatch, lambda architecture, steps: 1.0)
    for error in (Stopped(signal.SIGTERM.name, True), OSError(28, "No space left on device")):
        with monkeypatch.context() as patch, pytest.raises(type(error)):

            def train(trial: Trial, run: object) -> None:
                raise error  # noqa: B023

            patch.setattr(worker_module.Trial, "train", train)
            worker_at(address, settings, tmp_path).work()
    worker_at(address, settings, tmp_path).work()
    ledger = Ledger(study_at(address, settings))
    attempts = attempts_of(ledger.trials())
    assert [each.outcome for each in attempts[0]] == ["given back", "died", "complete"]
    assert [each.outcome for each in attempts[1]] == ["complete"]
    assert [record.number for record in ledger.records()] == [0, 1]
    assert all(
        e.ended is not None and e.ended >= e.began for each in attempts.values() for e in each
    )


@pytest.mark.parametrize(
    "change",
    [
        "evaluate.inception_splits=3",
        "compute.precision=bfloat16",
        "search.evolution.population=5",
        "search.nsga2.population=5",
        "search.controller.learning_rate=0.1",
        "train.validation_images=600",
    ],
)
def test_other_settings_that_change_what_trials_find_are_another_search(
    change: str, tmp_path: Path
) -> None:
    address = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    study_at(address, settings_with("compute.precision=float32"))
    name, _, value = change.partition("=")
    with pytest.raises(UserError, match=rf"(?m)^  {name}: .* there, {value} here"):
        study_at(address, settings_with("compute.precision=float32", change))


@pytest.mark.parametrize(
    "change",
    [
        "trials.count=99",
        "compute.device=cpu",
        "log_every_steps=7",
        "checkpoint_every_minutes=1",
        "derive.metric=frechet_distance",
        "evaluate.images=700",
        "search.reward_images=700",
    ],
)
def test_settings_that_no_trial_goes_by_may_differ(change: str, tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    for settings in (settings_with(), settings_with(change)):
        study_at(address, settings)
