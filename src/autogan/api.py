"""The search, the training and the sampling as functions, for use from Python."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.device.compute import Compute
from autogan.gan.sampling import Wanted, sampled_images
from autogan.method.pipeline import run_everything, run_ranking, run_training
from autogan.progress.base import Progress
from autogan.runs.ended_training import read_ended_training
from autogan.runs.file_names import GENERATOR
from autogan.runs.folder import Run
from autogan.runs.locking import FolderLost
from autogan.runs.machine_errors import MachineError, explained
from autogan.runs.task import Task
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.spaces.generator_file import load_generator
from autogan.spaces.networks import Generator


def search_architectures(
    settings: Settings, folder: str | Path, progress: Progress | None = None
) -> list[Architecture]:
    """Searches in a new run folder; what the final policy proposes, best first.

    Each is scored with the shared weights; `settings.derive.candidates` are sampled.
    Raises `UserError` for data or settings that cannot be used, for a folder that is not free or is
    taken away, and for a disk or memory that is used up.
    """
    with _new_run(folder, settings, Task("search")) as run:
        ranking = run_ranking(run, progress or Progress())
    return [child.architecture for child in ranking]


def train_architecture(
    architecture: Architecture,
    settings: Settings,
    folder: str | Path,
    progress: Progress | None = None,
    start: str | Path | None = None,
) -> tuple[Generator, dict[str, Any]]:
    """Trains one architecture in a new run folder, and evaluates it.

    start: the folder of a run that has trained this architecture and ended; the training goes on from there,
    with settings that may differ in `train.generator_steps`, `train.learning_rate` and a few more. None: it
    begins from scratch. Returns the averaged generator in evaluation mode and the content of results.json.
    Raises `UserError` as `search_architectures` does.
    """
    if not isinstance(architecture, Architecture):
        raise UserError(f"An architecture is needed; autogan.Architecture.parse({architecture!r})?")
    if isinstance(settings, Settings) and len(architecture) != settings.cells:
        raise UserError(
            f"The architecture has {len(architecture)} cells, but images of "
            f"{settings.data.image_size} pixels take {settings.cells}."
        )
    if isinstance(settings, Settings) and architecture.space != settings.network.space:
        raise UserError(
            f"The architecture is of the space {architecture.space}, and network.space is "
            f"{settings.network.space}."
        )
    task = Task("train", str(architecture))
    if start is not None and isinstance(settings, Settings):
        before = read_ended_training(Path(start))
        before.refuse_unfit(str(architecture), settings)
        task = replace(task, start=str(before.folder))
    with _new_run(folder, settings, task) as run:
        results = run_training(run, architecture, progress or Progress())
        assert results is not None  # one process alone evaluates
        return load_generator(run.folder / GENERATOR).generator, results


def search_and_train(
    settings: Settings, folder: str | Path, progress: Progress | None = None
) -> tuple[Generator, dict[str, Any]]:
    """The whole method in a new run folder: search, derive, train the winner, evaluate.

    Returns the averaged generator in evaluation mode and the content of results.json.
    Raises `UserError` as `search_architectures` does.
    """
    with _new_run(folder, settings, Task("run")) as run:
        results = run_everything(run, progress or Progress())
        return load_generator(run.folder / GENERATOR).generator, results


def sample_images(
    generator: Generator, count: int, *, class_names: Sequence[str] = (), seed: int = 0
) -> Tensor:
    """Images as `autogan sample` makes them: uint8 N×3×S×S on the CPU; the same for the same seed.

    class_names: with them, `count` images of each of these classes, one class after the other. Without,
    a generator that knows classes (`generator.classes`) makes them in its training images' shares.
    Raises `UserError` for a class that the generator does not know.
    """
    if count < 1:
        raise UserError(f"At least one image can be asked for, not {count}.")
    wanted = Wanted.of(generator, count, seed, class_names)
    return torch.cat(list(sampled_images(generator, wanted, Compute.resolve())))


@contextmanager
def _new_run(folder: str | Path, settings: Settings, task: Task) -> Iterator[Run]:
    """A new run, closed at the end; its folder is removed where the input turns out unusable."""
    if not isinstance(settings, Settings):
        raise UserError("Settings are needed, such as autogan.load_settings('demo').")
    path = Path(folder)
    again = task.resume_command(path)
    with explained(path, again):
        run = Run.create(path, settings, task)
    try:
        with run.noticing_loss(), explained(path, again), closing(run):
            yield run
    except UserError as error:
        if not isinstance(error, MachineError | FolderLost):
            run.discard()
        raise
