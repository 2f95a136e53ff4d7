"""Optuna's samplers as strategies, and our strategies as an Optuna sampler.

Whatever a sampler knows beyond the trials would be lost at an interruption. So every proposal has a
fresh sampler, seeded by its number, and a fresh study in memory that holds the history. Nothing is
pickled, and nothing of a study is kept.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from autogan.basics.errors import UserError
from autogan.settings.search import Nsga2Settings
from autogan.spaces.architecture import Architecture
from autogan.spaces.decisions import option_text
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Goal, Observation, Rung, State, Strategy
from autogan.strategies.domain import Codes, Domain
from autogan.strategies.history import FromHistory, Seen

Sampler = Literal["tpe", "gp", "nsga2"]
LARGEST_SEED = 2**32
"""Optuna's seeds are below this."""


class _Question(CategoricalDistribution):
    """The codes of one question. All trials of a study share it, so it need not be copied or compared.

    Optuna does both for every trial at every proposal, which would take most of the time of a proposal.
    """

    def __init__(self, options: int) -> None:
        super().__init__(range(options))

    def __deepcopy__(self, memory: dict[int, Any]) -> "_Question":
        return self

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)

    __hash__ = CategoricalDistribution.__hash__


class OptunaStrategy(FromHistory):
    """TPE, Gaussian processes or NSGA-II of Optuna over the questions of a rung, each with unordered options.

    An architecture that failed counts as somewhat worse than the worst: a failure teaches these methods
    nothing, and they would propose its like again. One that is being scored is shown to them as running.
    All three work for several goals.
    """

    def __init__(
        self,
        space: SearchSpace,
        sampler: Sampler,
        seed: int,
        goals: Sequence[Goal] = (Goal("reward"),),
        nsga2: Nsga2Settings | None = None,
    ) -> None:
        super().__init__(space, seed, goals)
        self.sampler = sampler
        self.population = (nsga2 or Nsga2Settings()).population
        if sampler == "gp":
            _require_scipy()

    def _fresh_sampler(self, seed: int) -> BaseSampler:
        if self.sampler == "tpe":
            return TPESampler(seed=seed)
        if self.sampler == "nsga2":
            return NSGAIISampler(population_size=self.population, seed=seed)
        return optuna.samplers.GPSampler(seed=seed, warn_independent_sampling=False)

    def choose(self, domain: Domain, seen: Sequence[Seen], seed: int) -> Codes:
        """As `FromHistory.choose`."""
        names = list(domain.questions)
        distributions: dict[str, BaseDistribution] = {
            name: _Question(size) for name, size in zip(names, domain.sizes, strict=True)
        }
        with _quiet():
            study = optuna.create_study(
                directions=["maximize"] * len(self.goals),
                sampler=self._fresh_sampler(seed % LARGEST_SEED),
            )
            worst = _somewhat_worse_than_all(seen, len(self.goals))
            for trial in self._trials(seen, names, distributions, worst):
                study.add_trial(trial)
            asked = study.ask(distributions)
        return tuple(asked.params[name] for name in names)

    def _trials(
        self,
        seen: Sequence[Seen],
        names: Sequence[str],
        distributions: dict[str, BaseDistribution],
        worst: Sequence[float],
    ) -> Iterator[FrozenTrial]:
        ended = 0
        for one in seen:
            remembered = {}
            if self.sampler == "nsga2" and not one.running:
                # What the sampler would have noted: generations are filled in the order of the history.
                remembered[NSGAIISampler._get_generation_key()] = ended // self.population
                ended += 1
            yield create_trial(
                state=TrialState.RUNNING if one.running else TrialState.COMPLETE,
                values=None if one.running else list(one.gains or worst),
                params=dict(zip(names, one.codes, strict=True)),
                distributions=distributions,
                system_attrs=remembered,
            )


def _somewhat_worse_than_all(seen: Sequence[Seen], goals: int) -> tuple[float, ...]:
    """For each goal the worst gain, and a tenth of the way from the best to it further."""
    gains = [one.gains for one in seen if one.gains]
    if not gains:
        return (0.0,) * goals
    return tuple(min(g) - 0.1 * (max(g) - min(g)) for g in zip(*gains, strict=True))


def _require_scipy() -> None:
    if find_spec("scipy") is None:
        raise UserError("search.strategy=gp needs SciPy, which is not installed: pip install scipy")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's lines for every study and warning; its level is the process's, and is put back."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


class StrategySampler(BaseSampler):
    """One of our strategies as the sampler of an Optuna study, so that Optuna's storages and tools serve it.

        rung = Rung(stage=2, steps=1000)
        study = optuna.create_study(direction="maximize", sampler=StrategySampler(strategy, rung))

        def objective(trial):
            return score(suggest_architecture(trial, strategy.space, rung))

    The study's directions are those of the strategy's goals. Trials that failed, were pruned or run now are
    told to the strategy as such; one whose values are not all finite has failed. Trials that were not asked
    for an architecture teach nothing. A strategy that learns (`observe`) does so in the process whose trials
    they are; one that only reads the history may be shared by any number of processes.
    """

    def __init__(self, strategy: Strategy, rung: Rung, seed: int = 0) -> None:
        self.strategy = strategy
        self.rung = rung
        self.seed = seed
        self._distributions = distributions_of(strategy.space, rung)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The questions of the rung."""
        wanted = [goal.direction.replace("s", "z") for goal in self.strategy.goals]
        given = [direction.name.lower() for direction in study.directions]
        if wanted != given:
            raise UserError(f"The strategy's goals are to {wanted}, the study's to {given}.")
        return dict(self._distributions)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What the strategy proposes."""
        history = [
            self.observation(other)
            for other in study.get_trials(deepcopy=False)
            if other.number != trial.number and self._asked(other)
        ]
        (proposal,) = self.strategy.propose(1, self.rung, history)
        return parameters_of(proposal, self.strategy.space, self.rung)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Is asked for parameters of other origin: there are none."""
        raise UserError(
            f"{param_name!r} is no question of this search space, or has other options there. Take "
            "suggest_architecture(trial, strategy.space, rung)."
        )

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """The strategy learns from a trial of this process that is complete."""
        if state is not TrialState.COMPLETE or values is None or not self._asked(trial):
            return
        observed = self._observed(trial, State.COMPLETE, values)
        if observed.state is State.COMPLETE:
            self.strategy.observe([observed])

    def _asked(self, trial: FrozenTrial) -> bool:
        """Whether the trial was asked for an architecture of the rung."""
        return self._distributions.keys() <= trial.params.keys()

    def observation(self, trial: FrozenTrial) -> Observation:
        """A trial of the study, which was asked for an architecture, as strategies see it."""
        state = _STATES[trial.state]
        values = trial.values if state is State.COMPLETE else ()
        return self._observed(trial, state, values)

    def _observed(self, trial: FrozenTrial, state: State, values: Sequence[float]) -> Observation:
        architecture = architecture_of(trial.params, self.strategy.space, self.rung)
        if not all(map(math.isfinite, values)):
            state, values = State.FAILED, ()
        return Observation(architecture, self.rung, self.seed, tuple(values), state)


_STATES = {
    TrialState.COMPLETE: State.COMPLETE,
    TrialState.PRUNED: State.STOPPED,
    TrialState.FAIL: State.FAILED,
    TrialState.RUNNING: State.RUNNING,
    TrialState.WAITING: State.RUNNING,
}


def distributions_of(space: SearchSpace, rung: Rung) -> dict[str, BaseDistribution]:
    """The questions of a rung as Optuna's parameters, whose options are words."""
    return {
        name: CategoricalDistribution(words) for name, words in _words(Domain(space, rung)).items()
    }


def parameters_of(architecture: Architecture, space: SearchSpace, rung: Rung) -> dict[str, Any]:
    """An architecture of a rung as Optuna's parameters."""
    domain = Domain(space, rung)
    codes = domain.encode(architecture)
    assert codes is not None, f"{architecture} is not of {rung}"
    words = _words(domain)
    return {name: words[name][code] for name, code in zip(words, codes, strict=True)}


def architecture_of(parameters: dict[str, Any], space: SearchSpace, rung: Rung) -> Architecture:
    """The architecture of `parameters_of`'s parameters."""
    domain = Domain(space, rung)
    words = _words(domain)
    return domain.decode([words[name].index(parameters[name]) for name in words])


def suggest_architecture(trial: optuna.Trial, space: SearchSpace, rung: Rung) -> Architecture:
    """The architecture that a study's sampler, ours or another, suggests for a trial."""
    words = _words(Domain(space, rung))
    suggested = {name: trial.suggest_categorical(name, of) for name, of in words.items()}
    return architecture_of(suggested, space, rung)


def _words(domain: Domain) -> dict[str, list[str]]:
    return {
        name: [str(o) if isinstance(o, Architecture) else option_text(o) for o in options]
        for name, options in domain.questions.items()
    }
