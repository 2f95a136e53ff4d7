"""How much of what one training says is the architecture's."""

import random
from pathlib import Path

import pytest
from tables import RUNGS, identity, made_up, make_table

from autogan.spaces import search_space
from autogan.trials.reliability import architecture_share, reliability_of
from autogan.trials.table import Table
from autogan.trials.table_file import TableWriter, members_in_order


def test_reliability_is_the_share_of_the_variance_that_is_the_architectures() -> None:
    stream = random.Random(0)
    for noise in (0.2, 1.0, 3.0):
        values = []
        for _ in range(4000):
            worth = stream.gauss(0, 1)
            values.append([worth + noise * stream.gauss(0, 1) for _ in range(3)])
        assert architecture_share(values) == pytest.approx(1 / (1 + noise**2), abs=0.03)
    assert architecture_share([[1.0, 1.0], [2.0, 2.0]]) == 1
    assert architecture_share([[1.0, 1.0], [1.0, 1.0]]) is None


def test_reliability_of_a_table_leaves_out_what_diverged(tmp_path: Path) -> None:
    path = make_table(tmp_path / "t.sqlite3", count=5)
    assert reliability_of(Table.open(path)) == []
    writer = TableWriter(path, identity())
    members = members_in_order(search_space("autogan", 1))
    for number, member in enumerate(members[:4]):
        writer.add(made_up(member, seed=1, diverges_at=2 if number == 3 else None))
    writer.close()
    found = reliability_of(Table.open(path))
    assert [r.architectures for r in found] == [4, 4, 3]
    assert [r.steps for r in found] == list(RUNGS) and all(0.5 < (r.share or 0) <= 1 for r in found)
