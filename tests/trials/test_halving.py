"""Who goes on, and how much a front dominates: against the definitions."""

import itertools
import random

import pytest

from autogan.trials.halving import goes_on, hypervolume


def test_with_one_goal_a_third_of_those_that_came_goes_on() -> None:
    assert goes_on((1.0,), [], 3) and goes_on((2.0,), [(1.0,)], 3)
    assert not goes_on((1.0,), [(2.0,)], 3)
    others = [(float(value),) for value in range(8)]
    assert goes_on((5.5,), others, 3) and not goes_on((4.5,), others, 3)


def test_with_two_goals_the_front_goes_on_before_what_it_dominates() -> None:
    others = [(3.0, 1.0), (1.0, 3.0), (0.0, 0.0), (0.5, 0.5), (0.2, 0.2), (0.3, 0.1)]
    assert goes_on((2.0, 2.0), others, 2)
    assert not goes_on((0.1, 0.1), others, 2)


@pytest.mark.parametrize("goals", [1, 2, 3, 4])
def test_the_hypervolume_is_what_a_grid_counts(goals: int) -> None:
    """Of points on a grid: the number of cells that some point dominates."""
    stream = random.Random(goals)
    side = 5
    points = [tuple(float(stream.randrange(side)) for _ in range(goals)) for _ in range(7)]
    cells = itertools.product(range(-1, side - 1), repeat=goals)
    counted = sum(
        any(all(c < p for c, p in zip(cell, point, strict=True)) for point in points)
        for cell in cells
    )
    assert hypervolume(points, (-1.0,) * goals) == pytest.approx(counted)


def test_what_lies_beyond_the_reference_dominates_nothing() -> None:
    assert hypervolume([(1.0, -1.0)], (0.0, 0.0)) == 0.0
    assert hypervolume([], (0.0,)) == 0.0
