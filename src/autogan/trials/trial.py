"""One trial: an architecture trained from scratch, rung after rung, as long as it is among the best."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autogan.basics.errors import Diverged
from autogan.gan.sampling import Wanted, save_grid
from autogan.method.context import Context
from autogan.method.derive import origin
from autogan.method.train import Training
from autogan.progress.base import Progress
from autogan.runs.drive import drive
from autogan.runs.file_names import GENERATOR, PICTURES
from autogan.runs.folder import Run
from autogan.settings.trials import SCORED
from autogan.spaces.around_generators import players
from autogan.spaces.generator_file import save_generator
from autogan.spaces.limits import Costs
from autogan.strategies.base import State
from autogan.trials.halving import goes_on
from autogan.trials.proxies import trial_settings
from autogan.trials.records import RungScore, TrialRecord, goals_of

PICTURED = 16
"""Images in a trial's samples.png."""


@dataclass
class Trial:
    """What is trained, and how the database is told and asked.

    tell: called with the record whenever it has changed. others: values of the other trials at so many
    steps, one tuple for each.
    """

    record: TrialRecord
    context: Context
    costs: Costs
    tell: Callable[[TrialRecord], None]
    others: Callable[[int], Sequence[tuple[float, ...]]]
    progress: Progress

    def train(self, run: Run) -> TrialRecord:
        """Trains in a run's folder, from its newest checkpoint on; the record with how it ended."""
        settings = trial_settings(self.context.settings, self.record.architecture, self.record.seed)
        context = replace(self.context, settings=settings)
        training = Training(
            players(self.record.architecture)[0],
            settings.train.generator_steps,
            "train",
            context,
            run,
            self.progress,
        )
        began = time.monotonic() - self.record.seconds
        goals, trials = goals_of(settings.trials), settings.trials
        for number, steps in enumerate(trials.rung_steps):
            training.until = steps
            try:
                drive(training, run.keeper("train"))
            except Diverged as error:
                return self._ended(State.DIVERGED, str(error))
            if all(score.steps != steps for score in self.record.rungs):
                score = RungScore(steps, self._values(training), round(time.monotonic() - began, 1))
                self.record = replace(self.record, rungs=(*self.record.rungs, score))
                self.tell(self.record)
            last = number + 1 == trials.rungs
            if last:
                break
            if training.steps_done > steps or len(self.record.rungs) > number + 1:
                continue  # taken up: it went on here already
            own, *others = (
                tuple(goal.gain(value) for goal, value in zip(goals, values, strict=True))
                for values in (self.record.rungs[number].values, *self.others(steps))
            )
            if not goes_on(own, others, trials.reduction):
                self._save(training, run, context)
                return self._ended(State.STOPPED, f"not among the best at {steps} steps")
        self._save(training, run, context)
        return self._ended(State.COMPLETE, "")

    def _values(self, training: Training) -> tuple[float, ...]:
        """One for each goal; scores are those of the validation that is best by the first of them so far."""
        best = training.best
        assert best is not None, "a rung ends with a validation"
        return tuple(
            float(getattr(best, name))
            if name in SCORED
            else self.costs.of(self.record.architecture, name)
            for name in self.context.settings.trials.goals
        )

    def _save(self, training: Training, run: Run, context: Context) -> None:
        assert training.best is not None
        generator = training.best_generator()
        save_generator(
            run.folder / GENERATOR,
            generator,
            generator.state_dict(),
            origin(context, training.best, training.discriminator),
        )
        # Of the search's seed: all trials show the same latents.
        wanted = Wanted.of(generator, PICTURED, self.context.settings.seed)
        save_grid(generator, run.folder / PICTURES["samples"], wanted, context.compute)

    def _ended(self, state: State, reason: str) -> TrialRecord:
        self.record = replace(self.record, state=state, reason=reason, ended=round(time.time(), 1))
        self.tell(self.record)
        return self.record


def folder_of(trials: Path, number: int) -> Path:
    """Where a trial is kept."""
    return trials / f"{number:05d}"
