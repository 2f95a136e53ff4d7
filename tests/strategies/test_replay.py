"""REINFORCE by replay: the same proposal from memory as from the whole history, in whatever order it came."""

import random
from dataclasses import replace

import pytest

from autogan.settings.search import ControllerSettings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.strategies.base import Goal, Observation, Rung, State
from autogan.strategies.replay import Replay
from autogan.testing import AdditiveToy

SPACE = search_space("autogan", 3)
RUNG = Rung(2, steps=100)
DISTANCE = Goal("frechet_distance", "minimise")


def replay(learning_rate: float = 0.01) -> Replay:
    settings = ControllerSettings(hidden_size=20, learning_rate=learning_rate)
    return Replay(SPACE, settings, 7, DISTANCE)


def observed(architecture: Architecture, value: float | None, state: State) -> Observation:
    return Observation(architecture, RUNG, 0, () if value is None else (value,), state)


def history(length: int) -> list[Observation]:
    """Some of them have failed."""
    stream = random.Random(0)
    return [
        observed(SPACE.sample(stream), None, State.DIVERGED)
        if number % 7 == 3
        else observed(SPACE.sample(stream), stream.gauss(100, 10), State.COMPLETE)
        for number in range(length)
    ]


def test_memory_and_the_whole_history_propose_the_same() -> None:
    """Trials end in another order than they began; at every moment a fresh one agrees."""
    whole, stream = history(24), random.Random(1)
    kept, ended = replay(), set[int]()
    for number in range(4, 24):
        ended |= {n for n in range(number) if n < number - 6 or stream.random() < 0.4}
        seen = [
            whole[n] if n in ended else replace(whole[n], values=(), state=State.RUNNING)
            for n in range(number)
        ]
        assert kept.propose(1, RUNG, seen, number) == replay().propose(1, RUNG, seen, number)


def test_a_history_that_changed_is_learned_anew() -> None:
    """A trial whose number is lower, and which nobody had heard of, comes in between."""
    whole, kept = history(12), replay()
    kept.propose(1, RUNG, [*whole[:5], *whole[6:]], 0)
    assert [kept.propose(1, RUNG, whole, s) for s in range(8)] == [
        replay().propose(1, RUNG, whole, s) for s in range(8)
    ]


def test_what_is_unsettled_leaves_no_trace() -> None:
    whole, kept = history(12), replay(learning_rate=0.1)
    running = replace(whole[2], values=(), state=State.RUNNING)
    kept.propose(1, RUNG, [*whole[:2], running, *whole[3:]], 0)
    assert [kept.propose(1, RUNG, whole[:3], s) for s in range(8)] == [
        replay(0.1).propose(1, RUNG, whole[:3], s) for s in range(8)
    ]


def test_the_order_of_the_history_counts() -> None:
    whole = history(12)
    one, other = replay(0.1), replay(0.1)
    proposals = [one.propose(1, RUNG, whole, s) for s in range(12)]
    assert proposals != [other.propose(1, RUNG, whole[::-1], s) for s in range(12)]


@pytest.mark.parametrize("seed", [0, 1])
def test_it_learns_to_make_a_distance_smaller(seed: int) -> None:
    toy, kept, seen = AdditiveToy(SPACE, seed), replay(), list[Observation]()
    for number in range(300):
        proposal = kept.propose(1, RUNG, seen, number)[0].architecture
        seen.append(observed(proposal, -toy.value(proposal), State.COMPLETE))
    last = [-o.values[0] for o in seen[-50:]]
    assert sum(last) / 50 > toy.mean(3) + toy.deviation(3)
