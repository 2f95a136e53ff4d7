"""Trainings that begin with what the search's networks have learned (`train.start=shared`)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sources import split, write_folder
from tiny import Listening, stop_in, tiny
from torch import Tensor

from autogan.basics.errors import Diverged, UserError
from autogan.files.storage import load_tensors
from autogan.method import train as module
from autogan.method.pipeline import run_derivation, run_everything, run_search, run_training
from autogan.method.subject import DISCRIMINATOR, SEARCH
from autogan.method.train import Training
from autogan.runs.drive import Keeper
from autogan.runs.folder import Run
from autogan.runs.stopping import Stopped
from autogan.runs.task import Task
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.testing.checks import equal_trees

TEXT = "pre-batch-nearest/post-none-bilinear+skip0"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    write_folder(split(40, 40), tmp_path / "pets")
    return tmp_path / "pets"


def settings(images: Path, network: Any = None, search: Any = None, **train: Any) -> Settings:
    return tiny(
        data={"source": f"folder:{images}"},
        network=network or {},
        search={"shared_epochs": None, "shared_steps": 4, **(search or {})},
        derive={"top": 2},
        train={"start": "shared", **train},
    )


def run_with(folder: Path, chosen: Settings) -> dict[str, Any]:
    run = Run.create(folder, chosen)
    results = run_everything(run, Listening())
    run.close()
    return results


class Begun(NamedTuple):
    """A training before its first step: copies of its weights, and whether its optimisers are fresh."""

    name: str
    weights: dict[str, dict[str, Tensor]]
    fresh: bool


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Begun]:
    """Every training, as it begins."""
    seen: list[Begun] = []
    drive = module.drive

    def looked_at(training: Training, keeper: Keeper) -> None:
        state = training.gan.state_dict()
        weights = {
            name: {key: value.clone() for key, value in state[name].items()}
            for name in ("generator", "discriminator", "average")
        }
        seen.append(Begun(training.name, weights, not state["generator_optimiser"]["state"]))
        drive(training, keeper)

    monkeypatch.setattr(module, "drive", looked_at)
    return seen


@pytest.mark.parametrize(
    ("network", "search", "part"),
    [
        ({}, {}, SEARCH),
        ({"conditional": "always"}, {}, SEARCH),
        ({"space": "modern"}, {}, SEARCH),
        ({"space": "modern"}, {"discriminator": "together", "probe_steps": 1}, SEARCH),
        ({}, {"discriminator": "after", "probe_steps": 1}, DISCRIMINATOR),
        ({"discriminator": "bottleneck+half/residual/deviation"}, {}, SEARCH),
    ],
)
def test_candidates_and_winner_begin_with_the_weights_of_the_search(
    images: Path,
    tmp_path: Path,
    begun: list[Begun],
    network: dict[str, Any],
    search: dict[str, Any],
    part: str,
) -> None:
    """Both networks, with fresh optimisers; the average begins with the same."""
    run_with(tmp_path / "run", settings(images, network, search))
    assert [training.name for training in begun] == ["candidate-0", "candidate-1", "train"]
    run = Run.resume(tmp_path / "run")
    state = run.checkpoints.load(part)
    run.close()
    assert state is not None
    shared = state["gan"]
    for _, weights, fresh in begun:
        for name in ("generator", "discriminator"):
            assert equal_trees(weights[name], {key: shared[name][key] for key in weights[name]}), (
                name
            )
        average = {key: shared["generator"][key] for key in weights["average"]}
        assert equal_trees(weights["average"], average) and fresh


def test_a_run_that_was_interrupted_ends_as_the_whole_one(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the training of a candidate, and in that of the winner."""
    run_with(tmp_path / "whole", settings(images))
    Run.create(tmp_path / "stopped", settings(images)).close()
    for name in ("candidate-1", "train"):
        run = Run.resume(tmp_path / "stopped")
        stop_in(name, run, monkeypatch)
        with pytest.raises(Stopped):
            run_everything(run, Listening())
        run.close()
    run = Run.resume(tmp_path / "stopped")
    run_everything(run, Listening())
    run.close()
    own, other = (
        load_tensors(tmp_path / name / "generator.safetensors")[0] for name in ("whole", "stopped")
    )
    assert equal_trees(own, other)


def test_a_search_and_its_derivation_begin_with_the_same_weights_as_one_run(
    images: Path, tmp_path: Path, begun: list[Begun]
) -> None:
    run_with(tmp_path / "whole", settings(images))
    whole = [training.weights for training in begun[:2]]
    begun.clear()
    run = Run.create(tmp_path / "search", settings(images), Task("search"))
    run_search(run, Listening())
    run.close()
    run = Run.resume(run.folder)
    run_derivation(run, Listening())
    run.close()
    assert equal_trees([training.weights for training in begun], whole)


def test_a_training_that_goes_wrong_goes_back_to_the_weights_of_the_search(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it has no newer state; a training once begun again ends, with other latents."""
    step, seen = Training.step, []

    def diverging(training: Training) -> bool:
        if training.name == "train" and training.steps_done == 0:
            weights = training.gan.generator.state_dict()
            seen.append({name: value.clone() for name, value in weights.items()})
        if training.name == "train" and training.steps_done == 1 and len(seen) == 1:
            raise Diverged("gone wrong")
        return step(training)

    monkeypatch.setattr(Training, "step", diverging)
    with pytest.warns(UserWarning, match="Back to the last good checkpoint"):
        run_with(tmp_path / "run", settings(images))
    first, again = seen
    assert equal_trees(first, again)
    run = Run.resume(tmp_path / "run")
    state = run.checkpoints.load(SEARCH)
    run.close()
    assert state is not None
    assert equal_trees(again, {key: state["gan"]["generator"][key] for key in again})


def test_what_is_trained_alone_begins_with_fresh_weights_and_says_so(
    images: Path, tmp_path: Path
) -> None:
    """As with train.start=fresh, to the bit; the generator's file says fresh too."""
    weights = []
    for start in ("shared", "fresh"):
        run = Run.create(
            tmp_path / start, settings(images, start=start, generator_steps=2), Task("train", TEXT)
        )
        progress = Listening()
        run_training(run, Architecture.parse(TEXT), progress)
        run.close()
        said = [note for note in progress.notes if "they are fresh" in note]
        assert len(said) == (start == "shared")
        tensors, about = load_tensors(tmp_path / start / "generator.safetensors")
        assert json.loads(about["origin"])["settings"]["train"]["start"] == "fresh"
        weights.append(tensors)
    assert equal_trees(*weights)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"generator_channels": 12},
            r"search\.generator_channels is 8, and train\.generator_channels is 12",
        ),
        ({"generator_channels": [8, 12]}, r"search\.generator_channels is 8, and .* is 8,12"),
        ({"discriminator_channels": 12}, r"search\.discriminator_channels is 8"),
        (
            {"objective": {"spectral_norm": False, "real_penalty": 1.0}},
            r"search\.objective\.spectral_norm is true, and train\.objective\.spectral_norm is false",
        ),
        ({"objective": {"direction_head": True}}, r"search\.objective\.direction_head is false"),
    ],
)
def test_networks_of_another_shape_are_refused_before_the_search_begins(
    images: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    works: list[tuple[Task, Callable[[Run, Listening], Any]]] = [
        (Task("run"), run_everything),
        (Task("search"), run_search),
    ]
    for task, work in works:
        run = Run.create(tmp_path / task.command, settings(images, **changes), task)
        with pytest.raises(UserError, match=message):
            work(run, Listening())
        assert not (run.folder / "data.json").exists()
        run.close()
