"""What the database knows of each trial, as values: the architecture, what each rung said, how it ended."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from autogan.settings.trials import TrialsSettings
from autogan.spaces.architecture import Architecture
from autogan.strategies.base import Goal, Observation, Rung, State
from autogan.strategies.fronts import first_front

RETRIED = "failed_trial"
"""The system attribute in which Optuna keeps the number of the first attempt at a trial."""
DEATHS = "retry_history"
"""The system attribute in which Optuna keeps the numbers of attempts whose workers died."""
RECORD = "autogan"
"""The name of the trial's attribute that holds its record, as JSON."""
TAKEN = "autogan_taken"
"""That of the attribute with its worker, which is there before an architecture has been chosen."""


@dataclass(frozen=True)
class RungScore:
    """What a rung said. steps: generator steps since the beginning; seconds: of all of them.

    values: one for each goal.
    """

    steps: int
    values: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class TrialRecord:
    """One training from scratch, from whichever workers it had.

    number: how many trials were begun before it; names its folder. seed: of the training; an architecture
    that is proposed again gets the next. worker: the machine and process that had it last. ended: Unix time.
    reason: why it has no result; "" where it has.
    """

    number: int
    architecture: Architecture
    seed: int
    state: State
    rungs: tuple[RungScore, ...] = ()
    worker: str = ""
    ended: float | None = None
    reason: str = ""
    surplus: bool = field(default=False)
    """Whether it was begun although there were enough already; it counts for nothing."""
    parent: int | None = None
    """The number of the trial whose architecture it is a changed copy of; None where of none."""
    foreseen: bool = False
    """Whether the surrogate chose it among proposals of the strategy."""
    attempt: int | None = None
    """Optuna's number of the attempt that told this: one that is taken up has the words of the one before."""

    @property
    def values(self) -> tuple[float, ...] | None:
        """Those of the highest rung that it reached; None where it reached none."""
        return self.rungs[-1].values if self.rungs else None

    @property
    def steps(self) -> int:
        """Generator steps up to the highest rung that it reached."""
        return self.rungs[-1].steps if self.rungs else 0

    @property
    def seconds(self) -> float:
        """Of training, up to there."""
        return self.rungs[-1].seconds if self.rungs else 0.0

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "architecture": str(self.architecture), "state": self.state.value}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "TrialRecord":
        """What `to_plain` gave."""
        rungs = tuple(
            RungScore(rung["steps"], tuple(rung["values"]), rung["seconds"])
            for rung in plain["rungs"]
        )
        return cls(
            **{
                **plain,
                "architecture": _architecture(plain["architecture"]),
                "state": State(plain["state"]),
                "rungs": rungs,
            }
        )


@lru_cache(maxsize=100_000)
def _architecture(text: str) -> Architecture:
    """Every record is read many times."""
    return Architecture.parse(text)


def number_of(trial: FrozenTrial) -> int:
    """The number of the first attempt at this trial."""
    first: int = trial.system_attrs.get(RETRIED, trial.number)
    return first


def is_surplus(trial: FrozenTrial) -> bool:
    """Whether it was begun although there were enough."""
    return bool(trial.user_attrs.get(RECORD, {}).get("surplus"))


class Reader:
    """Makes records of the trials of one study, again and again; one that has ended is read once."""

    def __init__(self) -> None:
        self._ended: dict[int, TrialRecord] = {}

    def records_of(self, trials: Iterable[FrozenTrial]) -> list[TrialRecord]:
        """Of all trials that have begun, in the order of their first attempts, without the surplus.

        The newest attempt counts.
        """
        newest: dict[int, TrialRecord] = {}
        for trial in sorted(trials, key=lambda t: t.number):
            if is_surplus(trial):
                continue
            record = self._ended.get(trial.number)
            if record is None:
                record = _record_of(trial)
                if record is None:
                    continue  # just asked for, or waiting
                if trial.state.is_finished():
                    self._ended[trial.number] = record
            newest[record.number] = record
        return [newest[number] for number in sorted(newest)]


def _record_of(trial: FrozenTrial) -> TrialRecord | None:
    plain = trial.user_attrs.get(RECORD)
    if plain is None:
        return None
    record = TrialRecord.from_plain(plain)
    if trial.state is TrialState.FAIL and record.state is State.RUNNING:
        return replace(record, state=State.FAILED, reason="its worker died, again and again")
    return record


def observations_at(
    records: Sequence[TrialRecord], rung: int, settings: TrialsSettings, stage: int
) -> list[Observation]:
    """Every record as a strategy sees it from one rung; those that were stopped before have no values,
    which counts as worse than all that came so far."""
    steps = settings.rung_steps[rung]
    level = Rung(stage, settings.rung_steps[-1])
    seen = []
    for record in records:
        here = next((score for score in record.rungs if score.steps == steps), None)
        state = State.COMPLETE if here else record.state
        if not here and state is State.COMPLETE:
            state = State.STOPPED
        values = here.values if here else ()
        seen.append(Observation(record.architecture, level, record.seed, values, state))
    return seen


def telling_rung(records: Sequence[TrialRecord], settings: TrialsSettings, enough: int) -> int:
    """The highest rung that at least `enough` trials have reached; 0 where none has (as in BOHB)."""
    for rung in reversed(range(settings.rungs)):
        steps = settings.rung_steps[rung]
        if sum(record.steps >= steps for record in records) >= enough:
            return rung
    return 0


def goals_of(settings: TrialsSettings) -> tuple[Goal, ...]:
    """The goals with their directions: only the inception score is better when it is higher."""
    return tuple(
        Goal(name, "maximise" if name == "inception_score" else "minimise")
        for name in settings.goals
    )


def front_of(records: Sequence[TrialRecord], settings: TrialsSettings) -> list[TrialRecord]:
    """Of the records that reached the highest rung that any did, those that none dominates (as good in
    every goal, better in one); the best by the first goal first."""
    steps = max((record.steps for record in records), default=0)
    if not steps:
        return []
    goals = goals_of(settings)
    reached = [record for record in records if record.steps == steps and record.values]
    gains = [tuple(g.gain(v) for g, v in zip(goals, r.values or (), strict=True)) for r in reached]
    return [reached[place] for place in first_front(gains)]
