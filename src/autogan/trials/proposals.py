"""What is trained next: a strategy's proposal over the history in the database, within the limits."""

import random
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from autogan.basics.errors import UserError
from autogan.basics.randomness import derived_seed
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.strategies import make_strategy, refuse_several_goals
from autogan.strategies.base import Observation, Rung, State
from autogan.strategies.optuna import (
    architecture_of,
    distributions_of,
    parameters_of,
)
from autogan.strategies.replay import Replay
from autogan.trials.limits import Costs
from autogan.trials.records import goals_of, number_of, observations_at, telling_rung
from autogan.trials.storage import write_parameters
from autogan.trials.study import Ledger, ordinal_of

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


class TrialSampler(BaseSampler):
    """The run's strategy as Optuna asks it: seeded by the trial's place in the study, and nothing else.

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

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Every decision of the space."""
        return dict(self._distributions)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The options of the proposed architecture."""
        trials = self._ledger.trials()
        records = self._ledger.records(trials)
        rung = FIRST if self._replay else telling_rung(records, self._settings.trials, ENOUGH)
        history = observations_at(records, rung, self._settings.trials, self._level.stage)
        number = ordinal_of(number_of(trial), trials)
        proposal = self.proposal(number, history)
        return parameters_of(proposal, self._space, self._level)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Is not asked: all parameters are relative."""
        raise AssertionError(f"{param_name} is no decision of the space")

    def proposal(self, number: int, history: Sequence[Observation]) -> Architecture:
        """The architecture of the trial of that number, within the limits.

        One beyond them is told to the strategy as failed, and it is asked again.
        """
        limits, seen = self._settings.trials.limits, list(history)
        for attempt in range(PROPOSALS):
            seed = derived_seed(self._settings.seed, f"trial/{number}/{attempt}")
            architecture = self._proposed(seed, seen)
            if not self._costs.exceeded(architecture, limits):
                return architecture
            seen.append(Observation(architecture, self._level, 0, (), State.FAILED))
        stream = random.Random(derived_seed(self._settings.seed, f"trial/{number}/uniform"))
        for _ in range(DRAWS):
            architecture = self._space.sample(stream)
            if not self._costs.exceeded(architecture, limits):
                return architecture
        raise UserError(
            f"Hardly an architecture keeps trials.limits: none of {DRAWS:,} random ones did. Raise them."
        )

    def _proposed(self, seed: int, history: Sequence[Observation]) -> Architecture:
        if self._replay:
            return self._replay.propose(self._level, history, seed)
        goals = goals_of(self._settings.trials)
        strategy = make_strategy(self._settings.search, self._space, seed, goals)
        (architecture,) = strategy.propose(1, self._level, history)
        return architecture

    def suggested(self, trial: optuna.Trial) -> Architecture:
        """The architecture of a trial that was just asked for, which the storage knows from then on."""
        known = trial.params  # of a trial that is taken up
        missing = self._distributions.keys() - known.keys()
        if missing:
            proposed = {name: trial.relative_params[name] for name in missing}
            write_parameters(self._distributions, proposed, trial)
            known = {**known, **proposed}
        return architecture_of(known, self._space, self._level)
