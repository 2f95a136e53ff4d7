"""A run's folder, opened and closed for a command, with what a person is told when it stops."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from autogan.basics.errors import UserError
from autogan.cli.common import shown_progress
from autogan.cli.console import notes

if TYPE_CHECKING:
    from autogan.progress.speeds import RememberedSpeeds
    from autogan.progress.terminal import TerminalProgress
    from autogan.runs.folder import Run
    from autogan.runs.task import Task
    from autogan.settings.sections import Settings


def ended(folder: Path, task: "Task", settings: "Settings", result: str) -> bool:
    """Whether there is nothing left to go on with, which is said; `result` is the file that shows it."""
    from autogan.runs.resume import changed_since_its_end

    changed = changed_since_its_end(folder, task, settings, result)
    if changed is None:
        return False
    if changed:
        said = f"had ended, but {'; '.join(changed)}. It goes on from its checkpoints."
    else:
        said = "has ended; there is nothing left to do."
    notes.print(f"The run in {folder} {said}", highlight=False, markup=False, soft_wrap=True)
    return not changed


@contextmanager
def opened_run(
    settings: "Settings",
    folder: Path,
    task: "Task",
    resume: bool,
    time_limit_seconds: float | None,
    again: str | None = None,
) -> Iterator[tuple["Run", "TerminalProgress"]]:
    """The run's folder, open; a folder made for input that turns out unusable is removed again.

    Ends the program where the run was asked to stop.
    again: the command that goes on after an interruption, where it is not the task's own.
    """
    if not resume:  # before torch is loaded, which takes seconds
        from autogan.images.sources import check_source

        with notes.status("looking at the images"):
            check_source(settings.data.source, limit_factor=settings.data.limit_factor)
    from autogan.runs.locking import FolderLost
    from autogan.runs.machine_errors import MachineError, explained
    from autogan.runs.resume import open_run
    from autogan.runs.stopping import Stopped

    again = again or task.resume_command(folder)
    with explained(folder, again):
        run = open_run(folder, settings, task, resume)
    try:
        with (
            run.noticing_loss(),
            explained(folder, again),
            closing(run),
            run.stopping.listening(time_limit_seconds),
            shown_progress(str(folder), _speeds(settings)) as progress,
        ):
            said = f"Run folder: {folder}. If it is interrupted, go on with: {again}"
            run.when_accepted = lambda: progress.note(said)
            yield run, progress
    except UserError as error:
        if not resume and not isinstance(error, MachineError | FolderLost):
            run.discard()
        raise
    except (Stopped, KeyboardInterrupt) as stop:
        reason = stop.reason if isinstance(stop, Stopped) else "Ctrl-C"
        notes.print(
            f"Stopped by {reason}. Go on with: {again}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        if isinstance(stop, Stopped):
            raise SystemExit(stop.exit_code) from None
        raise


def _speeds(settings: "Settings") -> "RememberedSpeeds":
    """How fast this machine was in earlier runs with the same device and precision."""
    from autogan.images.cache import default_cache_directory
    from autogan.progress.speeds import RememberedSpeeds, machine_name

    machine = machine_name(settings.compute.device, settings.compute.precision)
    return RememberedSpeeds(default_cache_directory() / "speeds.json", machine)
