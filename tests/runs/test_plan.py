"""The parts of a run: which there are, what they cost, what is done and what goes on."""

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from autogan.progress.base import Cost
from autogan.runs.plan import Plan, Reached
from autogan.runs.positions import DerivePosition, Positions, SearchPosition, TrainingPosition
from autogan.runs.task import Command, Task
from autogan.runs.workload import Workload
from autogan.settings.loading import load_settings

SETTINGS = ("search.iterations=30", "derive.top=2")
AGAIN = ("derive.generator_steps=10", "train.generator_steps=20")
FOLDER = Path("a run")


def plan_of(command: Command, *overrides: str, derives: bool = False) -> Plan:
    settings = load_settings(overrides=(*SETTINGS, *overrides))
    return Plan.of(settings, Task(command), Workload(settings, 500, 500), derives=derives)


def test_the_share_of_the_search_grows_with_it_and_counts_no_training() -> None:
    shares = [
        plan_of("run", f"search.shared_epochs={epochs}").share_of_search for epochs in (1, 2, 200)
    ]
    assert 0 < shares[0] < shares[1] < shares[2] < 1
    assert plan_of("search").share_of_search == 1 and plan_of("train").share_of_search == 0


def reached(prepared: bool = True, evaluated: bool = False, **positions: Any) -> Reached:
    return Reached(Positions(**positions), prepared, evaluated)


@pytest.mark.parametrize(
    ("command", "overrides", "derives", "parts"),
    [
        ("run", AGAIN, False, ["search", "derive", "train", "evaluate"]),
        ("run", (), False, ["search", "derive", "evaluate"]),
        ("search", AGAIN, False, ["search"]),
        ("search", AGAIN, True, ["search", "derive"]),
        ("train", AGAIN, False, ["train", "evaluate"]),
    ],
)
def test_the_parts_of_every_kind_of_run(
    command: Command, overrides: tuple[str, ...], derives: bool, parts: list[str]
) -> None:
    plan = plan_of(command, *overrides, derives=derives)
    assert list(plan.parts) == ["data and judge", *parts]
    costs = plan.costs()
    assert list(costs) == ["judge", *parts]
    assert all(cost.work > 0 for part in costs.values() for cost in part)


def test_a_run_of_an_unknown_command_is_taken_for_a_whole_one() -> None:
    plan = Plan.of(load_settings(), None)
    assert plan.parts == plan_of("run").parts
    assert plan.next_command(FOLDER, reached()) is None and plan.share(reached()) is None


def test_what_is_done_grows_to_all_of_it() -> None:
    plan = plan_of("run", *AGAIN)
    states = [
        reached(prepared=False),
        reached(search=SearchPosition(iteration=29)),
        reached(search=SearchPosition(iteration=30)),
        reached(search=SearchPosition(iteration=30), derive=DerivePosition(1, 5)),
        reached(search=SearchPosition(iteration=30), derive=DerivePosition(2, 5)),
    ]
    train = {"train": TrainingPosition(20)}
    done = {"search": SearchPosition(iteration=30), "derive": DerivePosition(2, 5)}
    states.append(reached(**done, trainings=train))
    states.append(reached(**done, trainings=train, evaluated=True))
    shares = [plan.share(state) for state in states]
    assert shares[0] == 0 and shares[-1] == pytest.approx(1)
    assert all(a < b for a, b in itertools.pairwise(shares))  # type: ignore[operator]
    left = [len(plan.left(state)) for state in states]
    assert left == [5, 4, 3, 3, 2, 1, 0]
    commands = [plan.next_command(FOLDER, state) for state in states]
    assert commands == ["autogan run --resume --out 'a run'"] * 6 + [None]


def work(costs: Iterable[Cost]) -> float:
    return sum(cost.work for cost in costs)


def test_a_derivation_costs_the_scoring_and_the_training_of_every_candidate() -> None:
    plan = plan_of("run", *AGAIN)
    settings = load_settings(overrides=(*SETTINGS, *AGAIN))
    workload = Workload(settings, 500, 500)
    scoring, one = work(workload.candidates()), work(workload.training(10))
    assert work(plan.cost("derive")) == pytest.approx(scoring + 2 * one)
    assert work(plan.cost("train")) == pytest.approx(work(workload.training(20)))

    def done(ended: int, **steps: int) -> float:
        """With so many candidates ended, and the generator steps of the one that is trained now."""
        trainings = {f"candidate-{n[1:]}": TrainingPosition(s) for n, s in steps.items()}
        at = reached(derive=DerivePosition(ended, 5), trainings=trainings)
        return work(plan.done("derive", at))

    assert work(plan.done("derive", reached())) == 0
    assert done(0) == pytest.approx(scoring)
    assert done(0, c0=4) == pytest.approx(scoring + work(workload.training(4)))
    assert done(1) == pytest.approx(scoring + one)
    assert done(1, c1=4) == pytest.approx(scoring + one + work(workload.training(4)))
    assert done(2) == pytest.approx(work(plan.cost("derive")))


def test_a_search_goes_on_with_its_derivation() -> None:
    searched = reached(search=SearchPosition(iteration=30))
    plan = plan_of("search")
    assert plan.next_command(FOLDER, reached()) == "autogan search --resume --out 'a run'"
    assert plan.left(searched) == []
    assert plan.next_command(FOLDER, searched) == "autogan derive 'a run'"
    plan = plan_of("search", derives=True)
    assert plan.left(searched) == ["derive"]
    assert plan.next_command(FOLDER, searched) == "autogan derive 'a run'"
    # A ranking may have fewer architectures than are to be trained.
    derived = reached(search=SearchPosition(iteration=30), derive=DerivePosition(1, 1))
    assert plan.left(derived) == [] and plan.next_command(FOLDER, derived) is None
