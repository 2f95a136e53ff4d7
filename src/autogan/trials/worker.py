"""A worker: takes one trial after the other from the database until the search has ended.

Any number of workers, anywhere, may work at one study. What one does is in the database after every
rung, and its training in the trial's folder after every checkpoint. Where a worker dies, its heartbeat
ends, and another one takes its trial up: from the checkpoint where they share the folder, else anew.
"""

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from autogan.basics.errors import UserError
from autogan.method.context import Context
from autogan.method.pipeline import keep_surroundings
from autogan.progress.base import Progress
from autogan.runs.config import read_config, read_task
from autogan.runs.contents import read_json
from autogan.runs.file_names import CONFIG, DATA
from autogan.runs.folder import Run
from autogan.runs.locking import is_locked, lock
from autogan.runs.stopping import Stopped, Stopping
from autogan.runs.task import Task
from autogan.settings.sections import Settings
from autogan.spaces.around_generators import players
from autogan.spaces.limits import Costs
from autogan.strategies.base import State
from autogan.trials.proposals import Proposal, Proposer
from autogan.trials.proxies import space_of_trials, trial_settings
from autogan.trials.records import RECORD, TrialRecord, number_of
from autogan.trials.storage import MOST_RETRIES, known_experiments, place_of_worker
from autogan.trials.study import Ledger, begun, differing_settings, has, ordinal_of
from autogan.trials.takeover import Takeover
from autogan.trials.trial import Trial, folder_of

LOOK_EVERY_SECONDS = 1.0
"""Whether a trial of another worker is to be taken up, when none is left to begin."""


class Worker:
    """One process at work on a study.

    trials: folder in which every trial has its own. stopping: of the process; asked between two steps.
    """

    def __init__(
        self,
        study: Study,
        context: Context,
        trials: Path,
        stopping: Stopping,
        progress: Progress,
    ) -> None:
        self._context = context
        self._trials = trials
        self._stopping = stopping
        self._progress = progress
        self._costs = Costs(context.settings, context.classes, context.compute.device)
        self._study = study
        self._ledger = Ledger(study)
        self._proposer = Proposer(
            context.settings, space_of_trials(context.settings), self._costs, self._ledger
        )
        self.after_trial: Callable[[], object] | None = None
        """Called when a trial of this worker has ended."""
        self._name = f"{socket.gethostname()}/{os.getpid()}"
        self._takeover = Takeover(study, self._ledger, trials, self._name)

    def work(self) -> None:
        """Until every trial has ended. Raises `Stopped` where the process is asked to stop; its trial
        then waits for another worker."""
        with known_experiments(), self._seen_by_others():
            while True:
                trials = self._ledger.trials()
                if self._takeover.fail_abandoned(trials):
                    continue
                if has(TrialState.WAITING, trials) or begun(trials) < self._count:
                    self._one()
                elif has(TrialState.RUNNING, trials):
                    optuna.storages.fail_stale_trials(self._study)
                    self._progress.status("waiting for the last trials of other workers")
                    with self._stopping.at_once():
                        time.sleep(LOOK_EVERY_SECONDS)
                else:
                    return

    @property
    def _count(self) -> int:
        return self._context.settings.trials.count

    @contextmanager
    def _seen_by_others(self) -> Iterator[None]:
        """Inside, this worker is seen to live where the storage has no heartbeats: by a lock beside it."""
        place = place_of_worker(self._study._storage, self._name)
        if place is None:
            yield
            return
        place.mkdir(parents=True, exist_ok=True)  # one that was killed may have had the same number
        with closing(lock(place)):
            try:
                yield
            finally:
                shutil.rmtree(place, ignore_errors=True)  # what is left there says nothing

    def _one(self) -> None:
        taken: list[int] = []

        def objective(trial: optuna.Trial) -> tuple[float, ...]:
            taken.append(trial.number)
            return self._train(trial)

        try:
            self._study.optimize(objective, n_trials=1, catch=(TrialEnded,))
        except Stopped:
            if taken and not self._takeover.is_anothers(taken[0]):
                self._takeover.give_back(taken[0])
            raise
        except Exception as error:
            others = bool(taken) and self._takeover.is_anothers(taken[0])
            if others and self._takeover.is_refusal(taken[0], error):
                self._progress.note(
                    "This worker was taken for dead, and its trial by another one: what it found is dropped"
                )
                return
            if taken and not others:
                if isinstance(error, FolderOfAnotherSearch):
                    self._takeover.queue_again(taken[0])  # of the command, and not of the trial
                else:  # of the machine, such as a full disk; Optuna counts them
                    self._takeover.retry(taken[0])
            raise
        if self.after_trial is not None:
            self.after_trial()

    def _train(self, trial: optuna.Trial) -> tuple[float, ...]:
        self._takeover.take(trial)
        proposal = self._proposer.propose(trial)
        trials = self._ledger.trials()
        frozen = next(t for t in trials if t.number == trial.number)
        record = self._begun(frozen, proposal, trials)

        def tell(changed: TrialRecord) -> None:
            self._takeover.tell(trial, RECORD, changed.to_plain())

        tell(record)
        if record.surplus:
            raise TrialEnded("begun although there are enough")
        began = f"Trial {record.number + 1}: {record.architecture}"
        again = (
            f", again as seed {record.seed}" if record.seed != self._context.settings.seed else ""
        )
        self._progress.note(f"{began}{again}" + (", taken up" if record.rungs else ""))
        work = Trial(record, self._context, self._costs, tell, self._others(record), self._progress)
        if record.state is State.RUNNING:  # else its worker died between the two ways of telling
            with self._folder(record) as run:
                record = work.train(run)
        self._progress.note(f"Trial {record.number + 1} {self._in_words(record)}")
        if record.state is State.STOPPED:
            raise optuna.TrialPruned
        if record.state is not State.COMPLETE:
            raise TrialEnded(record.reason)
        assert record.values is not None
        return record.values

    def _begun(
        self, trial: FrozenTrial, proposal: Proposal, trials: list[FrozenTrial]
    ) -> TrialRecord:
        """The record of a trial that this worker has taken: new, or as its last worker left it.

        One that had come to its end, and was only not told, stays its last worker's.
        """
        plain = trial.user_attrs.get(RECORD)
        if plain is not None:
            left = TrialRecord.from_plain(plain)
            if left.state is not State.RUNNING:
                return left
            return replace(left, worker=self._name, attempt=trial.number)
        number, architecture = ordinal_of(number_of(trial), trials), proposal.architecture
        earlier = [r.number for r in self._ledger.records(trials) if r.architecture == architecture]
        return TrialRecord(
            number,
            architecture,
            self._context.settings.seed + sum(n < number for n in earlier),
            State.RUNNING,
            worker=self._name,
            surplus=number >= self._count and number_of(trial) == trial.number,
            parent=proposal.parent,
            foreseen=proposal.foreseen,
            attempt=trial.number,
        )

    def _others(self, record: TrialRecord) -> Callable[[int], Sequence[tuple[float, ...]]]:
        def values_at(steps: int) -> list[tuple[float, ...]]:
            scores = [
                score
                for other in self._ledger.records()
                if other.number != record.number
                for score in other.rungs
                if score.steps == steps
            ]
            return [score.values for score in scores]

        return values_at

    @contextmanager
    def _folder(self, record: TrialRecord) -> Iterator[Run]:
        """The trial's folder as a run, from its last worker's checkpoint where that is there.

        Where a worker that was thought dead still holds it, a second folder is begun. Raises
        `FolderOfAnotherSearch` where the folder is that.
        """
        settings = trial_settings(self._context.settings, record.architecture, record.seed)
        task = Task("train", str(players(record.architecture)[0]))
        folder = folder_of(self._trials, record.number)
        for attempt in range(MOST_RETRIES + 1):
            place = folder if attempt == 0 else folder.with_name(f"{folder.name}-{attempt}")
            if not is_locked(place):
                if (place / CONFIG).exists():
                    self._refuse_of_another_search(place, task, settings)
                    run = Run.resume(place)
                else:  # new, or its worker died before it wrote anything
                    run = Run.create(place, settings, task)
                break
            self._progress.note(f"{place} is held by another process; the trial begins anew")
        else:
            raise UserError(f"{folder} and its copies are all held by other processes.")
        run.stopping = self._stopping
        with closing(run):
            keep_surroundings(run, self._context)
            yield run

    def _refuse_of_another_search(self, place: Path, task: Task, settings: Settings) -> None:
        held = read_json(place / DATA) or {}
        known = {"digest": self._context.data.digest, "judge": self._context.judge.name}
        if (
            read_task(place) != task
            or any(held.get(name, own) != own for name, own in known.items())
            or differing_settings(
                read_config(place).settings_tree, settings.model_dump(mode="json")
            )
        ):
            raise FolderOfAnotherSearch(
                f"{place} holds a trial of another search: its architecture, settings, images or judge are "
                "others. Give the worker another --out."
            )

    def _in_words(self, record: TrialRecord) -> str:
        goals = self._context.settings.trials.goals
        values = ", ".join(
            f"{name.replace('_', ' ')} {value:.4g}"
            for name, value in zip(goals, record.values or (), strict=False)
        )
        reason = f" ({record.reason})" if record.reason else ""
        return f"{record.state.value} after {record.steps} steps{reason}: {values or 'no score'}"


class FolderOfAnotherSearch(UserError):
    """A worker was given the trials' folder of another search."""


class TrialEnded(Exception):
    """Tells Optuna that a trial has no result; the record says why."""
