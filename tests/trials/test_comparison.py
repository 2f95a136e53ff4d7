"""Strategies on a table: the clock, the regret, the statistics."""

import random
import statistics
from dataclasses import replace
from pathlib import Path

import pytest
from tables import identity, made_up, make_table

from autogan.basics.errors import UserError
from autogan.spaces import search_space
from autogan.strategies.base import Observation, Rung, State
from autogan.trials import simulated
from autogan.trials.comparison import BASELINE, DEFAULT, MOMENTS, compare, regrets
from autogan.trials.comparison_files import in_markdown, write_comparison
from autogan.trials.halving import goes_on
from autogan.trials.simulated import HALVING, STRATEGIES, Contest, search
from autogan.trials.table import Table
from autogan.trials.table_file import TableWriter, members_in_order

EVERY = [*STRATEGIES, *(name + HALVING for name in STRATEGIES)]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_table(tmp_path_factory.mktemp("table") / "whole.sqlite3")


@pytest.fixture
def contest(path: Path) -> Contest:
    return Contest(Table.open(path))


def test_every_whole_training_takes_its_time(contest: Contest) -> None:
    found = search(contest, "random", 0, budget_seconds=41 * 5)
    assert found and all(one.seconds % 41 == 0 and one.seconds <= 41 * 5 for one in found)
    assert found[0].seconds == 41  # scored once, at its end
    assert search(contest, "random", 0, budget_seconds=40) == []


def test_with_halving_a_first_rung_says_something_after_eleven_seconds(contest: Contest) -> None:
    found = search(contest, "random" + HALVING, 0, budget_seconds=43 * 5)
    assert [one.seconds for one in found[:3]] == [11, 22, 43]  # the first goes on to the last rung
    assert len({one.architecture for one in found[:3]}) == 1


def test_what_was_found_gets_better_all_the_time(contest: Contest) -> None:
    found = search(contest, "random", 3, budget_seconds=43 * 30)
    told = [
        contest.table.query(one.architecture).rungs[-1].validation.frechet_distance for one in found
    ]
    assert told == sorted(told, reverse=True) and len(set(told)) == len(told) > 1


@pytest.mark.parametrize("name", EVERY)
def test_every_strategy_searches_the_same_way_again(contest: Contest, name: str) -> None:
    if name.startswith("gp"):
        pytest.importorskip("scipy")
    budget = 43.0 * (10 if name.startswith("gp") else 30)
    once = search(contest, name, 1, budget)
    assert once and once == search(contest, name, 1, budget)
    assert once != search(contest, name, 2, budget)


def test_two_strategies_draw_independently_with_one_seed(contest: Contest) -> None:
    """What compares their searches takes them for independent of each other."""
    drawn = [
        simulated._Search(contest, name, 0, 1.0)._strategy.propose(9, Rung(0, 40), [])
        for name in ("random", "random" + HALVING, "evolution")
    ]
    assert drawn[0] != drawn[1] != drawn[2] != drawn[0]


def test_with_halving_a_policy_learns_from_the_first_rung_of_every_training(
    contest: Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[Observation] = []
    one = simulated._Search(contest, "reinforce" + HALVING, 0, 43.0 * 10)
    monkeypatch.setattr(one._strategy, "observe", learned.extend)
    one.run()
    assert {state for _, _, state in one._trained} == {State.STOPPED, State.COMPLETE}
    assert [(o.architecture, list(o.values)) for o in learned] == [
        (architecture, values[:1]) for architecture, values, _ in one._trained
    ]


def test_regret_is_the_distance_to_the_best_and_before_anything_that_of_the_average(
    contest: Contest,
) -> None:
    distances = [r.rungs[-1].test.frechet_distance for r in contest.table.records]
    assert contest.optimum == min(distances)
    assert contest.average == pytest.approx(statistics.fmean(distances))
    assert contest.training_seconds == 41
    assert contest.regret(contest.table.best()[0]) == 0
    assert contest.regret(None) == contest.average - contest.optimum
    curve = regrets(contest, (10.0, 41.0, 410.0), ("random", 0))
    assert curve[0] == contest.regret(None) and curve[2] <= curve[1]


def test_a_long_search_finds_the_best(contest: Contest) -> None:
    for name in ("random", "local-search", "tpe"):
        (last,) = regrets(contest, (43.0 * 200,), (name, 0))
        assert last == pytest.approx(0, abs=0.3), name


def test_what_diverges_takes_its_time_and_is_never_found(tmp_path: Path) -> None:
    path = make_table(tmp_path / "t.sqlite3", count=0)
    writer = TableWriter(path, identity())
    members = members_in_order(search_space("autogan", 1))
    for number, member in enumerate(members):
        writer.add(made_up(member, diverges_at=1 if number % 2 else None))
    writer.close()
    contest = Contest(Table.open(path))
    for name in ("evolution", "tpe" + HALVING, "reinforce"):
        found = search(contest, name, 0, 43.0 * 40)
        last = [one.architecture for one in found][-1]
        assert members.index(last) % 2 == 0, name
    assert contest.training_seconds == pytest.approx((41 + 13) / 2)


def test_halving_is_that_of_searches_by_trials(contest: Contest) -> None:
    stream = random.Random(0)
    for _ in range(200):
        distances = [float(stream.randrange(10)) for _ in range(stream.randrange(1, 12))]
        own, *others = distances
        one = simulated._Search(contest, "random", 0, 1.0)
        one._trained = [
            (contest.table.architectures[0], [d], simulated.State.STOPPED) for d in others
        ]
        assert one._goes_on([own]) == goes_on((-own,), [(-d,) for d in others], 2)


def test_a_part_of_a_table_compares_nothing(tmp_path: Path) -> None:
    part = make_table(tmp_path / "part.sqlite3", count=35)
    with pytest.raises(UserError, match=r"not whole, and a comparison of strategies needs all"):
        compare(part)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": 5}, "20 seeds or more"),
        ({"trainings": 0.5}, "1 training or more"),
        ({"trainings": float("nan")}, "1 training or more, not nan"),
        ({"trainings": float("inf")}, "1 training or more, not inf"),
        ({"names": ("gradient",)}, "Unknown strategy 'gradient'"),
        ({"names": ("tpe+doubling",)}, "Unknown strategy"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    path: Path, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        compare(path, **changes)  # type: ignore[arg-type]


def test_a_comparison_is_the_same_with_one_process_and_with_two(path: Path, tmp_path: Path) -> None:
    names = ("local-search", "evolution+halving")
    one = compare(path, names, seeds=20, trainings=15, workers=1)
    two = compare(path, names, seeds=20, trainings=15, workers=2)
    assert one == two
    assert {s.name for s in one.standings} == {BASELINE, *names}
    assert [s.regret for s in one.standings] == sorted(s.regret for s in one.standings)
    assert one.moments[-1] == pytest.approx(41 * 15) and len(one.moments) == MOMENTS
    assert sum(s.rank for s in one.standings) == pytest.approx(1 + 2 + 3)
    for standing in one.standings:
        assert len(standing.regrets) == 20
        assert standing.regret == pytest.approx(statistics.fmean(standing.regrets))
        assert (standing.p_value is None) == (standing.name == BASELINE)
        better = 1 - (one.optimum + standing.regret) / one.average
        assert standing.improvement == pytest.approx(better)
    by_name = {s.name: s for s in one.standings}
    assert by_name["local-search"].regret < by_name[BASELINE].regret
    write_comparison(one, tmp_path / "out")
    assert (tmp_path / "out" / "comparison.md").read_text() == in_markdown(one)
    figure = (tmp_path / "out" / "regret.svg").read_text()
    assert figure.startswith("<svg") and "--series-1: #" in figure
    assert all(f">{s.name}<" in figure for s in one.standings)


def test_the_default_strategies_are_known() -> None:
    assert set(DEFAULT) <= set(EVERY)


def test_a_score_of_which_more_is_better_is_searched_by_as_well(tmp_path: Path) -> None:
    """Recall is made to be the negative distance: both contests are one."""
    path = make_table(tmp_path / "t.sqlite3", count=0)
    writer = TableWriter(path, identity())
    for member in members_in_order(search_space("autogan", 1)):
        record = made_up(member)
        rungs = []
        for rung in record.rungs:
            turned = replace(rung.test, recall=-rung.test.frechet_distance)
            rungs.append(replace(rung, validation=turned, test=turned))
        writer.add(replace(record, rungs=tuple(rungs)))
    writer.close()
    table = Table.open(path)
    lower, higher = Contest(table), Contest(table, "recall")
    assert higher.optimum == -lower.optimum and higher.regret(None) == lower.regret(None)
    for name in ("random", "evolution+halving", "local-search", "tpe", "reinforce"):
        assert search(lower, name, 0, 410.0) == search(higher, name, 0, 410.0), name


def test_a_table_of_images_without_classes_has_no_inception_score_to_search_by(
    tmp_path: Path,
) -> None:
    path = make_table(tmp_path / "t.sqlite3", count=0)
    writer = TableWriter(path, identity())
    for member in members_in_order(search_space("autogan", 1)):
        record = made_up(member)
        rungs = tuple(replace(r, test=replace(r.test, inception_score=None)) for r in record.rungs)
        writer.add(replace(record, rungs=rungs))
    writer.close()
    with pytest.raises(UserError, match="no training with this score: inception_score"):
        Contest(Table.open(path), "inception_score")
