"""A search by trials in one process: it ends, keeps its limits, goes on exactly, refuses what cannot be."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from sources import split, write_folder
from tiny import Listening
from trial_runs import trials_settings

from autogan.basics.errors import Diverged, UserError
from autogan.method import train as train_module
from autogan.method.train import Training
from autogan.runs.contents import Trials
from autogan.runs.folder import Run
from autogan.runs.outcomes import Validation
from autogan.runs.record import read_record
from autogan.runs.status import status_of
from autogan.runs.stopping import Stopped, Stopping
from autogan.runs.task import Task
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.generator_file import load_generator
from autogan.spaces.sizes import generator_size
from autogan.spaces.trained import objective_of
from autogan.trials.places import Order, Places, Started
from autogan.trials.proxies import proxied
from autogan.trials.search import refuse_before_anything, search_by_trials, work
from autogan.trials.storage import open_storage
from autogan.trials.study import Ledger, open_study, settings_of
from autogan.verify import verify

TASK = Task("search", method="trials")


def searched(settings: Settings, folder: Path, **given: Any) -> Trials:
    run = Run.create(folder, settings, TASK)
    try:
        return search_by_trials(run, Listening(), **given)
    finally:
        run.close()


def timeless(trials: Trials) -> list[dict[str, Any]]:
    left_out = ("seconds", "finished", "worker", "rung_seconds", "attempts")
    return [
        {key: value for key, value in asdict(trial).items() if key not in left_out}
        for trial in trials.trials
    ]


@pytest.mark.parametrize("strategy", ["random", "reinforce", "evolution", "tpe", "nsga2"])
def test_every_strategy_for_trials_searches(strategy: str, images: Path, tmp_path: Path) -> None:
    settings = trials_settings(images, search={"strategy": strategy})
    found = searched(settings, tmp_path / "run")
    assert found.ended == found.count == 6 and found.strategy == strategy
    assert {trial.state for trial in found.trials} == {"complete", "stopped"}
    assert all(trial.steps == (4 if trial.state == "complete" else 2) for trial in found.trials)
    complete = [trial for trial in found.trials if trial.state == "complete"]
    best = min(complete, key=lambda trial: (trial.values or [0.0])[0])
    assert found.best == best.number and [t.number for t in found.trials if t.front] == [
        best.number
    ]
    kept = load_generator(tmp_path / "run" / "generator.safetensors").generator
    assert str(kept.architecture) == best.architecture
    status = status_of(tmp_path / "run")
    assert status.left == [] and status.next_command is None
    assert read_record(tmp_path / "run").trials == found


def test_the_training_can_be_searched_too(images: Path, tmp_path: Path) -> None:
    changes = {"training": "searched", "goals": ["frechet_distance", "parameters"]}
    settings = trials_settings(images, search={"strategy": "evolution"}, trials=changes)
    found = searched(settings, tmp_path / "run")
    assert found.ended == 6
    trained_with = set()
    for trial in found.trials:
        member = Architecture.parse(trial.architecture)
        record = read_record(tmp_path / "run" / "trials" / f"{trial.number:05d}")
        assert record.settings is not None and record.task is not None
        assert record.task.architecture == str(players(member)[0])
        objective = record.settings.train.objective
        assert objective == objective_of(member, settings.train.objective)
        trained_with.add((objective.loss, objective.spectral_norm, objective.real_penalty))
    assert len(trained_with) > 2, "all trials have one training"
    best = next(trial for trial in found.trials if trial.number == found.best)
    kept = load_generator(tmp_path / "run" / "generator.safetensors").generator
    assert kept.architecture == players(Architecture.parse(best.architecture))[0]
    assert verify(tmp_path / "run").problems == []
    config = tmp_path / "run" / "trials" / "00000" / "config.yaml"
    loss = found.trials[0].architecture.partition("@")[2].partition("+")[0]
    other = "hinge" if loss != "hinge" else "wasserstein"
    config.write_text(config.read_text().replace(f"loss: {loss}", f"loss: {other}"))
    problems = verify(tmp_path / "run").problems
    assert any("trial 0 has another training than config.yaml" in problem for problem in problems)


@pytest.mark.parametrize("training", ["fixed", "searched"])
def test_a_search_that_was_stopped_again_and_again_ends_as_the_whole_one(
    training: str, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = {"training": training}
    settings = trials_settings(images, search={"strategy": "evolution"}, trials=trials)
    whole = searched(settings, tmp_path / "whole")
    Run.create(tmp_path / "stopped", settings, TASK).close()
    for steps in (1, 4, 3):
        with monkeypatch.context() as patch, pytest.raises(Stopped):
            run = Run.resume(tmp_path / "stopped")
            step, count = Training.step, 0

            def stopping(work: Training) -> bool:
                nonlocal count
                count += 1
                if count == steps:  # noqa: B023
                    run.stopping.reason = "SIGTERM"  # noqa: B023
                return step(work)  # noqa: B023

            patch.setattr(Training, "step", stopping)
            try:
                search_by_trials(run, Listening())
            finally:
                run.close()
    run = Run.resume(tmp_path / "stopped")
    again = search_by_trials(run, Listening())
    run.close()
    assert timeless(again) == timeless(whole)


def test_a_training_that_goes_wrong_is_an_outcome(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, wrong = Training.step, []

    def sometimes(work: Training) -> bool:
        if not wrong or wrong[0] == work.architecture:
            wrong[:] = [work.architecture]
            raise Diverged("The weights are no finite numbers.")
        return step(work)

    monkeypatch.setattr(Training, "step", sometimes)
    found = searched(trials_settings(images), tmp_path / "run")
    (diverged,) = (trial for trial in found.trials if trial.state == "diverged")
    assert diverged.values is None and "no finite numbers" in diverged.reason
    assert found.ended == 6 and found.best != diverged.number


@pytest.mark.parametrize("metric", ["inception_score", "frechet_distance"])
@pytest.mark.parametrize(
    ("goals", "last"),
    [
        (["frechet_distance"], [5.0, 5.0]),
        (["inception_score"], [1.0, 2.0]),
        (["parameters", "frechet_distance"], [5.0, 5.0]),
        (["frechet_distance", "inception_score"], [1.0, 1.0]),
    ],
)
def test_the_value_at_a_rung_is_of_the_state_that_is_best_by_the_first_scored_goal(
    goals: list[str],
    last: list[float],
    metric: str,
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not by `derive.metric`; from rung to rung one score gets better here and the other worse.

    last: of the last goal at each rung.
    """
    monkeypatch.setattr(
        train_module,
        "validation_of",
        lambda generator, steps, context: Validation(steps, steps / 2, 3.0 + steps),
    )
    settings = trials_settings(
        images,
        trials={"count": 1, "goals": goals},
        search={"strategy": "tpe"},
        derive={"metric": metric},
    )
    (trial,) = searched(settings, tmp_path / "run").trials
    assert [values[-1] for _, values in trial.rungs] == last


def test_an_architecture_that_comes_again_gets_the_next_seed(images: Path, tmp_path: Path) -> None:
    """A space of which hardly anything keeps the limits."""
    sizes = {}
    settings = trials_settings(images)
    for text in ("pre-none-nearest/pre-none-nearest", "pre-batch-nearest/pre-none-nearest"):
        architecture = Architecture.parse(text)
        sizes[text] = generator_size(
            architecture, latent_size=16, channels=8, bottom_size=4
        ).parameters
    limit = min(sizes.values())
    settings = trials_settings(
        images, search={"strategy": "random", "limits": {"parameters": limit}}
    )
    found = searched(settings, tmp_path / "run")
    by_architecture: dict[str, list[int]] = {}
    for trial in found.trials:
        by_architecture.setdefault(trial.architecture, []).append(trial.seed)
        size = generator_size(
            Architecture.parse(trial.architecture), latent_size=16, channels=8, bottom_size=4
        )
        assert size.parameters <= limit
    assert all(seeds == list(range(len(seeds))) for seeds in by_architecture.values())


def test_several_goals_make_a_front_and_a_volume(images: Path, tmp_path: Path) -> None:
    goals = ["frechet_distance", "parameters", "latency_milliseconds"]
    settings = trials_settings(images, search={"strategy": "nsga2"}, trials={"goals": goals})
    found = searched(settings, tmp_path / "run")
    assert found.goals == goals and found.reference is not None
    assert found.hypervolume is not None and found.hypervolume >= 0
    assert all(len(trial.values or goals) == 3 for trial in found.trials)
    assert any(trial.front for trial in found.trials)


def test_proxies_make_images_and_networks_smaller_and_keep_the_cells(images: Path) -> None:
    settings = trials_settings(images, trials={"image_size": 8, "width": 0.5})
    small = proxied(settings)
    assert (small.data.image_size, small.network.bottom_size, small.cells) == (8, 2, settings.cells)
    assert small.train.generator_channels == small.train.discriminator_channels == 4
    assert proxied(trials_settings(images)) == trials_settings(images)


@pytest.mark.parametrize("proxy", [{"image_size": 8}, {"width": 0.5}])
def test_limits_are_of_what_would_be_trained_so_no_proxy_goes_with_them(
    images: Path, proxy: dict[str, Any]
) -> None:
    limits = {"limits": {"parameters": 10**6}}
    with pytest.raises(UserError, match=r"search\.limits is about .* as they would be trained"):
        proxied(trials_settings(images, search=limits, trials=proxy))
    assert proxied(trials_settings(images, search=limits)).cells == 2


def test_a_map_of_one_pixel_is_no_proxy(images: Path) -> None:
    settings = trials_settings(
        images,
        network={"bottom_size": 2},
        search={"stage_weights": [1] * 3, "iterations": 3},
        trials={"image_size": 8},
    )
    with pytest.raises(UserError, match=r"cannot be 8: .* Smallest: 16;"):
        proxied(settings)


def test_trials_at_a_low_resolution_and_a_narrow_width_end(images: Path, tmp_path: Path) -> None:
    settings = trials_settings(images, trials={"image_size": 8, "width": 0.5, "count": 2})
    searched(settings, tmp_path / "run")
    made = load_generator(tmp_path / "run" / "generator.safetensors").generator
    assert made(torch.zeros(2, 16)).shape == (2, 3, 8, 8)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"search": {"strategy": "gradient"}}, "the loss of shared weights"),
        (
            {
                "search": {"strategy": "reinforce"},
                "trials": {"goals": ["frechet_distance", "parameters"]},
            },
            "one goal, not for 2",
        ),
        ({"search": {"strategy": "tpe", "discriminator": "together"}}, "shared weights"),
        ({"trials": {"image_size": 9}}, "trials.image_size cannot be 9"),
        (
            {
                "trials": {"training": "searched"},
                "train": {"objective": {"direction_head": True}},
            },
            "train.objective.direction_head: that goes with some losses",
        ),
        (
            {
                "trials": {"training": "searched"},
                "train": {"objective": {"real_penalty": 1}, "schedule": {"penalty_end": 0.5}},
            },
            "train.schedule.penalty_end: that goes with some losses",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything(
    changes: dict[str, Any], words: str, images: Path
) -> None:
    with pytest.raises(UserError, match=words):
        refuse_before_anything(trials_settings(images, **changes))


@pytest.mark.parametrize(
    ("trials", "words"),
    [
        ({"goals": []}, "goals is empty"),
        ({"goals": ["parameters"]}, "nothing need be trained"),
        ({"goals": ["frechet_distance", "frechet_distance"]}, "names one twice"),
        ({"goals": ["beauty"]}, "frechet_distance"),
    ],
)
def test_goals_that_make_no_search_are_refused(
    trials: dict[str, Any], words: str, images: Path
) -> None:
    with pytest.raises(UserError, match=words):
        trials_settings(images, trials=trials)


def test_limits_that_nothing_keeps_are_refused_with_the_nearest(
    images: Path, tmp_path: Path
) -> None:
    settings = trials_settings(images, search={"limits": {"parameters": 10}})
    with pytest.raises(UserError, match=r"keeps search.limits.parameters=10. The smallest is"):
        searched(settings, tmp_path / "run")
    assert not (tmp_path / "run" / "trials").exists()


def test_a_storage_with_another_search_is_refused_with_what_differs(
    images: Path, tmp_path: Path
) -> None:
    address = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    searched(trials_settings(images, trials={"count": 1}), tmp_path / "one", address=address)
    other = trials_settings(images, trials={"count": 1, "steps": 3})
    with pytest.raises(UserError, match=r"trials.steps: 2 there, 3 here"):
        searched(other, tmp_path / "two", address=address)
    found = searched(other, tmp_path / "three", address=address, study_name="other")
    assert found.ended == 1


@pytest.mark.parametrize("changed", ["images", "settings"])
def test_a_trial_of_another_search_is_not_taken_up(
    changed: str, images: Path, tmp_path: Path
) -> None:
    address = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    searched(trials_settings(images, trials={"count": 2}), tmp_path / "one", address=address)
    others = write_folder(split(41, 41), tmp_path / "others") if changed == "images" else images
    other = trials_settings(others, trials={"count": 1}, seed=0 if changed == "images" else 1)
    searched(other, tmp_path / "two", address=address, study_name="other")
    held = tmp_path / "one" / "trials"
    before = {file: file.stat().st_mtime_ns for file in held.rglob("*")}
    for _ in range(5):  # more often than a trial may lose its worker
        with pytest.raises(UserError, match="00001 holds a trial of another search"):
            work(address, "other", held, None, 2, Stopping(), Listening())
    assert {file: file.stat().st_mtime_ns for file in held.rglob("*")} == before
    work(address, "other", tmp_path / "two" / "trials", None, 2, Stopping(), Listening())
    last = optuna.load_study(study_name="other", storage=address).trials[-1]
    assert last.state is not optuna.trial.TrialState.FAIL


def test_trials_in_a_journal(images: Path, tmp_path: Path) -> None:
    found = searched(
        trials_settings(images, trials={"count": 3}),
        tmp_path / "run",
        address=f"journal:{tmp_path / 'trials.log'}",
    )
    assert found.ended == 3 and json.loads((tmp_path / "run" / "trials.json").read_text())


class Asked(Places):
    """Keeps the order, and has no room."""

    count = 1

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def start(self, place: int, order: Order, log: Path) -> Started:
        self.orders.append(order)
        raise UserError("no room")


def test_workers_elsewhere_are_told_whole_paths_and_how_many_trials_there_are(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(images.parent)
    settings = trials_settings(images, trials={"count": 5})
    data = settings.data.model_copy(update={"source": f"folder:{images.name}"})
    places = Asked()
    with pytest.raises(UserError, match="no room"):
        searched(settings.model_copy(update={"data": data}), tmp_path / "run", places=places)
    (order,) = places.orders
    assert order.source == f"folder:{images}" and order.count == 5
    study = open_study(open_storage(order.address), order.study)
    assert settings_of(study).data.source == f"folder:{images}"


def test_a_study_grows_when_more_trials_are_asked_for(images: Path, tmp_path: Path) -> None:
    """A worker is told how many there are now: the study keeps what it was begun with."""
    address = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    searched(trials_settings(images, trials={"count": 1}), tmp_path / "one", address=address)
    for count, ended in ((None, 1), (3, 3)):
        work(address, "autogan", tmp_path / "two", None, count, Stopping(), Listening())
        study = open_study(open_storage(address), "autogan")
        assert len(Ledger(study).records()) == ended
