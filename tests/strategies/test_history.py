"""Evolution and local search, decision by decision; and what all that only read the history share."""

import random

import pytest

from autogan.basics.errors import UserError
from autogan.settings.search import EvolutionSettings, SearchSettings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.strategies import STRATEGIES, make_strategy
from autogan.strategies.base import Goal, Observation, Rung, State
from autogan.strategies.domain import Codes, Domain
from autogan.strategies.evolution import Evolution
from autogan.strategies.history import FromHistory
from autogan.strategies.local_search import LocalSearch

SPACE = search_space("autogan", 1)
RUNG = Rung(0)
DOMAIN = Domain(SPACE, RUNG)
HISTORY_STRATEGIES = ("evolution", "local-search", "tpe", "nsga2")


def observed(
    architecture: Architecture, *values: float, state: State = State.COMPLETE
) -> Observation:
    return Observation(architecture, RUNG, 0, values, state)


def differences(one: Architecture, other: Architecture) -> int:
    return sum(a != b for a, b in zip(one.to_vector(), other.to_vector(), strict=True))


def some(count: int, seed: int = 0) -> list[Architecture]:
    stream = random.Random(seed)
    found: dict[Architecture, None] = {}
    while len(found) < count:
        found.setdefault(SPACE.sample(stream))
    return list(found)


def codes_of(architecture: Architecture) -> Codes:
    codes = DOMAIN.encode(architecture)
    assert codes is not None
    return codes


def evolution(population: int, tournament: int, check: bool = True) -> Evolution:
    """check: whether the tournament may be no larger than the population."""
    make = EvolutionSettings if check else EvolutionSettings.model_construct
    return Evolution(SPACE, make(population=population, tournament=tournament), 0)


def test_the_first_population_is_uniform() -> None:
    history = [observed(SPACE.first(), 9.0)] * 19
    assert len({evolution(20, 20).propose(1, RUNG, history[:n])[0] for n in range(20)}) > 10


def test_the_parent_is_the_best_of_those_drawn_from_the_latest() -> None:
    """A tournament so large that all five are drawn; what is better than all of them is too old."""
    old, best, *others = some(6)
    earlier = [observed(old, 99.0)]
    latest = [observed(best, 5.0), *(observed(other, 1.0) for other in others)]
    children = set()
    for number in range(60):
        history = earlier * (1 + number) + latest
        (child,) = evolution(5, 60, check=False).propose(1, RUNG, history)
        assert differences(child, best) == 1
        children.add(child)
    assert children == {DOMAIN.decode(n) for n in DOMAIN.neighbours(codes_of(best))}


def test_failures_are_members_that_lose_every_tournament() -> None:
    good, *failed = some(4)
    latest = [observed(good, -1e9), *(observed(f, state=State.DIVERGED) for f in failed)]
    for number in range(20):
        history = [observed(failed[0], state=State.FAILED)] * number + latest
        (child,) = evolution(4, 60, check=False).propose(1, RUNG, history)
        assert differences(child, good) == 1


def test_local_search_asks_all_neighbours_before_it_begins_again() -> None:
    start = SPACE.first()
    history = [observed(start, 5.0)]
    neighbours = set()
    for _ in range(sum(size - 1 for size in DOMAIN.sizes)):
        (proposal,) = LocalSearch(SPACE, 0).propose(1, RUNG, history)
        assert differences(proposal, start) == 1
        neighbours.add(proposal)
        history.append(observed(proposal, 1.0))
    assert len(neighbours) == len(history) - 1, "it asked for one twice"
    (again,) = LocalSearch(SPACE, 0).propose(1, RUNG, history)
    assert differences(again, start) > 1


def test_local_search_goes_on_from_what_is_better() -> None:
    start, better = SPACE.first(), some(9)[5]
    history = [observed(start, 1.0), observed(better, 2.0)]
    assert differences(LocalSearch(SPACE, 0).propose(1, RUNG, history)[0], better) == 1
    # A lucky scoring is forgotten when the mean of several is worse.
    history += [observed(better, -9.0)]
    assert differences(LocalSearch(SPACE, 0).propose(1, RUNG, history)[0], start) == 1


def test_local_search_goes_on_where_everything_was_seen() -> None:
    history = [observed(a, float(n)) for n, a in enumerate(some(36))]
    assert len(set(LocalSearch(SPACE, 0).propose(50, RUNG, history))) > 15


@pytest.mark.parametrize("name", HISTORY_STRATEGIES)
def test_several_goals_work(name: str) -> None:
    goals = (Goal("score"), Goal("cost", "minimise"))
    settings = SearchSettings(strategy=name, nsga2={"population": 10})
    space, rung = search_space("autogan", 3), Rung(2, 100)
    strategy = make_strategy(settings, space, 0, goals)
    history: list[Observation] = []

    def values(a: Architecture) -> tuple[float, float]:
        """Each goal is about decisions of its own: pre everywhere, and no skips."""
        return float(sum(c[0] == "pre" for c in a.taken)), float(
            sum(len(c[-1]) for c in a.taken[1:])
        )

    for _ in range(120):
        (proposal,) = strategy.propose(1, rung, history)
        history.append(Observation(proposal, rung, 0, values(proposal)))
    latest = [values(o.architecture) for o in history[-40:]]
    gain = sum(score - cost for score, cost in latest) / 40
    assert gain > 0.75, f"{gain}, and uniform proposals have 1.5 - 1.5 on average"


@pytest.mark.parametrize("name", ["reinforce", "gradient"])
def test_one_goal_alone_is_said(name: str) -> None:
    with pytest.raises(UserError, match="one goal, not for 2"):
        make_strategy(SearchSettings(strategy=name), SPACE, 0, (Goal("a"), Goal("b")))


@pytest.mark.parametrize("name", HISTORY_STRATEGIES)
def test_it_keeps_no_state(name: str) -> None:
    strategy = make_strategy(SearchSettings(strategy=name), SPACE, 0)
    assert isinstance(strategy, FromHistory) and strategy.state_dict() == {}
    history = [observed(a, float(n)) for n, a in enumerate(some(30))]
    first = strategy.propose(3, RUNG, history)
    assert strategy.propose(3, RUNG, history) == first, "asking changed it"
    waiting = [*history, observed(first[0], state=State.RUNNING)]
    assert strategy.propose(2, RUNG, waiting) == first[1:], "a block is not as one after the other"


def test_an_unknown_name_lists_all() -> None:
    from autogan.settings.loading import settings_from_tree

    with pytest.raises(UserError, match=", ".join(STRATEGIES)):
        settings_from_tree({"search": {"strategy": "magic"}})
