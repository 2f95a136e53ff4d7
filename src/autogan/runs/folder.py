"""A run is a folder, and everything later reads only the folder (docs/run-folder.md).

config.yaml         task, resolved settings and what they ran on, written before the first step
data.json           what the run learns from, written once it is loaded
log.jsonl           one JSON object a line: losses, children, stages, resets
tensorboard/        the same figures as curves
checkpoints/        the latest states, two of each part
lock                locked by the process that is at work here
"""

import contextlib
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import yaml

from autogan.basics.errors import UserError
from autogan.files.storage import remove_unfinished, write_json, write_text
from autogan.runs.checkpoints import Checkpoints
from autogan.runs.checksums import write_checksums
from autogan.runs.config import read_config, read_settings, read_task
from autogan.runs.contents import read_json
from autogan.runs.drive import Keeper
from autogan.runs.environment import environment, settings_seen_from, warn_of_other_machine
from autogan.runs.file_names import (
    CANDIDATES,
    CHECKPOINTS,
    CHECKSUMS,
    CONFIG,
    CURVES,
    DATA,
    DATABASE,
    LOCK,
    LOG,
    REPORT,
    TIMINGS,
    TRIAL_FOLDERS,
    TRIALS,
    WORKER_LOGS,
)
from autogan.runs.journal import Journal
from autogan.runs.locking import FolderLock, FolderLost, lock
from autogan.runs.made_folders import make_folders, remove_made_folders
from autogan.runs.stopping import Stopping
from autogan.runs.task import Task
from autogan.settings.resume_rules import refuse_changes
from autogan.settings.sections import Settings


@contextlib.contextmanager
def _closed_after_an_error(held: FolderLock) -> Iterator[None]:
    try:
        yield
    except BaseException:
        held.close()
        raise


class Run:
    """An open run folder, locked: its task, settings, journal, checkpoints, and whether to stop.

    Made by `Run.create` (a new folder) or `Run.resume` (one that holds a run).
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        task: Task | None,
        held: FolderLock,
        made_folders: Sequence[Path] = (),
    ) -> None:
        self._folder = folder
        self.settings = settings
        self.task = task
        self.source = settings.data.source
        """Where the images are; absolute in a run that goes on, perhaps from another directory."""
        self.inception_weights = settings.judge.inception_weights
        """The file of an Inception judge's weights; absolute as `source` is, empty where none is named."""
        self.when_accepted: Callable[[], None] | None = None
        """Called once settings, machine and data are found usable, before the first work."""
        self.stopping = Stopping()
        self.journal = Journal(folder, settings, held)
        self.checkpoints = Checkpoints(folder, settings, self.journal, held)
        self._held = held
        self._made_folders = made_folders

    @property
    def folder(self) -> Path:
        """Where the run is kept; `FolderLost` where that is not the folder that was locked any more.

        So whatever asks where to write learns that there is nowhere to.
        """
        self._held.check()
        return self._folder

    @contextlib.contextmanager
    def noticing_loss(self) -> Iterator[None]:
        """Inside, and at its end, a folder that was taken away raises `FolderLost`.

        That is then the cause of whatever else went wrong.
        """
        try:
            yield
        except FolderLost:
            raise
        except BaseException as error:
            try:
                self._held.check()
            except FolderLost as lost:
                raise lost from error
            raise
        self._held.check()

    @classmethod
    def create(cls, folder: Path, settings: Settings, task: Task | None = None) -> Self:
        """Makes the folder and writes config.yaml; refuses a folder that already holds something.

        task: what the run is for; the whole method where it is left out.
        """
        _refuse_name_without_text(folder)
        refuse_used_folder(folder)
        try:
            made = make_folders(folder)
        except OSError as error:
            raise UserError(f"Cannot make the run folder {folder}: {error.strerror}.") from None
        held = lock(folder)
        with _closed_after_an_error(held):
            refuse_used_folder(folder)  # another process may have been faster
            task = task or Task()
            described = {
                "task": asdict(task),
                "settings": settings.model_dump(mode="json"),
                "environment": environment(settings.compute.device),
            }
            _write_config(folder, described)
            return cls(folder, settings, task, held, made)

    @classmethod
    def resume(cls, folder: Path, settings: Settings | None = None) -> Self:
        """Opens a folder that holds a run, as its newest whole checkpoint left it.

        settings: the run's own where left out; raises `UserError` where they are not the run's but
        for those that may change. Lines logged after the checkpoint are taken out of the journal.
        """
        described = read_config(folder).described
        _refuse_name_without_text(folder)
        _refuse_foreign_places(folder)
        settings = settings or read_settings(folder)
        refuse_changes(described["settings"], settings, f"The run in {folder}")
        held = lock(folder)
        with _closed_after_an_error(held):
            remove_unfinished(folder)
            (folder / CHECKSUMS).unlink(missing_ok=True)  # they are of what stands at the end
            run = cls(folder, settings, read_task(folder), held)
        try:
            run.checkpoints.go_back_to_whole_state()
        except BaseException:
            run.close()
            raise
        found = settings_seen_from(read_config(folder).directory, settings)
        run.source, run.inception_weights = found.data.source, found.judge.inception_weights
        warn_of_other_machine(described.get("environment", {}), settings.compute.device)
        if described["settings"] != settings.model_dump(mode="json"):
            _write_config(folder, {**described, "settings": settings.model_dump(mode="json")})
        return run

    def keeper(self, part: str) -> Keeper:
        """What keeps the states of one part of the run while `drive` brings it to its end."""
        every_seconds = 60 * self.settings.checkpoint_every_minutes
        return Keeper(
            part, self.checkpoints, self.journal, self.stopping, every_seconds, self._held
        )

    def write(self, name: str, value: Any) -> None:
        """Writes a JSON file of the folder, whole or not at all."""
        write_json(self.folder / name, value)

    def read(self, name: str) -> Any:
        """The content of a JSON file of the folder, or None where there is none yet."""
        return read_json(self.folder / name)

    def discard(self) -> None:
        """Removes a run that ended before it did anything, with the folders that were made for it."""
        if any((self._folder / name).exists() for name in _OF_WORK):
            return
        for name in (CONFIG, DATA, LOG, TIMINGS, REPORT, LOCK):
            (self._folder / name).unlink(missing_ok=True)
        shutil.rmtree(self._folder / CURVES, ignore_errors=True)
        remove_made_folders(self._made_folders)

    def seal(self) -> None:
        """To be called when nothing more will be written: checksums.json then covers all files."""
        folder = self.folder
        self.journal.close_curves()
        write_checksums(folder)

    def close(self) -> None:
        """Closes the journal, and gives the lock back."""
        try:
            self.journal.close()
        finally:
            self._held.close()


def refuse_used_folder(folder: Path) -> None:
    """Raises `UserError` where an output folder is not free: nothing is ever overwritten."""
    if (folder / CONFIG).exists():
        raise UserError(
            f"{folder} already holds a run. Choose another --out, or go on with that one: --resume."
        )
    ours = (LOCK,)  # of a process that ended before it wrote anything
    if folder.exists() and (
        not folder.is_dir()
        or any(f.name not in ours and f.suffix != ".tmp" for f in folder.iterdir())
    ):
        raise UserError(f"{folder} exists and is not an empty folder. Choose another --out.")


def _refuse_name_without_text(folder: Path) -> None:
    """Raises `UserError` where a folder's name is not UTF-8: TensorBoard cannot write below it."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise UserError(
            f"The name of the folder {folder} is not UTF-8. Choose another one."
        ) from None


_OF_WORK = (CHECKPOINTS, DATABASE, TRIAL_FOLDERS, TRIALS, WORKER_LOGS)
"""What a run has that did something: states, or trials."""
_WRITTEN_IN_PLACE = {LOCK: False, LOG: False}
_WRITTEN_IN_PLACE |= {f"{DATABASE}{ending}": False for ending in ("", "-wal", "-shm", ".lock")}
_WRITTEN_IN_PLACE |= dict.fromkeys((CURVES, CHECKPOINTS, CANDIDATES, "pictures"), True)
_WRITTEN_IN_PLACE |= dict.fromkeys((TRIAL_FOLDERS, WORKER_LOGS), True)
"""What a run opens by name, and whether it is a folder. All else is written aside and renamed."""


def _refuse_foreign_places(folder: Path) -> None:
    """Raises `UserError` where something in a run's folder leads out of it, or is no file or folder.

    A run writes to its own folder only, also to one that somebody else has made.
    """
    for name, is_folder in _WRITTEN_IN_PLACE.items():
        try:
            mode = (folder / name).lstat().st_mode
        except FileNotFoundError:
            continue
        if not (stat.S_ISDIR(mode) if is_folder else stat.S_ISREG(mode)):
            kind = "folder" if is_folder else "file"
            raise UserError(
                f"{folder / name} is a link, or no {kind}: a run writes to its own folder only. Put the "
                f"{kind} itself there, or remove it."
            )


def _write_config(folder: Path, described: dict[str, Any]) -> None:
    write_text(folder / CONFIG, yaml.safe_dump(described, sort_keys=False))
