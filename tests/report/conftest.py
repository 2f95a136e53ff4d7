"""A finished run's folder, written by the program's own writers in the shape that runs leave."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from autogan.basics.version import RESULTS_SCHEMA
from autogan.files.pictures import save_picture
from autogan.runs.events import (
    ChildScored,
    Finished,
    Grown,
    IterationEnded,
    Losses,
    StrategyUpdate,
    Validated,
    WeightsReset,
)
from autogan.runs.file_names import PICTURES
from autogan.runs.folder import Run
from autogan.runs.outcomes import Child, Validation, to_plain
from autogan.runs.task import Task
from autogan.settings.loading import load_settings
from autogan.spaces.architecture import Architecture

FIRST = "pre-batch-nearest+shortcut"
BEAMS = (FIRST, "post-none-bilinear")
WINNER = f"{FIRST}/post-instance-deconvolution+skip0"
SECOND = "post-none-bilinear/pre-none-nearest+shortcut+skip0"
SETTINGS = ("data.image_size=16", "search.stage_weights=[1,1]", "search.iterations=4", "seed=5")
CLASS_NAMES = ("circle", "cross", "square")

MakeRun = Callable[..., Path]


def scores(frechet_distance: float, shares: list[float]) -> dict[str, Any]:
    return {
        "inception_score": 1 + 10 / (1 + frechet_distance),
        "inception_score_std": 0.1,
        "frechet_distance": frechet_distance,
        "kernel_distance": frechet_distance / 10,
        "kernel_distance_std": 0.01,
        "precision": 0.5,
        "recall": 0.4,
        "class_shares": shares,
        "images": 600,
        "real_images": 1800,
        "kernel_subset_size": 300,
        "manifold_images": 600,
        "judge": "domain-12345678",
    }


def results() -> dict[str, Any]:
    """The content of results.json."""
    return {
        "schema": RESULTS_SCHEMA,
        "architecture": WINNER,
        "vector": [1, 1, 1, 1, 0, 2, 2, 0, 1],
        "image_size": 16,
        "parameters": 123_456,
        "multiply_accumulates": 7_654_321,
        "data": data(),
        "judge": {
            "name": "domain-12345678",
            "kind": "domain",
            "held_out_accuracy": 0.987,
            "class_names": list(CLASS_NAMES),
        },
        "protocol": {
            "name": "custom",
            "images": 600,
            "inception_splits": 10,
            "real": "training",
            "real_images": 1800,
        },
        "chosen_by": {"reward": "inception_score", "metric": "frechet_distance"},
        "scores": scores(10.0, [0.5, 0.49, 0.01]),
        "floor": {**scores(0.5, [0.3, 0.3, 0.4]), "images": 200},
        "as_few": {**scores(12.0, [0.5, 0.5, 0.0]), "images": 200},
        "untrained": scores(60.0, [1.0, 0.0, 0.0]),
        "candidates": [candidate(WINNER, 2.5), candidate(SECOND, 2.25)],
        "validation": {"generator_steps": 40, "inception_score": 2.0, "frechet_distance": 11.0},
        "seconds": {"data and judge": 2.0, "search": 65.0, "train": 30.5, "evaluate": 4.0},
        "neighbours": {
            "images": 64,
            "searched": 1800,
            "generated_median": 3.25,
            "held_out_median": 1.75,
        },
        "peak_memory_mib": 512,
        "files": {"generator": "generator.safetensors", **PICTURES},
    }


def data() -> dict[str, Any]:
    return {
        "name": "folder:shapes",
        "digest": "0" * 64,
        "training_images": 1800,
        "held_out_images": 200,
    }


def candidate(architecture: str, shared_reward: float) -> dict[str, Any]:
    return {
        "architecture": architecture,
        "shared_reward": shared_reward,
        "generator_steps": 20,
        "validation": {"generator_steps": 20, "inception_score": 1.9, "frechet_distance": 15.0},
        "file": "candidates/0.safetensors",
    }


def log_search(run: Run, stages: int = 2) -> None:
    """Two iterations for each stage; a reset after the first."""
    for iteration in range(2 * stages):
        stage = iteration // 2
        step = 10 * (iteration + 1)
        run.journal.log(Losses("search", step, 1.0 + 0.1 * iteration, 0.2, stage))
        for number, architecture in enumerate(BEAMS if stage == 0 else (WINNER, SECOND)):
            child = Child(
                Architecture.parse(architecture),
                stage,
                iteration,
                "controller",
                2.0 + 0.1 * number,
                0.05,
            )
            run.journal.log(ChildScored(child))
            metrics = {"policy_loss": 0.1, "entropy/order": 0.6, "entropy/normalisation": 1.0}
            run.journal.log(StrategyUpdate(iteration, number, metrics))
        run.journal.log(IterationEnded(iteration, stage, step))
        if iteration == 0:
            run.journal.log(WeightsReset(0, 0))
        if iteration == 1:
            run.journal.log(Grown(1, 1))


def log_training(run: Run, part: str, steps: int) -> None:
    for step in range(10, steps + 1, 10):
        run.journal.log(Losses(part, step, 1.5, 0.3))
        run.journal.log(Validated(part, Validation(step, 1.5 + step / 100, 20 - step / 10)))


def beams(ranking: bool) -> dict[str, Any]:
    """The content of architectures.json."""

    def described(architecture: str, stage: int, purpose: str, reward: float) -> dict[str, Any]:
        child = Child(Architecture.parse(architecture), stage, 2 * stage + 1, purpose, reward, 0.05)
        return to_plain(child)

    return {
        "stages": [[described(a, 0, "beam", 2.1 + n / 10) for n, a in enumerate(BEAMS)]],
        "ranking": [described(a, 1, "derive", 2.5) for a in (WINNER, SECOND)] if ranking else [],
        "scored": 8,
    }


def write_pictures(folder: Path) -> None:
    for file in PICTURES.values():
        (folder / file).parent.mkdir(exist_ok=True)
        save_picture(folder / file, torch.full((3, 8, 12), 90, dtype=torch.uint8))


@pytest.fixture(name="results")
def fresh_results() -> dict[str, Any]:
    """The content of results.json, which the test may change."""
    return results()


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Writes a run's folder; `until` is one of "begun", "searching", "searched", "finished"."""

    def make(
        name: str = "run",
        until: str = "finished",
        task: Task | None = None,
        overrides: tuple[str, ...] = (),
        content: dict[str, Any] | None = None,
    ) -> Path:
        folder = tmp_path / name
        run = Run.create(folder, load_settings(overrides=(*SETTINGS, *overrides)), task or Task())
        if until != "begun":
            run.write("data.json", data())
            log_search(run, stages=1 if until == "searching" else 2)
        if until in ("searched", "finished"):
            run.write("architectures.json", beams(ranking=until == "finished"))
        if until == "finished":
            log_training(run, "candidate-0", 20)
            log_training(run, "train", 40)
            run.write(
                "derive.json", {"ranking": [], "candidates": results()["candidates"], "failed": []}
            )
            run.write("timings.json", results()["seconds"])
            write_pictures(folder)
            run.write("results.json", content or results())
            run.journal.log(Finished({}))
        run.close()
        return folder

    return make
