"""Optuna's samplers as strategies, and strategies as an Optuna sampler."""

import logging
import math
from importlib import util

import optuna
import pytest

from autogan.basics.errors import UserError
from autogan.settings.search import SearchSettings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.strategies import make_strategy
from autogan.strategies.base import Goal, Observation, Rung, State
from autogan.strategies.optuna import (
    StrategySampler,
    architecture_of,
    parameters_of,
    suggest_architecture,
)
from autogan.testing import AdditiveToy

SPACE = search_space("autogan", 3)
RUNG = Rung(2, 100)
TOY = AdditiveToy(SPACE, 0)
optuna.logging.set_verbosity(optuna.logging.WARNING)


def strategy(name: str, **goals: tuple[Goal, ...]):  # type: ignore[no-untyped-def]
    return make_strategy(SearchSettings(strategy=name, nsga2={"population": 10}), SPACE, 0, **goals)


def objective(trial: optuna.Trial) -> float:
    return TOY.value(suggest_architecture(trial, SPACE, RUNG))


@pytest.mark.parametrize("name", ["evolution", "local-search"])
def test_a_study_with_our_sampler_is_our_search(name: str) -> None:
    study = optuna.create_study(direction="maximize", sampler=StrategySampler(strategy(name), RUNG))
    study.optimize(objective, n_trials=40)
    history: list[Observation] = []
    for trial in study.trials:
        (expected,) = strategy(name).propose(1, RUNG, history)
        assert architecture_of(trial.params, SPACE, RUNG) == expected
        history.append(TOY.observed(expected, RUNG, 0))


def test_a_study_goes_on_exactly_with_a_new_sampler(tmp_path) -> None:  # type: ignore[no-untyped-def]
    def study(name: str) -> optuna.Study:
        return optuna.create_study(
            storage=f"sqlite:///{tmp_path / name}.db",
            study_name="s",
            direction="maximize",
            sampler=StrategySampler(strategy("evolution"), RUNG),
            load_if_exists=True,
        )

    study("whole").optimize(objective, n_trials=30)
    for _ in range(3):
        study("parts").optimize(objective, n_trials=10)
    whole, parts = ([t.params for t in study(n).trials] for n in ("whole", "parts"))
    assert whole == parts and len(whole) == 30


def test_trials_that_gave_nothing_are_told_as_such() -> None:
    sampler = StrategySampler(strategy("evolution"), RUNG)
    study = optuna.create_study(direction="maximize", sampler=sampler)

    def sometimes(trial: optuna.Trial) -> float:
        suggest_architecture(trial, SPACE, RUNG)
        if trial.number == 0:
            raise optuna.TrialPruned
        if trial.number == 1:
            raise ArithmeticError
        return 1.0

    study.optimize(sometimes, n_trials=3, catch=ArithmeticError)
    suggest_architecture(study.ask(), SPACE, RUNG)
    states = [sampler.observation(trial).state for trial in study.trials]
    assert states == [State.STOPPED, State.FAILED, State.COMPLETE, State.RUNNING]


@pytest.mark.parametrize("name", ["evolution", "reinforce"])
def test_a_study_goes_on_after_infinite_values_and_trials_without_an_architecture(
    name: str,
) -> None:
    learner = strategy(name)
    sampler = StrategySampler(learner, RUNG)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    learned: list[Observation] = []
    learner.observe = lambda observed: learned.extend(observed) or {}

    def sometimes(trial: optuna.Trial) -> float:
        if trial.number == 1:
            return 1.0
        suggest_architecture(trial, SPACE, RUNG)
        return {0: math.inf, 2: -math.inf}.get(trial.number, 3.0)

    study.optimize(sometimes, n_trials=5)
    assert [observation.values for observation in learned] == [(3.0,), (3.0,)]
    told = [sampler.observation(trial) for trial in study.trials if trial.params]
    assert [one.state for one in told] == [*[State.FAILED] * 2, *[State.COMPLETE] * 2]
    assert told[0].values == () and study.trials[0].state is optuna.trial.TrialState.COMPLETE


def test_what_is_not_of_the_space_is_refused() -> None:
    study = optuna.create_study(
        direction="maximize", sampler=StrategySampler(strategy("random"), RUNG)
    )
    with pytest.raises(UserError, match="'depth' is no question"):
        study.ask().suggest_int("depth", 1, 3)
    minimised = optuna.create_study(sampler=StrategySampler(strategy("random"), RUNG))
    with pytest.raises(UserError, match="goals are to"):
        suggest_architecture(minimised.ask(), SPACE, RUNG)


def test_parameters_and_architectures_are_one_to_one() -> None:
    architecture = Architecture.parse("autogan-a")
    parameters = parameters_of(architecture, SPACE, RUNG)
    assert architecture_of(parameters, SPACE, RUNG) == architecture
    assert parameters["generator cell 2 shortcut"] in ("yes", "no")


@pytest.mark.parametrize("name", ["tpe", "nsga2"])
def test_the_log_is_quiet_and_its_level_put_back(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    optuna.logging.enable_propagation()
    before = optuna.logging.get_verbosity()
    try:
        optuna.logging.set_verbosity(optuna.logging.INFO)
        with caplog.at_level(logging.DEBUG):
            strategy(name).propose(2, RUNG, [])
        assert not caplog.records
        assert optuna.logging.get_verbosity() == optuna.logging.INFO
    finally:
        optuna.logging.set_verbosity(before)
        optuna.logging.disable_propagation()


def test_without_scipy_gp_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autogan.strategies.optuna.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install scipy"):
        strategy("gp")
    assert strategy("tpe") and util.find_spec("optuna")
