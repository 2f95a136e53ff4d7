"""What is trained next: a strategy's proposal over the history in the database, within the limits."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import optuna

from autogan.basics.errors import UserError
from autogan.basics.randomness import derived_seed
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.spaces.limits import Costs
from autogan.spaces.space import SearchSpace
from autogan.strategies import make_strategy, refuse_several_goals
from autogan.strategies.base import Descent, Observation, Rung, State
from autogan.strategies.optuna import architecture_of, distributions_of, parameters_of
from autogan.strategies.replay import Replay
from autogan.trials.records import (
    TrialRecord,
    goals_of,
    number_of,
    observations_at,
    telling_rung,
)
from autogan.trials.storage import write_parameters
from autogan.trials.study import Ledger, ordinal_of
from autogan.trials.surrogate import Surrogate, surrogate_of

FIRST = 0
"""The rung whose values `reinforce` learns from: only there every trial has one, the worse ones too."""
ENOUGH = 8
"""Trials on a rung from which on strategies go by it rather than by the one before."""
PROPOSALS = 50
"""Of a strategy for one trial, before an architecture within the limits is drawn at random."""
DRAWS = 20_000


def refuse_strategy(settings: Settings) -> None:
    """Raises `UserError` for a strategy that needs shared weights, or one that cannot have these goals."""
    if settings.search.strategy == "gradient":
        raise UserError(
            "search.strategy=gradient learns from the loss of shared weights, and trials have "
            "none. Take reinforce, random, evolution, local-search, tpe, gp or nsga2: --strategy tpe"
        )
    refuse_several_goals(settings.search.strategy, goals_of(settings.trials))


@dataclass(frozen=True)
class Proposal:
    """What a trial is to train.

    parent: the number of the latest trial of the architecture that this one is a changed copy of, where
    the strategy makes copies. foreseen: whether the surrogate chose it among proposals of the strategy.
    """

    architecture: Architecture
    parent: int | None = None
    foreseen: bool = False


class Proposer:
    """Asks the run's strategy, seeded by the trial's place in the study and by nothing else.

    So any number of processes may ask, and a search goes on exactly from its database.
    """

    def __init__(
        self, settings: Settings, space: SearchSpace, costs: Costs, ledger: Ledger
    ) -> None:
        self._settings = settings
        self._space = space
        self._costs = costs
        self._ledger = ledger
        self._level = Rung(space.stages - 1, settings.trials.rung_steps[-1])
        self._distributions = distributions_of(space, self._level)
        self._replay = (
            Replay(space, settings.search.controller, settings.seed, goals_of(settings.trials)[0])
            if settings.search.strategy == "reinforce"
            else None
        )

    def propose(self, trial: optuna.Trial) -> Proposal:
        """For a trial that was just asked for; its storage knows the architecture from then on.

        A trial that is taken up has its architecture already.
        """
        known = trial.params
        missing = self._distributions.keys() - known.keys()
        if not missing:
            return Proposal(architecture_of(known, self._space, self._level))
        trials = self._ledger.trials()
        first = next(number_of(t) for t in trials if t.number == trial.number)
        proposal = self.proposal(ordinal_of(first, trials), self._ledger.records(trials))
        proposed = parameters_of(proposal.architecture, self._space, self._level)
        write_parameters(self._distributions, {name: proposed[name] for name in missing}, trial)
        return proposal

    def proposal(self, number: int, records: Sequence[TrialRecord]) -> Proposal:
        """That of the trial of that number, within the limits.

        What lies beyond them is told to the strategy as refused, and it is asked again.
        """
        settings = self._settings.trials
        rung = FIRST if self._replay else telling_rung(records, settings, ENOUGH)
        seen = observations_at(records, rung, settings, self._level.stage)
        surrogate = self._surrogate(records)
        for attempt in range(PROPOSALS):
            seed = derived_seed(self._settings.seed, f"trial/{number}/{attempt}")
            asked = self._asked(settings.pool if surrogate else 1, seed, seen)
            kept = [d for d in asked if self._keeps_limits(d.architecture)]
            if kept:
                chosen = _most_promising(surrogate, kept, records) if surrogate else kept[0]
                return Proposal(
                    chosen.architecture, _number_of(chosen.parent, records), surrogate is not None
                )
            seen += [
                Observation(d.architecture, self._level, 0, (), State.FAILED, refused=True)
                for d in asked
            ]
        stream = random.Random(derived_seed(self._settings.seed, f"trial/{number}/uniform"))
        for _ in range(DRAWS):
            architecture = self._space.sample(stream)
            if self._keeps_limits(architecture):
                return Proposal(architecture)
        raise UserError(
            f"Hardly an architecture keeps search.limits: none of {DRAWS:,} random ones did. Raise them."
        )

    def _surrogate(self, records: Sequence[TrialRecord]) -> Surrogate | None:
        """One that may choose; None where none is wanted, or it knows too little."""
        if self._settings.trials.surrogate == "none":
            return None
        found = surrogate_of(records, self._settings.trials, self._space)
        return found if found is not None and found.agreement.trusted else None

    def _asked(self, count: int, seed: int, history: Sequence[Observation]) -> list[Descent]:
        """`count` proposals of the strategy."""
        if self._replay:
            return self._replay.propose(count, self._level, history, seed)
        goals = goals_of(self._settings.trials)
        strategy = make_strategy(self._settings.search, self._space, seed, goals)
        if self._settings.search.limits.given:
            strategy.allows = self._keeps_limits
        return strategy.descents(count, self._level, history)

    def _keeps_limits(self, architecture: Architecture) -> bool:
        return not self._costs.exceeded(architecture, self._settings.search.limits)


def _most_promising(
    surrogate: Surrogate, proposals: Sequence[Descent], records: Sequence[TrialRecord]
) -> Descent:
    """The best predicted of those that were not trained yet; of all where every one was."""
    trained = {record.architecture for record in records}
    new = [d for d in proposals if d.architecture not in trained] or list(proposals)
    return new[int(surrogate.predict([d.architecture for d in new]).argmax())]


def _number_of(parent: Architecture | None, records: Sequence[TrialRecord]) -> int | None:
    """That of the latest trial of an architecture."""
    return next((r.number for r in reversed(records) if r.architecture == parent), None)
