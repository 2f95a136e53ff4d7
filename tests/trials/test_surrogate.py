"""The surrogate: right where decisions add up, silent where they say nothing, honest about which it is."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau
from simulated import settings_with, study_at, without_training, worker_at

from autogan.basics.errors import UserError
from autogan.settings.trials import TrialsSettings
from autogan.spaces import search_space
from autogan.strategies.base import State
from autogan.testing import AdditiveToy
from autogan.trials.rank_correlation import kendall
from autogan.trials.records import RungScore, TrialRecord
from autogan.trials.study import Ledger
from autogan.trials.surrogate import FEWEST, Surrogate, surrogate_of

SPACE = search_space("autogan", 3)


def records(count: int, seed: int, noise: float, steps: int = 10) -> list[TrialRecord]:
    """Trials of one rung, whose distance is what the toy lacks; noise alone where noise is infinite."""
    stream, toy = random.Random(seed), AdditiveToy(SPACE, seed)
    made = []
    for number in range(count):
        architecture = SPACE.sample(stream)
        value = stream.gauss(0, 1)
        if noise < float("inf"):
            value = -toy.value(architecture) + noise * value
        score = RungScore(steps, (value,), 1.0)
        made.append(TrialRecord(number, architecture, 0, State.COMPLETE, (score,)))
    return made


def fitted(known: list[TrialRecord]) -> Surrogate:
    found = surrogate_of(known, TrialsSettings(steps=10, rungs=1), SPACE)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(3))
def test_it_orders_what_it_has_not_seen_where_decisions_add_up(seed: int) -> None:
    surrogate, toy = fitted(records(150, seed, noise=1.0)), AdditiveToy(SPACE, seed)
    assert surrogate.agreement.trusted and surrogate.agreement.architectures == 150
    stream = random.Random(100 + seed)
    unseen = [SPACE.sample(stream) for _ in range(300)]
    values = np.array([toy.value(architecture) for architecture in unseen])
    assert kendall(surrogate.predict(unseen), values) > 0.6
    best = int(surrogate.predict(unseen).argmax())
    assert values[best] > toy.mean(3) + toy.deviation(3)


def test_its_agreement_is_that_of_models_that_left_each_trial_out() -> None:
    known = records(40, 0, noise=2.0)
    gains = [-r.rungs[0].values[0] for r in known]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autogan.trials.surrogate.PENALTIES", (1.0,))
        whole = Surrogate(SPACE, 10, [r.architecture for r in known], gains)
        left_out = []
        for number, record in enumerate(known):
            others = [r.architecture for r in known if r is not record]
            model = Surrogate(SPACE, 10, others, [*gains[:number], *gains[number + 1 :]])
            left_out.append(float(model.predict([record.architecture])[0]))
    expected = kendalltau(gains, left_out).statistic
    assert whole.agreement.tau == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("count", [FEWEST, 30, 60])
def test_where_decisions_say_nothing_it_is_hardly_ever_trusted(count: int) -> None:
    trusted = [fitted(records(count, s, float("inf"))).agreement.trusted for s in range(100)]
    assert sum(trusted) <= 8


def test_too_few_architectures_say_nothing_and_seeds_of_one_count_once() -> None:
    known = records(FEWEST, 0, noise=1.0)
    settings = TrialsSettings(steps=10, rungs=1)
    assert surrogate_of(known[:-1], settings, SPACE) is None
    again = [TrialRecord(99, known[0].architecture, 1, State.COMPLETE, known[0].rungs)]
    assert surrogate_of([*known[:-1], *again], settings, SPACE) is None
    assert fitted([*known, *again]).agreement == fitted(known).agreement


def test_the_highest_rung_with_enough_trials_is_predicted() -> None:
    known = records(40, 0, noise=1.0)
    higher = [
        TrialRecord(n, r.architecture, 0, r.state, (*r.rungs, RungScore(30, (0.0,), 2.0)))
        for n, r in enumerate(known)
    ]
    settings = TrialsSettings(steps=10, rungs=2)
    few, many = [*higher[: FEWEST - 1], *known[FEWEST - 1 :]], [*higher[:FEWEST], *known[FEWEST:]]
    for mixed, steps in ((few, 10), (many, 30)):
        found = surrogate_of(mixed, settings, SPACE)
        assert found is not None and found.agreement.steps == steps


@pytest.mark.parametrize("strategy", ["random", "reinforce", "evolution"])
def test_a_search_with_it_finds_better_ones_and_goes_on_exactly(
    strategy: str, tmp_path: Path
) -> None:
    toy = AdditiveToy(SPACE, 5)
    given = [f"search.strategy={strategy}", "trials.count=60", "trials.rungs=1"]

    def searched(name: str, *more: str, interrupted: bool = False) -> list[TrialRecord]:
        settings, address = settings_with(*given, *more), f"sqlite:///{tmp_path / name}"
        with pytest.MonkeyPatch.context() as patch:
            without_training(patch, lambda architecture, steps: 50 - toy.value(architecture))
            for _ in range(35 if interrupted else 0):
                worker_at(address, settings, tmp_path)._one()
            worker_at(address, settings, tmp_path).work()
        return Ledger(study_at(address, settings)).records()

    plain, whole = searched("plain"), searched("whole", "trials.surrogate=ridge")
    again = searched("again", "trials.surrogate=ridge", interrupted=True)
    assert [replace(r, worker="") for r in whole] == [replace(r, worker="") for r in again]
    assert not any(r.foreseen for r in plain) and not any(r.foreseen for r in whole[:FEWEST])
    assert sum(r.foreseen for r in whole) > 20

    def last(found: list[TrialRecord]) -> float:
        return sum(toy.value(r.architecture) for r in found[-20:]) / 20

    if strategy == "random":  # the others come to the optimum by themselves
        assert last(whole) > last(plain) + toy.deviation(3)


def test_a_pool_of_one_is_refused() -> None:
    with pytest.raises(UserError, match=r"trials\.pool"):
        settings_with("trials.pool=1")
