"""What a search by trials has found, as its folder says it."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from optuna.study import Study

from autogan.basics.errors import UserError
from autogan.files.storage import written_aside
from autogan.runs.contents import Attempt, SurrogateRow, TrialRow, Trials
from autogan.runs.file_names import GENERATOR, TRIAL_FOLDERS, TRIALS
from autogan.runs.folder import Run
from autogan.runs.outcomes import to_plain
from autogan.settings.sections import Settings
from autogan.settings.trials import TrialsSettings
from autogan.strategies.base import Goal, State
from autogan.strategies.fronts import Gains
from autogan.trials.halving import hypervolume
from autogan.trials.proxies import space_of_trials
from autogan.trials.records import TrialRecord, front_of, goals_of
from autogan.trials.study import Ledger, attempts_of
from autogan.trials.surrogate import surrogate_of
from autogan.trials.trial import folder_of

WRITE_EVERY_SECONDS = 5.0
"""Of trials.json, while trials end."""


class Found:
    """What a search has found so far, written to trials.json of its folder."""

    def __init__(self, run: Run, study: Study, settings: Settings, storage: str) -> None:
        self._run = run
        self._study = study
        self._settings = settings
        self._storage = storage
        self._ledger = Ledger(study)
        self._written = 0.0

    def refresh(self) -> None:
        """Writes, if that was not done just now: with many trials it takes as long as asking for one."""
        if time.monotonic() - self._written > WRITE_EVERY_SECONDS:
            self.write()

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return sum(record.state is not State.RUNNING for record in self._ledger.records())

    def write(self) -> Trials:
        """Writes what stands in the database now."""
        trials = self._ledger.trials()
        records, attempts = self._ledger.records(trials), attempts_of(trials)
        front, reference, dominated = standing_of(records, self._settings.trials)
        found = Trials(
            storage=self._storage,
            study=self._study.study_name,
            strategy=self._settings.search.strategy,
            goals=list(self._settings.trials.goals),
            count=self._settings.trials.count,
            best=front[0].number if front else None,
            reference=reference,
            hypervolume=dominated,
            trials=[
                _row(record, record in front, attempts.get(record.number, [])) for record in records
            ],
            surrogate=self._surrogate(records),
        )
        self._run.write(TRIALS, to_plain(found))
        self._written = time.monotonic()
        return found

    def _surrogate(self, records: Sequence[TrialRecord]) -> SurrogateRow | None:
        """None where none is wanted, or too little is known for one."""
        settings = self._settings.trials
        if settings.surrogate == "none":
            return None
        found = surrogate_of(records, settings, space_of_trials(self._settings))
        if found is None:
            return None
        agreement = found.agreement
        return SurrogateRow(
            **asdict(agreement),
            trusted=agreement.trusted,
            chosen=sum(record.foreseen for record in records),
        )

    def keep_best(self) -> None:
        """Copies the best trial's generator to the run's folder, where it is at hand."""
        front = front_of(self._ledger.records(), self._settings.trials)
        if not front:
            raise UserError(
                "No trial came to a score; trials.json says why. Begin anew with a lower "
                "train.learning_rate."
            )
        held = finished_folders(self._run.folder / TRIAL_FOLDERS, front[0].number)
        if not held:
            return  # trained by a worker with a folder of its own
        with written_aside(self._run.folder / GENERATOR) as aside:
            shutil.copyfile(held[-1] / GENERATOR, aside)


def finished_folders(trials: Path, number: int) -> list[Path]:
    """Those in `trials` in which a trial came to its end with a generator; the last one counts.

    None where it diverged, or was trained by a worker with a folder of its own.
    """
    name = folder_of(trials, number).name
    return [place for place in sorted(trials.glob(f"{name}*")) if (place / GENERATOR).exists()]


def standing_of(
    records: Sequence[TrialRecord], settings: TrialsSettings
) -> tuple[list[TrialRecord], list[float] | None, float | None]:
    """The front, the best first; with several goals also the worst value of each among all trials, and the
    volume of what the front dominates from there."""
    front, goals = front_of(records, settings), goals_of(settings)
    if len(goals) == 1 or not front:
        return front, None, None
    reached = [_gains(record, goals) for record in records if record.values]
    worst = tuple(map(min, zip(*reached, strict=True)))
    reference = [goal.gain(gain) for goal, gain in zip(goals, worst, strict=True)]
    return front, reference, hypervolume([_gains(record, goals) for record in front], worst)


def _gains(record: TrialRecord, goals: Sequence[Goal]) -> Gains:
    return tuple(goal.gain(v) for goal, v in zip(goals, record.values or (), strict=True))


def _row(record: TrialRecord, on_front: bool, attempts: list[Attempt]) -> TrialRow:
    return TrialRow(
        number=record.number,
        architecture=str(record.architecture),
        seed=record.seed,
        state=record.state.value,
        steps=record.steps,
        seconds=record.seconds,
        values=list(record.values) if record.values else None,
        rungs=[(score.steps, list(score.values)) for score in record.rungs],
        front=on_front,
        worker=record.worker,
        finished=record.ended,
        reason=record.reason,
        parent=record.parent,
        foreseen=record.foreseen,
        rung_seconds=[score.seconds for score in record.rungs],
        attempts=attempts,
    )
