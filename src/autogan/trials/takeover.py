"""How a trial that has lost its worker is found, and given to another one.

An *attempt* is a trial of Optuna's: one worker's work at a trial of ours. Where a worker ends, its attempt
fails and another one waits, with all that it knew. Optuna does so where heartbeats end; here is what it
cannot see: workers of this machine that are gone, storages without heartbeats, and requests to stop.
"""

import socket
import time
from pathlib import Path

import optuna
from optuna.storages import RetryHeartbeatStaleTrialCallback as Retry
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from autogan.files.storage import is_running
from autogan.runs.locking import is_locked
from autogan.strategies.base import State
from autogan.trials.records import RECORD, RETRIED, TAKEN, TrialRecord, number_of
from autogan.trials.storage import (
    DEAD_AFTER_SECONDS,
    MOST_RETRIES,
    known_experiments,
    place_of_worker,
)
from autogan.trials.study import Ledger, ordinal_of
from autogan.trials.trial import folder_of


class Takeover:
    """What a worker does about attempts that have lost theirs, and about its own that others took over.

    trials: folder in which every trial has its own. name: the worker's: its machine, a slash, its process.
    """

    def __init__(self, study: Study, ledger: Ledger, trials: Path, name: str) -> None:
        self._study = study
        self._ledger = ledger
        self._trials = trials
        self._name = name
        self._silent_since: dict[int, float] = {}
        """Attempts that run and have said nothing yet, and when this worker saw that first (monotonic)."""
        self._refused: set[int] = set()
        """Of this worker's attempts those of which the database takes no word any more."""

    def take(self, trial: optuna.Trial) -> None:
        """Says whose an attempt is, before anything else that may take long."""
        self.tell(trial, TAKEN, {"attempt": trial.number, "worker": self._name})

    def tell(self, trial: optuna.Trial, attribute: str, value: object) -> None:
        """Writes a word about an attempt of this worker. Raises Optuna's error where others have ended it."""
        try:
            trial.set_user_attr(attribute, value)
        except optuna.exceptions.UpdateFinishedTrialError:
            self._refused.add(trial.number)
            raise

    def is_anothers(self, number: int) -> bool:
        """Whether others have failed an attempt of this worker, because its heartbeat had ended."""
        trials = self._ledger.trials()
        of = next(number_of(trial) for trial in trials if trial.number == number)
        return number in self._refused or any(
            number_of(trial) == of and trial.number > number for trial in trials
        )

    def is_refusal(self, number: int, error: Exception) -> bool:
        """Whether an error at an attempt of this worker comes from the fact that others have ended it."""
        refused = isinstance(error, optuna.exceptions.UpdateFinishedTrialError)
        by_optuna = isinstance(error, ValueError) and "Cannot tell" in str(error)
        return number in self._refused or refused or by_optuna

    def give_back(self, number: int) -> None:
        """Lets another worker, or this search when it goes on, take the trial up."""
        trial = self._attempt(number)
        try:
            self._study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        except optuna.exceptions.UpdateFinishedTrialError:
            return  # others took this worker for dead
        self.queue_again(number)

    def queue_again(self, number: int) -> None:
        """Lets a worker take up a trial whose attempt has ended through no fault of its own."""
        trial = self._attempt(number)
        waiting = optuna.trial.create_trial(  # not by `Retry`, which counts it as a worker's death
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs=trial.user_attrs,
            system_attrs={**trial.system_attrs, RETRIED: number_of(trial)},
        )
        self._study.add_trial(waiting)

    def retry(self, number: int) -> None:
        """Lets others take a trial up that has failed here, as often as one whose worker died."""
        trial = self._attempt(number)
        if trial.state is TrialState.FAIL:
            Retry(max_retry=MOST_RETRIES)(self._study, trial)

    def fail_abandoned(self, trials: list[FrozenTrial]) -> bool:
        """Lets trials be taken up that have lost their worker: at once where it was of this machine.

        Whether there were any.
        """
        found = False
        for trial in trials:
            if trial.state is not TrialState.RUNNING or not self.is_abandoned(trial, trials):
                continue
            try:
                failed = self._study._storage.set_trial_state_values(
                    trial._trial_id, TrialState.FAIL
                )
            except optuna.exceptions.UpdateFinishedTrialError:
                continue  # another worker was faster
            if failed:
                Retry(max_retry=MOST_RETRIES)(self._study, trial)
                found = True
        return found

    def is_abandoned(self, trial: FrozenTrial, trials: list[FrozenTrial]) -> bool:
        """Whether nobody holds a trial's folder whose worker was of this machine and is gone; or, in a
        storage without heartbeats, was anywhere and is not seen to live."""
        folder = folder_of(self._trials, ordinal_of(number_of(trial), trials))
        if any(map(is_locked, self._trials.glob(f"{folder.name}*"))):
            return False
        worker = _worker_of(trial)
        if worker is None:
            return self._has_long_said_nothing(trial.number)
        machine, _, process = worker.rpartition("/")
        if machine == socket.gethostname():
            return not is_running(int(process))
        place = place_of_worker(self._study._storage, worker)
        return place is not None and not is_locked(place)

    def _has_long_said_nothing(self, number: int) -> bool:
        """Whether an attempt was seen without a word for so long that its worker must be dead.

        One that dies between asking for a trial and its first heartbeat, as when the server goes down just
        then, leaves a trial that Optuna takes for running for ever. No clock of another machine is asked.
        """
        since = self._silent_since.setdefault(number, time.monotonic())
        return time.monotonic() - since > DEAD_AFTER_SECONDS

    def _attempt(self, number: int) -> FrozenTrial:
        return next(trial for trial in self._ledger.trials() if trial.number == number)


def take_up_forgotten(study: Study) -> None:
    """Lets trials be taken up that failed where that could not be written any more, as on a full disk.

    For the search that goes on, before it has workers: others that share the study may be about to write it.
    """
    newest = {number_of(trial): trial for trial in study.get_trials(deepcopy=False)}
    with known_experiments():
        for trial in newest.values():
            if trial.state is TrialState.FAIL and _was_at_work(trial):
                Retry(max_retry=MOST_RETRIES)(study, trial)


def _worker_of(trial: FrozenTrial) -> str | None:
    """The worker at an attempt; None where it has said nothing: the words may be of the attempt before."""
    words = (trial.user_attrs.get(name) for name in (RECORD, TAKEN))
    own = (word for word in words if word is not None and word.get("attempt") == trial.number)
    return next((word["worker"] for word in own), None)


def _was_at_work(trial: FrozenTrial) -> bool:
    plain = trial.user_attrs.get(RECORD)
    if plain is None:
        return True  # it had not said anything yet
    record = TrialRecord.from_plain(plain)
    return record.state is State.RUNNING and not record.surplus
