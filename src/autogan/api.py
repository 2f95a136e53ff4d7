"""The search and the training as functions, for use from Python."""

from pathlib import Path
from typing import Any

from autogan.method.pipeline import prepare_run, run_everything, run_training, search_part
from autogan.progress.base import Progress
from autogan.report.live import LiveReport
from autogan.runs.folder import Run
from autogan.runs.task import Task
from autogan.settings.sections import Settings
from autogan.spaces.autogan.generator import Generator
from autogan.spaces.generator_file import load_generator
from autogan.spaces.space import Architecture


def search_architectures(
    settings: Settings, folder: str | Path, progress: Progress | None = None
) -> list[Architecture]:
    """Searches in a new run folder; what the final policy proposes, best first.

    Each is scored with the shared weights; `settings.derive.candidates` are sampled.
    Raises `UserError` for data or settings that cannot be used.
    """
    progress = progress or Progress()
    run = Run.create(Path(folder), settings, Task("search"))
    try:
        search = search_part(run, prepare_run(run, progress), progress)
        ranking = search.rank()
        search.write_architectures()
        LiveReport(run.folder).draw()
        run.seal()
    finally:
        run.close()
    return [Architecture.parse(child.architecture) for child in ranking]


def train_architecture(
    architecture: Architecture,
    settings: Settings,
    folder: str | Path,
    progress: Progress | None = None,
) -> tuple[Generator, dict[str, Any]]:
    """Trains one architecture from scratch in a new run folder, and evaluates it.

    Returns the averaged generator in evaluation mode and the content of results.json.
    """
    run = Run.create(Path(folder), settings, Task("train", str(architecture)))
    try:
        results = run_training(run, architecture, progress or Progress())
    finally:
        run.close()
    return load_generator(run.folder / "generator.safetensors").generator, results


def search_and_train(
    settings: Settings, folder: str | Path, progress: Progress | None = None
) -> tuple[Generator, dict[str, Any]]:
    """The whole method in a new run folder: search, derive, train the winner, evaluate.

    Returns the averaged generator in evaluation mode and the content of results.json.
    """
    run = Run.create(Path(folder), settings)
    try:
        results = run_everything(run, progress or Progress())
    finally:
        run.close()
    return load_generator(run.folder / "generator.safetensors").generator, results
