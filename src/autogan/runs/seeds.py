"""The folder of one task done with several seeds: a run for each, and what they share.

settings.yaml   the settings of all, with one seed for their judge
seeds.json      the task and the seeds; when runs have ended, mean and spread of their scores
seed-0, seed-1  the runs, each as any other
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autogan.basics.errors import UserError
from autogan.files.storage import write_json, write_text
from autogan.runs.contents import read_content
from autogan.runs.file_names import REPORT
from autogan.runs.made_folders import make_folders, remove_made_folders
from autogan.runs.task import Task
from autogan.settings.loading import load_settings, settings_to_yaml
from autogan.settings.resume_rules import refuse_changes
from autogan.settings.sections import Settings

SEEDS = "seeds.json"
SETTINGS = "settings.yaml"


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """What seeds.json begins with."""

    task: Task
    seeds: list[int]


def folder_of_seed(folder: Path, seed: int) -> Path:
    """Of the run with this seed."""
    return folder / f"seed-{seed}"


def log_of_seed(folder: Path, seed: int) -> Path:
    """What the run with this seed said, where several ran at a time."""
    return folder / f"seed-{seed}.log"


def holds_seeds(folder: Path) -> bool:
    """Whether a folder is one of several seeds."""
    return (folder / SEEDS).is_file()


def read_seeds(folder: Path) -> Seeds:
    """Raises `UserError` where the folder does not hold runs with several seeds."""
    if not holds_seeds(folder):
        raise UserError(f"{folder} holds no runs with several seeds: there is no {SEEDS} in it.")
    found = read_content(folder, SEEDS, Seeds)
    if found.value is None:
        raise UserError(found.damage.shown if found.damage else f"{folder / SEEDS} cannot be read.")
    return found.value


def read_seeds_settings(folder: Path) -> Settings:
    """The settings of all runs in the folder."""
    return load_settings(None, folder / SETTINGS)


def begin_seeds(
    folder: Path, task: Task, settings: Settings, count: int
) -> tuple[Seeds, list[Path]]:
    """Makes the folder: seeds from settings.seed on, and one judge for all, of the first seed.

    With the folders that were made for it. settings: with whole paths. Raises `UserError` where the folder is
    not free.
    """
    if holds_seeds(folder):
        raise UserError(f"{folder} is not empty. Choose another --out, or go on with it: --resume.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} exists and is not an empty folder. Choose another --out.")
    try:
        made = make_folders(folder)
    except OSError as error:
        raise UserError(f"Cannot make the folder {folder}: {error.strerror}.") from None
    judge = settings.judge.model_copy(update={"seed": settings.judge_seed})
    write_settings(folder, settings.model_copy(update={"judge": judge}))
    seeds = Seeds(task=task, seeds=list(range(settings.seed, settings.seed + count)))
    write_seeds(folder, seeds, {})
    return seeds, made


def discard_seeds(folder: Path, seeds: Seeds, made: Sequence[Path]) -> None:
    """Removes what was written where no run could begin, and the folders `made` for it."""
    logs = (log_of_seed(folder, seed) for seed in seeds.seeds)
    for file in (folder / SETTINGS, folder / SEEDS, folder / REPORT, *logs):
        file.unlink(missing_ok=True)
    remove_made_folders(made)


def resume_seeds(folder: Path, task: Task, settings: Settings, count: int | None) -> Seeds:
    """The seeds to go on with: those that it has, or more of them.

    settings: with whole paths and the judge's seed (`with_judge_of`). Raises `UserError`, before anything
    is written, for another task, for settings that may not change, or for fewer seeds than it has.
    """
    held = read_seeds(folder)
    if held.task != task:
        raise UserError(f"{folder} was made by `autogan {held.task.command}`. Go on with that.")
    before = read_seeds_settings(folder).model_dump(mode="json")
    refuse_changes(before, settings, str(folder))
    if count is not None and count < len(held.seeds):
        raise UserError(f"{folder} has {len(held.seeds)} seeds already: give --seeds of no fewer.")
    write_settings(folder, settings)
    if count is None:
        return held
    first = held.seeds[0]
    seeds = Seeds(task=task, seeds=list(range(first, first + count)))
    write_seeds(folder, seeds, {})
    return seeds


def with_judge_of(folder: Path, settings: Settings) -> Settings:
    """The settings with the seed of the judge that all runs in the folder have, where they name none."""
    if settings.judge.seed is not None:
        return settings
    kept = read_seeds_settings(folder).judge.seed
    return settings.model_copy(update={"judge": settings.judge.model_copy(update={"seed": kept})})


def write_settings(folder: Path, settings: Settings) -> None:
    """settings.yaml, from which every run begins."""
    write_text(folder / SETTINGS, settings_to_yaml(settings))


def write_seeds(folder: Path, seeds: Seeds, found: dict[str, Any]) -> None:
    """seeds.json, with what the runs found so far."""
    task = {"command": seeds.task.command, "architecture": seeds.task.architecture}
    write_json(folder / SEEDS, {"task": task, "seeds": seeds.seeds, **found})
