"""The search and the training as functions, for use from Python."""

from contextlib import closing
from pathlib import Path
from typing import Any

from autogan.method.pipeline import run_everything, run_ranking, run_training
from autogan.progress.base import Progress
from autogan.runs.folder import Run, Task
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.spaces.generator_file import load_generator
from autogan.spaces.networks import Generator


def search_architectures(
    settings: Settings, folder: str | Path, progress: Progress | None = None
) -> list[Architecture]:
    """Searches in a new run folder; what the final policy proposes, best first.

    Each is scored with the shared weights; `settings.derive.candidates` are sampled.
    Raises `UserError` for data or settings that cannot be used.
    """
    with closing(Run.create(Path(folder), settings, Task("search"))) as run:
        ranking = run_ranking(run, progress or Progress())
    return [child.architecture for child in ranking]


def train_architecture(
    architecture: Architecture,
    settings: Settings,
    folder: str | Path,
    progress: Progress | None = None,
) -> tuple[Generator, dict[str, Any]]:
    """Trains one architecture from scratch in a new run folder, and evaluates it.

    Returns the averaged generator in evaluation mode and the content of results.json.
    """
    with closing(Run.create(Path(folder), settings, Task("train", str(architecture)))) as run:
        results = run_training(run, architecture, progress or Progress())
    return load_generator(run.folder / "generator.safetensors").generator, results


def search_and_train(
    settings: Settings, folder: str | Path, progress: Progress | None = None
) -> tuple[Generator, dict[str, Any]]:
    """The whole method in a new run folder: search, derive, train the winner, evaluate.

    Returns the averaged generator in evaluation mode and the content of results.json.
    """
    with closing(Run.create(Path(folder), settings)) as run:
        results = run_everything(run, progress or Progress())
    return load_generator(run.folder / "generator.safetensors").generator, results
