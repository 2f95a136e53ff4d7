"""The commands about tables of trained generators: what they say, and what they refuse with exit code 2."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from commands import autogan
from sources import split, write_folder
from tables import identity, made_up, make_table
from tiny import tiny

from autogan.settings.loading import settings_to_yaml
from autogan.spaces import search_space
from autogan.trials.table import Table
from autogan.trials.table_file import TableWriter, members_in_order


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """One cell, rungs of 1 and 2 steps, on two classes of images."""
    images = write_folder(split(40, 40), tmp_path / "pets")
    settings = tiny(
        data={"source": f"folder:{images}"},
        network={"bottom_size": 8},
        search={"stage_weights": [1]},
        trials={"steps": 1, "rungs": 2, "reduction": 2},
    )
    (tmp_path / "recipe.yaml").write_text(settings_to_yaml(settings))
    return tmp_path / "recipe.yaml"


def words(text: str) -> str:
    return " ".join(text.split())


def test_two_shards_are_collected_merged_checked_and_told(recipe: Path) -> None:
    for number in (1, 2):
        answer = autogan(
            "table", "collect", f"{number}.sqlite3", "--config", recipe, "--shard", f"{number}/2",
            "--first", "2", "--repeated", "1", "--seeds", "2",
        )  # fmt: skip
        assert answer.code == 0, answer.err
        assert f"Shard {number}/2 is whole" in answer.err
    merged = autogan("table", "merge", "all.sqlite3", "1.sqlite3", "2.sqlite3")
    assert merged.code == 0 and "2 of 36 architectures, 1 with 2 seeds" in words(merged.out)
    checked = autogan("table", "check", "all.sqlite3")
    assert checked.code == 0 and "sound, 2 of 36" in words(checked.out)
    told = autogan("table", "status", "all.sqlite3")
    assert told.code == 0 and "not whole, 2 of 36" in words(told.out)
    plain = json.loads(autogan("table", "status", "all.sqlite3", "--json").out)
    assert plain["trained"] == 2 and plain["members"] == 36 and not plain["whole"]
    assert len(Table.open("all.sqlite3").records) == 3


def test_without_a_table_the_one_that_comes_with_the_program_is_meant(tmp_path: Path) -> None:
    told = autogan("table", "status")
    assert told.code == 0 and "gan-bench-2592: whole, 2,592 of 2,592" in words(told.out)
    compared = autogan(
        "compare-strategies", "--strategies", "local-search", "--seeds", "20", "--trainings", "5",
        "--out", "comparison",
    )  # fmt: skip
    assert compared.code == 0, compared.err
    assert "20 searches with each strategy on gan-bench-2592" in words(compared.out)
    assert (tmp_path / "comparison" / "regret.svg").stat().st_size > 1000


def test_seconds_of_several_machines_are_told(tmp_path: Path) -> None:
    make_table(tmp_path / "one.sqlite3", count=20)
    make_table(tmp_path / "two.sqlite3", count=0)
    writer = TableWriter(tmp_path / "two.sqlite3", identity())
    for member in members_in_order(search_space("autogan", 1))[20:]:
        writer.add(replace(made_up(member), machine="a slower one"))
    writer.close()
    assert autogan("table", "merge", "both.sqlite3", "one.sqlite3", "two.sqlite3").code == 0
    mixed = "seconds and latencies compare only within one machine"
    told = words(autogan("table", "status", "both.sqlite3").out)
    assert "20 trained on a machine 16 trained on a slower one" in told and mixed in told
    assert mixed not in words(autogan("table", "status", "one.sqlite3").out)
    compared = autogan(
        "compare-strategies", "both.sqlite3", "--strategies", "evolution", "--seeds", "20",
        "--trainings", "3", "--workers", "1",
    )  # fmt: skip
    assert "The seconds are of 2 machines, taken for one." in words(compared.out)


def test_the_time_is_over_and_the_same_command_goes_on(recipe: Path) -> None:
    command = ("table", "collect", "t.sqlite3", "--config", recipe, "--repeated", "0")
    stopped = autogan(*command, "--minutes", "0.01")
    assert stopped.code == 0 and "The same command goes on" in words(stopped.err)
    before = len(Table.open("t.sqlite3").records) if Path("t.sqlite3").exists() else 0
    again = autogan(*command, "--first", str(before + 1))
    assert again.code == 0, again.err
    assert len(Table.open("t.sqlite3").records) == before + 1


def test_status_tells_how_reliable_one_training_is() -> None:
    path = make_table(Path("t.sqlite3"))
    writer = TableWriter(path, identity())
    for member in members_in_order(search_space("autogan", 1))[:10]:
        writer.add(made_up(member, seed=1))
    writer.close()
    told = autogan("table", "status", path)
    assert "whole, 36 of 36 architectures, 10 with 2 seeds" in words(told.out)
    assert "how two seeds agree (τ)" in words(told.out) and "frechet distance" in told.out
    reliability = json.loads(autogan("table", "status", path, "--json").out)["reliability"]
    distances = [rung for rung in reliability if rung["score"] == "frechet_distance"]
    assert [rung["steps"] for rung in distances] == [10, 20, 40]
    for rung in distances:
        assert rung["architectures"] == 10 and rung["seeds"] == 2 and 0.9 < rung["share"] < 1
        assert f"{rung['share']:.2f}" in told.out and f"{rung['agreement']:.2f}" in told.out
    assert reliability[-1]["score"] == "recall" and reliability[-1]["share"] is None


def test_strategies_are_compared_on_a_whole_table() -> None:
    path = make_table(Path("t.sqlite3"))
    asked = ("compare-strategies", path, "--strategies", "evolution,random+halving")
    few = ("--seeds", "20", "--trainings", "8", "--workers", "1")
    answer = autogan(*asked, *few, "--out", "out")
    assert answer.code == 0, answer.err
    assert "20 searches with each strategy" in words(answer.out) and "evolution" in answer.out
    assert {f.name for f in Path("out").iterdir()} == {
        "comparison.json", "comparison.md", "regret.svg"
    }  # fmt: skip
    plain = json.loads(autogan(*asked, *few, "--json").out)
    assert plain == json.loads(Path("out/comparison.json").read_text())
    again = autogan(*asked, *few, "--out", "out")
    assert again.code == 2 and "out exists already" in again.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("table", "status", "none.sqlite3"), "There is no table none.sqlite3"),
        (("table", "check", "text"), "is damaged, or no table of autogan's"),
        (("table", "check", "foreign.sqlite3"), "not a table of autogan's"),
        (("table", "check", "changed.sqlite3"), "with seed 0 was changed"),
        (
            ("table", "merge", "new", "whole.sqlite3", "code.sqlite3"),
            "in whole.sqlite3, other in code.sqlite3",
        ),
        (("table", "merge", "whole.sqlite3", "whole.sqlite3"), "exists already"),
        (("compare-strategies", "part.sqlite3"), "not whole"),
        (("compare-strategies", "changed.sqlite3"), "is damaged"),
        (
            ("compare-strategies", "whole.sqlite3", "--strategies", "best"),
            "Unknown strategy 'best'",
        ),
        (("compare-strategies", "whole.sqlite3", "--seeds", "3"), "20 seeds or more"),
        (("compare-strategies", "whole.sqlite3", "--score", "beauty"), "Unknown score 'beauty'"),
        (("table", "collect", "t", "--data", "glyphs", "--shard", "4/3"), "as 3/16"),
        (("table", "collect", "t", "--data", "folder:nowhere"), "nowhere"),
        (("table", "collect", "text", "--data", "glyphs"), "is damaged, or no table"),
        (("table", "collect", "foreign.sqlite3", "--data", "glyphs"), "not a table of autogan's"),
        (("table", "collect", "nowhere/t", "--data", "glyphs"), "There is no folder nowhere"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], said: str) -> None:
    make_table(Path("whole.sqlite3"))
    make_table(Path("part.sqlite3"), count=30)
    make_table(Path("code.sqlite3"), count=3, code="other")
    Path("text").write_text("nothing of a database" * 100)
    for path, statement in (
        (make_table(Path("changed.sqlite3")), "UPDATE scores SET recall = 0.9 WHERE number = 2"),
        (Path("foreign.sqlite3"), "CREATE TABLE mine (a)"),
    ):
        connection = sqlite3.connect(path)
        with connection:
            connection.execute(statement)
        connection.close()
    answer = autogan(*arguments)
    assert answer.code == 2 and said in words(answer.err), answer.err
    assert not Path("new").exists() and not Path("t").exists()


def test_a_table_of_another_recipe_is_not_collected_into(recipe: Path) -> None:
    make_table(Path("t.sqlite3"), count=3)
    answer = autogan("table", "collect", "t.sqlite3", "--config", recipe)
    assert answer.code == 2 and "is another table than this recipe's" in words(answer.err)
    assert "data: " in answer.err and "judge: " in answer.err and "rungs: " in answer.err
