"""Fronts against their definition."""

import random

from autogan.strategies.fronts import dominates, first_front, fronts, ranks


def test_dominates_needs_one_better_and_none_worse() -> None:
    assert dominates((1, 2), (1, 1)) and dominates((2, 2), (1, 1))
    assert not dominates((1, 1), (1, 1)) and not dominates((2, 0), (1, 1))


def test_ranks_count_the_fronts_before() -> None:
    stream = random.Random(0)
    gains = [(stream.randrange(6), stream.randrange(6), stream.randrange(6)) for _ in range(60)]
    found = ranks(gains)
    for one, rank in zip(gains, found, strict=True):
        above = [r for other, r in zip(gains, found, strict=True) if dominates(other, one)]
        assert rank == max(above, default=-1) + 1


def test_a_front_begins_with_the_best_by_the_first_goal_and_keeps_equals_in_order() -> None:
    gains = [(1.0, 3.0), (2.0, 2.0), (0.0, 0.0), (2.0, 2.0), (3.0, 1.0)]
    assert fronts(gains) == [[4, 1, 3, 0], [2]]
    assert first_front(gains) == [4, 1, 3, 0] and first_front([]) == []


def test_with_one_goal_fronts_are_equals() -> None:
    assert fronts([(1.0,), (3.0,), (1.0,)]) == [[1], [0, 2]]
