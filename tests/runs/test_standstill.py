"""A training comes to a standstill where both of its losses stay what they are."""

import pytest

from autogan.runs.events import Losses
from autogan.runs.standstill import standstill


def lines(*pairs: tuple[float, float]) -> list[Losses]:
    return [Losses("train", 10 * number, *pair) for number, pair in enumerate(pairs, 1)]


STILL = (0.6931471824645996, 0.6931471824645996)


@pytest.mark.parametrize(
    ("logged", "since"),
    [
        (lines(), None),
        (lines(*[STILL] * 4), None),
        (lines(*[STILL] * 5), 10),
        (lines((0.5, 0.7), *[STILL] * 6), 20),
        (lines((0.5, 0.7), (0.6, STILL[1]), *[STILL] * 5), 30),
        (lines(*[STILL] * 6, (0.6931, 0.7)), None),
        (lines(*[(0.6931472, 0.6931471), STILL] * 3), 10),
        (lines(*[(0.69314, 0.6931471), STILL] * 3), None),
        (lines((STILL[0], 0.7), *[(STILL[0], 0.7 + 0.01 * n) for n in range(9)]), None),
    ],
)
def test_it_stands_still_where_neither_loss_moves(logged: list[Losses], since: int | None) -> None:
    assert standstill(logged) == since
