"""Opening a run's folder: a new one, or one that goes on, or one where nothing is left to do."""

from pathlib import Path

from autogan.basics.errors import UserError
from autogan.runs.checksums import changed_files
from autogan.runs.config import read_settings, read_task
from autogan.runs.file_names import CHECKSUMS
from autogan.runs.folder import Run
from autogan.runs.task import Task
from autogan.settings.resume_rules import refuse_changes
from autogan.settings.sections import Settings


def open_run(folder: Path, settings: Settings, task: Task, resume: bool) -> Run:
    """A new run, or with `resume` the one in the folder.

    Raises `UserError` where that was made for another task or with other settings.
    """
    if not resume:
        return Run.create(folder, settings, task)
    refuse_other_task(folder, task)
    return Run.resume(folder, settings)


def refuse_other_task(folder: Path, task: Task) -> None:
    """Trainings, searches and trials leave different states: none can go on with another's run."""
    made_for = read_task(folder)
    if made_for is not None and (
        made_for.architecture != task.architecture
        or made_for.by_trials != task.by_trials
        or made_for.start != task.start
    ):
        raise UserError(
            f"The run in {folder} is not of this kind. Go on with it: "
            f"{made_for.resume_command(folder)}"
        )


def changed_since_its_end(
    folder: Path, task: Task, settings: Settings, result: str
) -> list[str] | None:
    """Of a run that has ended, a sentence for each file that changed since; None where it has not.

    An empty list: there is nothing left to do. Else going on makes what is missing or damaged again.
    result: the file that shows that the task is done. Raises `UserError` as `open_run` does.
    """
    if not all((folder / name).exists() for name in (CHECKSUMS, result)):
        return None
    changed = changed_files(folder)
    if not changed:
        refuse_other_task(folder, task)
        before = read_settings(folder).model_dump(mode="json")
        refuse_changes(before, settings, f"The run in {folder}")
    return changed


def free_folder(folder: Path) -> Path:
    """`folder` or, where that is taken, the first free one of the names with a number behind."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free
