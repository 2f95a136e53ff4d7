"""A table of trained generators: what it answers, what it refuses, and what its file withstands."""

import dataclasses
import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tables import RUNGS, identity, made_up, make_table

import autogan
from autogan import Architecture, Table, UserError
from autogan.settings.loading import load_settings
from autogan.spaces import search_space
from autogan.strategies.fronts import dominates
from autogan.trials.reliability import reliability_of
from autogan.trials.table_file import (
    GAN_BENCH,
    SCHEMA,
    TableWriter,
    create,
    members_in_order,
    reading,
)
from autogan.trials.table_merge import check, merge
from autogan.trials.table_recipe import recipe_of
from autogan.trials.table_values import Identity, ScoreName


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return make_table(tmp_path / "whole.sqlite3")


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_training_comes_back_as_it_was_written(tmp_path: Path) -> None:
    members = members_in_order(search_space("autogan", 1))
    records = [
        made_up(members[0]),
        made_up(members[0], seed=1),
        made_up(members[1], diverges_at=1),
        made_up(members[2], diverges_at=0),
    ]
    path = make_table(tmp_path / "t.sqlite3", count=0)
    writer = TableWriter(path, identity())
    for record in records:
        writer.add(record)
    writer.close()
    table = Table.open(path)
    assert table.records == records
    assert [table.query(r.architecture, r.seed) for r in records] == records
    assert table.rungs == RUNGS and table.version and table.seeds(members[0]) == [0, 1]
    assert str(table.completeness) == "3 of 36 architectures, 1 with 2 seeds"


def test_the_order_of_training_is_fixed_and_holds_every_member_once() -> None:
    space = search_space("autogan", 2)
    members = members_in_order(space)
    assert len(set(members)) == len(members) == space.cardinality() == 2592
    assert all(member in space for member in members)
    assert [str(a) for a in members[:2]] == [
        "pre-none-bilinear+shortcut/pre-none-nearest+skip0",
        "pre-none-nearest/post-batch-deconvolution+shortcut",
    ]


def test_a_space_that_is_too_large_is_refused() -> None:
    with pytest.raises(UserError, match=r"373,248 architectures.*at most 100,000"):
        members_in_order(search_space("autogan", 3))


def test_the_file_can_be_read_without_this_program(whole: Path) -> None:
    connection = sqlite3.connect(whole)
    rows = connection.execute(
        "SELECT architecture, frechet_distance FROM scores JOIN architectures USING (number) "
        "WHERE latents = 'test' AND seed = 0 AND steps = 40 ORDER BY frechet_distance LIMIT 1"
    ).fetchall()
    assert rows[0][0] == str(Table.open(whole).best()[0])
    (about,) = connection.execute("SELECT value FROM about WHERE name = 'identity'").fetchone()
    assert Identity.from_plain(json.loads(about)) == identity()


def test_reading_a_table_needs_no_torch(whole: Path) -> None:
    program = (
        "import sys, autogan; table = autogan.Table.open(sys.argv[1]); print(table.best()[0], "
        "'torch' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(whole)], capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == [str(Table.open(whole).best()[0]), "False"]


def test_simulate_counts_the_seconds_of_training_and_of_scoring(whole: Path) -> None:
    table = Table.open(whole)
    architecture = table.architectures[0]
    told = [table.simulate(architecture, rung) for rung in range(3)]
    assert [t.total_seconds for t in told] == [11, 22, 43]
    assert [t.seconds for t in told] == [11, 11, 21]
    assert [t.values and t.values.steps for t in told] == list(RUNGS)
    assert table.simulate(architecture, -1) == told[2]


def test_simulate_says_that_a_training_diverged_and_what_that_took(tmp_path: Path) -> None:
    path = make_table(tmp_path / "t.sqlite3", count=0)
    member = members_in_order(search_space("autogan", 1))[0]
    writer = TableWriter(path, identity())
    writer.add(made_up(member, diverges_at=1))
    writer.close()
    table = Table.open(path)
    told = [table.simulate(member, rung) for rung in range(3)]
    assert told[0].values is not None and told[1].values is told[2].values is None
    assert [t.total_seconds for t in told] == [11, 14, 14]
    assert [t.seconds for t in told] == [11, 3, 0]
    assert table.score(member) is None and table.score(member, rung=0) is not None


def test_best_is_the_lowest_distance_and_the_highest_precision(whole: Path) -> None:
    table = Table.open(whole)
    distances = {a: table.query(a).rungs[-1].test.frechet_distance for a in table.architectures}
    assert table.best(count=3) == sorted(distances, key=lambda a: distances[a])[:3]
    at_first = {a: table.query(a).rungs[0].validation.kernel_distance for a in table.architectures}
    best = table.best("kernel_distance", rung=0, latents="validation")
    assert best == sorted(at_first, key=lambda a: at_first[a])[:10]


def test_the_front_is_what_nobody_dominates(whole: Path) -> None:
    table = Table.open(whole)
    gains = {
        a: (-table.query(a).rungs[-1].test.frechet_distance, -table.sizes(a)["parameters"])
        for a in table.architectures
    }
    front = {a for a in gains if not any(dominates(gains[other], gains[a]) for other in gains)}
    found = table.pareto()
    assert set(found) == front and len(found) == len(front) > 1
    assert found[0] == table.best()[0]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda t, a: t.query(a, 5), "with the seeds 0, not 5"),
        (lambda t, a: t.simulate(a, 3), "no rung 3.*has 3, after 10, 20, 40 steps"),
        (lambda t, a: t.score(a, "beauty"), "Unknown score 'beauty'"),
        (lambda t, a: t.pareto(["beauty"]), "not 'beauty'"),
        (lambda t, a: t.pareto([]), "Name goals"),
        (lambda t, a: t.query(autogan.Architecture.parse("autogan-a")), "no member of"),
        (lambda t, a: t.sizes(autogan.Architecture.parse("autogan-a")), "no member of"),
    ],
)
def test_a_question_outside_the_table_is_refused(
    whole: Path, ask: Callable[..., object], words: str
) -> None:
    table = Table.open(whole)
    with pytest.raises(UserError, match=words):
        ask(table, table.architectures[0])


def test_a_part_of_a_table_says_so_and_has_no_best(tmp_path: Path) -> None:
    table = Table.open(make_table(tmp_path / "part.sqlite3", count=35))
    assert not table.completeness.whole
    for ask in (table.best, table.pareto):
        with pytest.raises(UserError, match=r"not whole.*35 of 36"):
            ask()
    missing = members_in_order(search_space("autogan", 1))[-1]
    with pytest.raises(UserError, match=r"no training of .* yet"):
        table.query(missing)
    assert table.sizes(missing)["parameters"] > 0


def test_a_training_is_not_added_twice_and_none_of_it_is_written(whole: Path) -> None:
    writer = TableWriter(whole, identity())
    again = made_up(members_in_order(search_space("autogan", 1))[0])
    with pytest.raises(UserError, match="seed 0 already"):
        writer.add(again)
    writer.close()
    check(whole)


def test_a_table_of_another_recipe_is_not_added_to(whole: Path) -> None:
    recipe = {"trials": {"steps": 10, "rungs": 3, "reduction": 2}, "train": {"rate": 0.2}}
    with pytest.raises(UserError, match=r"recipe.train.rate: 0.2 now, 0.1 in the table"):
        TableWriter(whole, identity(recipe=recipe))


def test_shards_merge_into_what_one_process_would_have_written(tmp_path: Path, whole: Path) -> None:
    members = members_in_order(search_space("autogan", 1))
    shards = []
    for number in range(3):
        shards.append(make_table(tmp_path / f"{number}.sqlite3", count=0))
        writer = TableWriter(shards[-1], identity())
        for member in members[number::3]:
            writer.add(made_up(member))
        writer.close()
    merge(tmp_path / "merged.sqlite3", shards)
    check(tmp_path / "merged.sqlite3")
    merged = Table.open(tmp_path / "merged.sqlite3")
    assert merged.records == Table.open(whole).records and merged.completeness.whole
    slower = make_table(tmp_path / "slower.sqlite3", count=0)
    writer = TableWriter(slower, identity())
    writer.add(dataclasses.replace(made_up(members[0]), seconds=99.0, machine="another"))
    writer.close()
    merge(tmp_path / "again.sqlite3", [tmp_path / "merged.sqlite3", shards[0], slower])
    assert Table.open(tmp_path / "again.sqlite3").records == merged.records


@pytest.mark.parametrize("what", ["data", "judge", "code"])
def test_shards_of_other_data_judge_or_code_do_not_merge(
    tmp_path: Path, whole: Path, what: str
) -> None:
    other = make_table(tmp_path / "other.sqlite3", count=3, **{what: "something else"})
    with pytest.raises(
        UserError, match=f"cannot be merged:\n  {what}: .* in .*whole.*, something else in .*other"
    ):
        merge(tmp_path / "merged.sqlite3", [whole, other])
    assert not (tmp_path / "merged.sqlite3").exists()


def test_shards_that_disagree_about_a_training_do_not_merge(tmp_path: Path, whole: Path) -> None:
    other = make_table(tmp_path / "other.sqlite3", count=0)
    writer = TableWriter(other, identity())
    writer.add(made_up(members_in_order(search_space("autogan", 1))[4], noise=0.3))
    writer.close()
    with pytest.raises(UserError, match=r"both have a training of .* numbers differ"):
        merge(tmp_path / "merged.sqlite3", [whole, other])


def test_no_file_is_overwritten(whole: Path) -> None:
    before = whole.read_bytes()
    with pytest.raises(UserError, match="exists already"):
        merge(whole, [whole])
    create(whole, identity(data="other"), lambda a: (1, 1))
    assert whole.read_bytes() == before


def test_an_empty_file_of_a_process_that_died_becomes_a_table(tmp_path: Path) -> None:
    (tmp_path / "t.sqlite3").touch()
    make_table(tmp_path / "t.sqlite3", count=1)
    check(tmp_path / "t.sqlite3")


def test_two_processes_may_make_one_table(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite3"

    def other_is_faster(architecture: Architecture) -> tuple[int, int]:
        if not path.exists():
            make_table(path, count=2)
        return 5, 5

    create(path, identity(), other_is_faster)
    assert len(Table.open(path).records) == 2
    check(path)


def test_a_table_that_cannot_be_made_or_written_says_so(tmp_path: Path, whole: Path) -> None:
    with pytest.raises(UserError, match="cannot be made: unable to open"):
        make_table(tmp_path / "nowhere" / "t.sqlite3", count=0)
    writer = TableWriter(whole, identity())
    change(whole, "CREATE TRIGGER full BEFORE INSERT ON rungs BEGIN SELECT no_such(); END")
    with pytest.raises(UserError, match=r"cannot be written to: .* the same command goes on"):
        writer.add(made_up(members_in_order(search_space("autogan", 1))[0], seed=7))
    writer.close()
    assert len(Table.open(whole).records) == 36


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE scores SET frechet_distance = 1.0 WHERE number = 3 AND steps = 40",
        "UPDATE rungs SET training_seconds = 1.0 WHERE number = 3 AND steps = 40",
        "UPDATE trainings SET losses = '[]' WHERE number = 3",
        "UPDATE trainings SET losses = '[' WHERE number = 3",
        "UPDATE trainings SET losses = '[[1,2]]' WHERE number = 3",
        "DELETE FROM scores WHERE number = 3 AND latents = 'test'",
        "DELETE FROM rungs WHERE number = 3 AND steps = 20",
        "DELETE FROM about",
        "UPDATE about SET value = replace(value, 'judge-1', 'judge-2')",
        "UPDATE about SET value = '{' WHERE name = 'identity'",
        "UPDATE architectures SET parameters = 1 WHERE number = 3",
        "DROP TABLE rungs",
    ],
)
def test_a_changed_number_is_noticed(whole: Path, statement: str) -> None:
    change(whole, statement)
    with pytest.raises(UserError, match="is damaged"):
        Table.open(whole)
    with pytest.raises(UserError, match="is damaged"):
        check(whole)


def test_a_training_without_its_last_rung_is_no_sound_one(tmp_path: Path) -> None:
    path = make_table(tmp_path / "t.sqlite3", count=0)
    short = made_up(members_in_order(search_space("autogan", 1))[0], diverges_at=2)
    writer = TableWriter(path, identity())
    writer.add(type(short)(**{**vars(short), "state": "complete"}))
    writer.close()
    with pytest.raises(UserError, match=r"has the rungs \(10, 20\)"):
        check(path)


def test_who_reads_sees_no_half_of_what_is_added_meanwhile(whole: Path) -> None:
    with reading(whole) as connection:
        before = connection.execute("SELECT count(*) FROM scores").fetchone()
        other = sqlite3.connect(whole, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"), other:
            other.execute("DELETE FROM scores")
        other.close()
        assert connection.execute("SELECT count(*) FROM scores").fetchone() == before
    check(whole)


def test_a_file_that_somebody_holds_is_busy_and_not_damaged(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autogan.trials.table_file.WAIT_SECONDS", 0)
    other = sqlite3.connect(whole, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UserError, match="written to by another process"):
        Table.open(whole)
    other.close()


def test_what_is_no_table_is_refused(tmp_path: Path, whole: Path) -> None:
    with pytest.raises(UserError, match="There is no table"):
        Table.open(tmp_path / "none.sqlite3")
    (tmp_path / "text").write_text("no database, but long enough to be looked at as one" * 30)
    with pytest.raises(UserError, match="is damaged, or no table"):
        Table.open(tmp_path / "text")
    change(tmp_path / "foreign.sqlite3", "CREATE TABLE mine (a)")
    with pytest.raises(UserError, match="not a table of autogan"):
        Table.open(tmp_path / "foreign.sqlite3")
    change(whole, f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(UserError, match="newer version of autogan"):
        Table.open(whole)


def test_a_file_that_was_cut_or_has_a_changed_byte_is_refused(whole: Path) -> None:
    content = whole.read_bytes()
    stream, noticed = random.Random(0), 0
    whole.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="damaged"):
        check(whole)
    table = make_table(whole.with_name("again.sqlite3"))
    content = table.read_bytes()
    before = Table.open(table)
    for _ in range(40):
        place = stream.randrange(len(content))
        changed = bytes([content[place] ^ 1 << stream.randrange(8)])
        table.write_bytes(content[:place] + changed + content[place + 1 :])
        try:
            check(table)
        except UserError:
            noticed += 1
        else:  # unused space
            after = Table.open(table)
            assert after.records == before.records and after.identity == before.identity
    assert noticed > 5


def test_collapse_is_an_outcome() -> None:
    record = made_up(members_in_order(search_space("autogan", 1))[0])
    rung = record.rungs[-1]
    assert not rung.collapsed
    flat = type(rung.validation)(**{**vars(rung.validation), "spread": 1e-4})
    assert type(rung)(**{**vars(rung), "validation": flat}).collapsed


def test_gan_bench_comes_with_the_program_whole_and_sound() -> None:
    check(GAN_BENCH)
    table = Table.open()
    there = table.completeness
    assert there.whole and there.members == 2592 and there.with_seeds == {2: 200, 3: 200}
    assert table.rungs == (100, 200, 400) and table.name == "gan-bench-2592"
    recorded = json.loads(json.dumps(recipe_of(load_settings("table-16"))))
    # It is of before recipes said how often losses are logged.
    assert {**table.identity.recipe, "log_every_steps": 100} == recorded, (
        "the preset is another one"
    )
    scores: tuple[ScoreName, ...] = ("frechet_distance", "inception_score", "recall")
    for score in scores:
        told = reliability_of(table, score)[-1]
        assert (told.architectures, told.seeds) == (200, 3)
        assert told.share is not None and told.share >= 0.5, "what the documentation says"
        assert told.agreement > 0.3
