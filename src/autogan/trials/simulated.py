"""A search on a table: one worker trains from scratch, on a clock of simulated seconds.

What is trained takes the time, and says the validation scores, that the table has. A search is judged
by the test score of what it has found by then: its regret.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from autogan.basics.errors import UserError, unknown_name
from autogan.basics.randomness import derived_seed
from autogan.settings.search import SearchSettings
from autogan.spaces.architecture import Architecture
from autogan.strategies import make_strategy
from autogan.strategies.base import Goal, Observation, Rung, State, Strategy
from autogan.trials.table import Table
from autogan.trials.table_values import HIGHER_IS_BETTER, ScoreName

STRATEGIES = ("random", "evolution", "local-search", "tpe", "nsga2", "reinforce", "gp")
"""Those that work without shared weights."""
HALVING = "+halving"
"""Ends the name of a strategy whose trainings go on to the next rung only if they are among the best."""
ENOUGH = 8
"""Trainings on a rung from which on a strategy goes by it rather than by the one before."""


@dataclass(frozen=True)
class Contest:
    """What searches on a table are compared by: one score, and seed 0 of the table's trainings.

    Raises `UserError` where the table is not whole, or has no such score.
    """

    table: Table
    score: ScoreName = "frechet_distance"

    def __post_init__(self) -> None:
        self.table.refuse_partial("a comparison of strategies")
        if not self._values:
            raise UserError(f"{self.table.name} has no training with this score: {self.score}.")

    @cached_property
    def goal(self) -> Goal:
        """The score with its direction."""
        return Goal(self.score, "maximise" if self.score in HIGHER_IS_BETTER else "minimise")

    @cached_property
    def _values(self) -> dict[Architecture, float]:
        """Test scores at the last rung, of what reached it."""
        last = len(self.table.rungs) - 1
        ends = {a: self.table.query(a).at(last) for a in self.table.architectures}
        values = {a: getattr(end.test, self.score) for a, end in ends.items() if end}
        return {a: value for a, value in values.items() if value is not None}

    @cached_property
    def optimum(self) -> float:
        """The best test score of all members."""
        return max(self._values.values(), key=self.goal.gain)

    @cached_property
    def average(self) -> float:
        """The mean of all members that did not diverge: what is expected of one drawn blindly."""
        return sum(self._values.values()) / len(self._values)

    @cached_property
    def training_seconds(self) -> float:
        """What a training takes on average that is scored at its end alone."""
        seconds = [_seconds_at_once(self.table, a) for a in self.table.architectures]
        return sum(seconds) / len(seconds)

    def regret(self, architecture: Architecture | None) -> float:
        """How much worse its test score is than the optimum; 0 or more.

        None: nothing was found yet; like what diverges at a later rung it has the regret of the average.
        """
        value = None if architecture is None else self._values.get(architecture)
        return abs((self.average if value is None else value) - self.optimum)


@dataclass(frozen=True)
class Found:
    """From these simulated seconds on, this architecture was the best that a search knew."""

    seconds: float
    architecture: Architecture


def search(contest: Contest, name: str, seed: int, budget_seconds: float) -> list[Found]:
    """What a strategy found and when, until the clock reached the budget.

    name: one of STRATEGIES with its default settings; with +halving successive halving (ASHA, arXiv
    1810.05934) by the table's rungs and reduction decides which trainings go on. The best is that of the
    best validation score at the highest rung that any training has reached.
    """
    return _Search(contest, name, seed, budget_seconds).run()


def strategy_of(name: str, contest: Contest, seed: int) -> Strategy:
    """The strategy of a name, without or with +halving. Raises `UserError` for an unknown one."""
    plain = name.removesuffix(HALVING)
    if plain not in STRATEGIES:
        raise unknown_name("strategy", plain, STRATEGIES)
    settings = SearchSettings.model_validate({"strategy": plain})
    return make_strategy(settings, contest.table.space, seed, (contest.goal,))


def _seconds_at_once(table: Table, architecture: Architecture) -> float:
    """Of a training that goes to its end, or diverges, without being scored before."""
    record = table.query(architecture)
    end = record.at(len(table.rungs) - 1)
    return end.training_seconds + end.scoring_seconds if end else record.seconds


class _Search:
    def __init__(self, contest: Contest, name: str, seed: int, budget_seconds: float) -> None:
        self._contest = contest
        self._table = table = contest.table
        # Of the whole name: searches that are compared with each other draw independently.
        self._strategy = strategy_of(name, contest, derived_seed(seed, name))
        self._level = Rung(table.space.stages - 1, table.rungs[-1])
        self._halving = name.endswith(HALVING)
        self._reduction = int(table.identity.recipe["trials"]["reduction"])
        self._budget = budget_seconds
        self._clock = 0.0
        self._trained: list[tuple[Architecture, list[float], State]] = []
        """Of each training: its architecture, its score at each rung that it reached, how it ended."""
        self._found: list[Found] = []
        self._best: tuple[int, float] = (-1, 0.0)  # rung and gain

    def run(self) -> list[Found]:
        while self._clock < self._budget:
            (architecture,) = self._strategy.propose(1, self._level, self._history())
            self._train(architecture)
        return self._found

    def _train(self, architecture: Architecture) -> None:
        """Through its rungs, until it is stopped, diverges, or the time is over."""
        values: list[float] = []
        last = len(self._table.rungs) - 1
        for rung in range(last + 1):
            if not self._halving and rung < last:
                continue
            told = self._table.simulate(architecture, rung)
            at_once = _seconds_at_once(self._table, architecture)
            self._clock += told.seconds if self._halving else at_once
            if self._clock > self._budget:
                return
            if told.values is None:
                self._end(architecture, values, State.DIVERGED)
                return
            values.append(getattr(told.values.validation, self._contest.score))
            self._look_at(architecture, rung, values[-1])
            if rung < last and not self._goes_on(values):
                self._end(architecture, values, State.STOPPED)
                return
        self._end(architecture, values, State.COMPLETE)

    def _look_at(self, architecture: Architecture, rung: int, value: float) -> None:
        reached = (rung, self._contest.goal.gain(value))
        if reached > self._best:
            self._best = reached
            self._found.append(Found(self._clock, architecture))

    def _goes_on(self, values: Sequence[float]) -> bool:
        """As `halving.goes_on` with one goal, which many searches cannot wait for."""
        gain, place = self._contest.goal.gain, len(values) - 1
        own, others = (
            gain(values[-1]),
            [gain(v[place]) for _, v, _ in self._trained if len(v) > place],
        )
        places = max(1, (len(others) + 1) // self._reduction)
        return sum(other > own for other in others) < places

    def _end(self, architecture: Architecture, values: list[float], state: State) -> None:
        self._trained.append((architecture, values, state))
        if values:  # the first, as in searches by trials: that one all have, the worse ones too
            self._strategy.observe([Observation(architecture, self._level, 0, (values[0],))])

    def _history(self) -> list[Observation]:
        """All trainings, with their values at the highest rung that enough of them have reached."""
        rungs = len(self._table.rungs) if self._halving else 1
        counts = [sum(len(v) > rung for _, v, _ in self._trained) for rung in range(rungs)]
        telling = max((r for r in range(rungs) if counts[r] >= ENOUGH), default=0)
        seen = []
        for architecture, values, state in self._trained:
            reached = len(values) > telling
            observed = (values[telling],) if reached else ()
            here = State.COMPLETE if reached else state
            seen.append(Observation(architecture, self._level, 0, observed, here))
        return seen
