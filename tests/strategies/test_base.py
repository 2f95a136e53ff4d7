"""What every strategy inherits: which observations are better, and what is promoted of them."""

import random
from collections.abc import Sequence

import pytest

from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.strategies.base import Goal, Observation, Rung, State, Strategy

SPACE = search_space("autogan", 1)


class Plain(Strategy):
    """Only inherits."""

    def propose(self, count: int, rung: Rung, history: Sequence[Observation]) -> list[Architecture]:
        return [SPACE.first()] * count


def observed(*values: tuple[float, ...], state: State = State.COMPLETE) -> list[Observation]:
    stream = random.Random(1)
    return [Observation(SPACE.sample(stream), Rung(0), 0, each, state) for each in values]


@pytest.mark.parametrize(
    ("direction", "order"), [("maximise", [2, 0, 1]), ("minimise", [1, 0, 2])], ids=str
)
def test_one_goal_ranks_by_its_direction(direction: str, order: list[int]) -> None:
    strategy = Plain(SPACE, [Goal("x", direction)])  # type: ignore[arg-type]
    made = observed((2.0,), (1.0,), (3.0,))
    assert strategy.ranked(made) == [made[number] for number in order]
    assert strategy.promote(Rung(0), made, 2) == [made[n].architecture for n in order[:2]]


@pytest.mark.parametrize("state", [State.STOPPED, State.DIVERGED, State.FAILED])
def test_only_complete_observations_are_ranked(state: State) -> None:
    """Though a scoring that was stopped may have said how far it came."""
    strategy = Plain(SPACE)
    complete, others = observed((1.0,), (2.0,)), observed((9.0,), state=state)
    assert strategy.ranked([*others, *complete]) == complete[::-1]
    assert strategy.promote(Rung(0), others, 1) == []


@pytest.mark.timeout(30)  # equals that beat each other would leave no front, for ever
def test_several_goals_rank_by_the_number_of_fronts_before() -> None:
    """Beside a count by hand: a front is what is left when all fronts before it are gone. Equals
    stand in one front."""
    goals = [Goal("score"), Goal("cost", "minimise")]
    stream = random.Random(0)
    for _ in range(20):
        made = observed(*((stream.randrange(4), stream.randrange(4)) for _ in range(12)))
        points = [o.values for o in made]

        def front(point: tuple[float, ...], among: set[tuple[float, ...]]) -> int:
            """0 for those that none beats; else one after the last of those that beat it."""
            beating = {
                (score, cost)
                for score, cost in among
                if score >= point[0] and cost <= point[1] and (score, cost) != point
            }
            return max((1 + front(other, among) for other in beating), default=0)

        expected = sorted(made, key=lambda o: front(o.values, set(points)))
        assert Plain(SPACE, goals).ranked(made) == expected
