"""Collecting a table: what stands in it does not depend on interruptions, shards or processes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny import context_of, tiny

from autogan.basics.errors import Diverged, UserError
from autogan.method.context import Context
from autogan.method.train import Training
from autogan.progress.base import Progress
from autogan.runs.stopping import Stopped, Stopping
from autogan.settings.loading import load_settings
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.trials import collect
from autogan.trials.collect import Bench, Collector, LossCurve, Plan, Shard
from autogan.trials.table import Table
from autogan.trials.table_file import members_in_order
from autogan.trials.table_merge import check, merge
from autogan.trials.table_recipe import identity_of, recipe_of
from autogan.trials.table_scores import table_scores


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """One cell of 8 → 16 pixels: 36 architectures, rungs of 2 and 4 steps."""
    return context_of(one_cell(), tmp_path)


def one_cell(**changes: Any) -> Settings:
    given: dict[str, Any] = {
        "network": {"bottom_size": 8},
        "search": {"stage_weights": [1]},
        "trials": {"steps": 2, "rungs": 2, "reduction": 2},
        **changes,
    }
    return tiny(**given)


SMALL = Plan(first=3, repeated=1, seeds=2)
ALL = Shard()


def collected(
    path: Path, context: Context, plan: Plan = SMALL, shard: Shard = ALL, most: int = 100
) -> Path:
    collector = Collector(path, context, plan, shard, Stopping())
    while not collector.done and most:
        collector.step()
        most -= 1
    collector.close()
    return path


def numbers(path: Path) -> list[tuple[Any, ...]]:
    """All that does not hang on the clock."""
    return [record.numbers for record in Table.open(path).records]


def test_a_training_has_all_that_a_table_tells(tmp_path: Path, context: Context) -> None:
    path = collected(tmp_path / "t.sqlite3", context)
    check(path)
    table = Table.open(path)
    assert [len(table.seeds(a)) for a in table.architectures] == [2, 1, 1]
    assert table.identity == identity_of(context) and table.rungs == (2, 4)
    for record in table.records:
        assert record.state == "complete" and record.reason == ""
        assert [step for step, *_ in record.losses] == [1, 2, 3, 4]
        assert 0 < record.rungs[0].training_seconds < record.rungs[1].training_seconds
        assert record.seconds == record.rungs[1].training_seconds
        assert record.latency_milliseconds > 0 and "torch" in record.machine
        for rung in record.rungs:
            assert rung.validation != rung.test  # other latents
            assert rung.scoring_seconds > 0
            assert 1 <= (rung.test.inception_score or 0) <= 3
            assert 0 <= rung.test.precision <= 1 and 0 <= rung.test.recall <= 1
    sizes = table.sizes(table.architectures[0])
    assert sizes["parameters"] > 100 and sizes["multiply_accumulates"] > 1000


def test_interrupted_and_resumed_it_holds_the_same_as_uninterrupted(
    tmp_path: Path, context: Context
) -> None:
    whole = collected(tmp_path / "whole.sqlite3", context)
    parts = tmp_path / "parts.sqlite3"
    stopping = Stopping()
    collector = Collector(parts, context, SMALL, Shard(), stopping)
    collector.step()
    stopping.reason = "SIGTERM"
    with pytest.raises(Stopped):
        collector.step()  # what it had ended is kept
    collector.close()
    assert len(Table.open(parts).records) == 2
    collected(parts, context, most=1)
    collected(parts, context)
    assert numbers(parts) == numbers(whole)


def test_a_training_that_is_broken_off_leaves_nothing(
    tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = collected(tmp_path / "t.sqlite3", context, most=1)

    def broken_off(*_: object) -> None:
        raise Stopped("SIGTERM", state_is_whole=False)

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(collect, "table_scores", broken_off)
        collected(path, context)
    assert len(Table.open(path).records) == 1
    check(path)


def test_shards_are_disjoint_and_together_everything(tmp_path: Path, context: Context) -> None:
    whole = collected(tmp_path / "whole.sqlite3", context)
    shards = [
        collected(tmp_path / f"{number}.sqlite3", context, shard=Shard(number, 3))
        for number in (1, 2, 3)
    ]
    merge(tmp_path / "merged.sqlite3", shards)
    assert numbers(tmp_path / "merged.sqlite3") == numbers(whole)
    assert sum(len(Table.open(shard).records) for shard in shards) == 4
    one_file = tmp_path / "one.sqlite3"
    for number in (2, 1, 3):
        collected(one_file, context, shard=Shard(number, 3))
    assert numbers(one_file) == numbers(whole)


def test_every_shard_of_the_whole_plan_is_a_part_of_it() -> None:
    members = members_in_order(search_space("autogan", 2))
    jobs = Plan().jobs(members, Shard())
    assert len(jobs) == len(set(jobs)) == 2592 + 2 * 200
    shards = [Plan().jobs(members, Shard(number, 16)) for number in range(1, 17)]
    assert sorted(map(str, (job for shard in shards for job in shard))) == sorted(map(str, jobs))


def test_divergence_is_an_outcome(
    tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Training.step

    def goes_wrong(training: Training) -> bool:
        if training.steps_done == 3:
            raise Diverged("its losses are nan")
        return step(training)

    monkeypatch.setattr(Training, "step", goes_wrong)
    path = collected(tmp_path / "t.sqlite3", context, Plan(first=1, repeated=0))
    check(path)
    (record,) = Table.open(path).records
    assert record.state == "diverged" and record.reason == "its losses are nan"
    assert [rung.steps for rung in record.rungs] == [2]
    assert record.seconds > record.rungs[0].training_seconds


def test_training_in_rungs_changes_nothing(tmp_path: Path, context: Context) -> None:
    """The last rung is what a training without rungs comes to."""
    path = collected(tmp_path / "t.sqlite3", context, Plan(first=1, repeated=0))
    alone = context_of(
        one_cell(trials={"steps": 4, "rungs": 1, "reduction": 2}), tmp_path / "alone"
    )
    other = collected(tmp_path / "other.sqlite3", alone, Plan(first=1, repeated=0))
    (one,), (two,) = numbers(path), numbers(other)
    (*same, rungs, losses), (*same_too, only_rung, losses_too) = one, two
    assert same == same_too and rungs[-1:] == only_rung and losses == losses_too


def test_another_recipe_or_code_is_refused(
    tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = collected(tmp_path / "t.sqlite3", context, most=1)
    other = context_of(one_cell(train={"learning_rate": 0.1}), tmp_path)
    with pytest.raises(
        UserError, match=r"recipe.train.learning_rate: 0.1 now, 0.0002 in the table"
    ):
        collected(path, other)
    monkeypatch.setattr("autogan.trials.table_recipe.code_digest", lambda: "changed")
    with pytest.raises(UserError, match="code: changed now"):
        collected(path, context)


def test_where_images_are_and_other_searches_are_no_part_of_the_recipe() -> None:
    plain = recipe_of(one_cell())
    elsewhere = one_cell(
        data={"source": "folder:elsewhere"},
        search={"stage_weights": [1], "iterations": 7},
        checkpoint_every_minutes=7,
    )
    assert recipe_of(elsewhere) == plain
    assert recipe_of(one_cell(log_every_steps=1)) != plain, "it has other loss curves"
    assert recipe_of(one_cell(judge={"epochs": 3})) != plain
    assert recipe_of(one_cell(network={"bottom_size": 8, "latent_size": 8})) != plain


def test_what_machines_would_decide_for_themselves_is_refused(tmp_path: Path) -> None:
    undecided = context_of(one_cell(compute={"precision": "auto"}), tmp_path)
    with pytest.raises(UserError, match=r"compute.precision is auto"):
        Collector(tmp_path / "t.sqlite3", undecided, SMALL, Shard(), Stopping())


def test_too_few_images_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    few = context_of(one_cell(evaluate={"images": 6, "inception_splits": 1}), tmp_path)
    with pytest.raises(UserError, match=r"evaluate.images is 6, and the judge has 6 features"):
        Collector(tmp_path / "t.sqlite3", few, SMALL, Shard(), Stopping())


@pytest.mark.parametrize("text", ["3", "0/4", "5/4", "a/b", "1/", "-1/2"])
def test_a_shard_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="as 3/16"):
        Shard.parse(text)
    assert Shard.parse("3/16") == Shard(3, 16)


def test_all_architectures_are_scored_from_the_same_latents(
    tmp_path: Path, context: Context
) -> None:
    """The seed of a training changes the weights alone."""
    seeded = replace(context, settings=context.settings.model_copy(update={"seed": 5}))
    bench = Bench(context.settings, Stopping(), LossCurve())
    training = Training(context.space.first(), 2, "t", context, bench, Progress())
    generator = training.averaged_generator()
    same = table_scores(generator, context, "test")
    assert table_scores(generator, context, "test") == same
    assert table_scores(generator, seeded, "test") != same


def test_the_preset_is_the_recipe_of_the_space_of_two_cells() -> None:
    settings = load_settings("table-16")
    assert search_space(settings.network.space, settings.cells).cardinality() == 2592
    assert settings.trials.rung_steps == (100, 200, 400)
    assert settings.compute.precision == "float32"
