"""A run is a folder, and everything later reads only the folder (docs/run-folder.md).

config.yaml         task, resolved settings and what they ran on, written before the first step
data.json           what the run learns from, written once it is loaded
log.jsonl           one JSON object a line: losses, children, stages, resets
tensorboard/        the same figures as curves
checkpoints/        the latest states, two of each part
lock                locked by the process that is at work here
"""

import contextlib
import json
import os
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import TypeAdapter, ValidationError

from autogan.basics.errors import UserError
from autogan.basics.version import RESULTS_SCHEMA, package_version
from autogan.files.plain_yaml import read_yaml
from autogan.files.storage import remove_unfinished, write_json, write_text
from autogan.runs.checkpoints import Checkpoints
from autogan.runs.checksums import CHECKSUMS, write_checksums
from autogan.runs.drive import Keeper
from autogan.runs.environment import environment, warn_of_other_machine
from autogan.runs.journal import CURVES, JOURNAL, Journal
from autogan.runs.locking import LOCK, lock
from autogan.runs.made_folders import make_folders, remove_made_folders
from autogan.runs.stopping import Stopping
from autogan.settings.loading import settings_from_tree
from autogan.settings.resume_rules import refuse_changes
from autogan.settings.sections import Settings


@dataclass(frozen=True)
class Task:
    """What a run was made to do, by the name of the command that does it.

    architecture: the text form of what "train" trains; None for the others.
    """

    command: Literal["run", "search", "train"] = "run"
    architecture: str | None = None

    def resume_command(self, folder: Path) -> str:
        """The command line that goes on with the run in `folder`."""
        return f"autogan {self.command} --resume --out {shlex.quote(str(folder))}"


def derive_command(folder: Path) -> str:
    """The command line that derives from the finished search in `folder`, or goes on with that."""
    return f"autogan derive {shlex.quote(str(folder))}"


@contextlib.contextmanager
def _closed_after_an_error(handle: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.close(handle)
        raise


class Run:
    """An open run folder, locked: its settings, its journal, its checkpoints, and whether to stop.

    Made by `Run.create` (a new folder) or `Run.resume` (one that holds a run).
    """

    def __init__(self, folder: Path, settings: Settings, lock_handle: int) -> None:
        self.folder = folder
        self.settings = settings
        self.stopping = Stopping()
        self.journal = Journal(folder, settings)
        self.checkpoints = Checkpoints(folder, settings, self.journal)
        self._lock = lock_handle
        self._made_folders: list[Path] = []

    @classmethod
    def create(cls, folder: Path, settings: Settings, task: Task | None = None) -> Self:
        """Makes the folder and writes config.yaml; refuses a folder that already holds something.

        task: what the run is for; the whole method where it is left out.
        """
        refuse_used_folder(folder)
        try:
            made = make_folders(folder)
        except OSError as error:
            raise UserError(f"Cannot make the run folder {folder}: {error.strerror}.") from None
        lock_handle = lock(folder)
        with _closed_after_an_error(lock_handle):
            refuse_used_folder(folder)  # another process may have been faster
            described = {
                "task": asdict(task or Task()),
                "settings": settings.model_dump(mode="json"),
                "environment": environment(settings.compute.device),
            }
            _write_config(folder, described)
            run = cls(folder, settings, lock_handle)
            run._made_folders = made
            return run

    @classmethod
    def resume(cls, folder: Path, settings: Settings | None = None) -> Self:
        """Opens a folder that holds a run, as its newest whole checkpoint left it.

        settings: the run's own where left out; raises `UserError` where they are not the run's but
        for those that may change. Lines logged after the checkpoint are taken out of the journal.
        """
        described = _read_config(folder)
        settings = settings or _settings_of(described)
        refuse_changes(described["settings"], settings, f"The run in {folder}")
        lock_handle = lock(folder)
        with _closed_after_an_error(lock_handle):
            remove_unfinished(folder)
            (folder / CHECKSUMS).unlink(missing_ok=True)  # they are of what stands at the end
            run = cls(folder, settings, lock_handle)
        try:
            run.checkpoints.go_back_to_whole_state()
        except BaseException:
            run.close()
            raise
        warn_of_other_machine(described.get("environment", {}), settings.compute.device)
        if described["settings"] != settings.model_dump(mode="json"):
            _write_config(folder, {**described, "settings": settings.model_dump(mode="json")})
        return run

    def keeper(self, part: str) -> Keeper:
        """What keeps the states of one part of the run while `drive` brings it to its end."""
        every_seconds = 60 * self.settings.checkpoint_every_minutes
        return Keeper(part, self.checkpoints, self.journal, self.stopping, every_seconds)

    def write(self, name: str, value: Any) -> None:
        """Writes a JSON file of the folder, whole or not at all."""
        write_json(self.folder / name, value)

    def read(self, name: str) -> Any:
        """The content of a JSON file of the folder, or None where there is none yet."""
        return read_json(self.folder / name)

    def discard(self) -> None:
        """Removes a run that ended before it did anything, with the folders that were made for it."""
        if (self.folder / "checkpoints").exists():
            return
        for name in ("config.yaml", "data.json", JOURNAL, "timings.json", "report.html", LOCK):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / CURVES, ignore_errors=True)
        remove_made_folders(self._made_folders)

    def seal(self) -> None:
        """To be called when nothing more will be written: checksums.json then covers all files."""
        self.journal.close_curves()
        write_checksums(self.folder)

    def close(self) -> None:
        """Closes the journal, and gives the lock back."""
        try:
            self.journal.close()
        finally:
            os.close(self._lock)


def refuse_used_folder(folder: Path) -> None:
    """Raises `UserError` where an output folder is not free: nothing is ever overwritten."""
    if (folder / "config.yaml").exists():
        raise UserError(
            f"{folder} already holds a run. Choose another --out, or go on with that one: --resume."
        )
    ours = (LOCK,)  # of a process that ended before it wrote anything
    if folder.exists() and (
        not folder.is_dir()
        or any(f.name not in ours and f.suffix != ".tmp" for f in folder.iterdir())
    ):
        raise UserError(f"{folder} exists and is not an empty folder. Choose another --out.")


def read_settings(folder: Path) -> Settings:
    """The settings that a run folder was made with."""
    return _settings_of(_read_config(folder))


def _settings_of(described: dict[str, Any]) -> Settings:
    """Those in a config.yaml; where this version cannot read them, it says which one wrote them."""
    try:
        return settings_from_tree(described["settings"])
    except UserError as error:
        wrote = (described.get("environment") or {}).get("autogan")
        if wrote in (None, package_version()):
            raise
        raise UserError(
            f"{error}\nThe run was made by autogan {wrote}, and this is {package_version()}."
        ) from None


def read_task(folder: Path) -> Task | None:
    """What the run in a folder was made to do; None where an older version did not write it down."""
    task = _read_config(folder).get("task")
    if not task:
        return None
    try:
        return TypeAdapter(Task).validate_python(task)
    except ValidationError:
        raise UserError(f"{folder / 'config.yaml'} names no task that autogan knows.") from None


def _write_config(folder: Path, described: dict[str, Any]) -> None:
    write_text(folder / "config.yaml", yaml.safe_dump(described, sort_keys=False))


def _read_config(folder: Path) -> dict[str, Any]:
    config = folder / "config.yaml"
    if not config.is_file():
        raise UserError(f"{folder} holds no run: there is no config.yaml in it.")
    tree = read_yaml(config)
    if not isinstance(tree, dict) or "settings" not in tree:
        raise UserError(f"{config} is not the description of a run.")
    return tree


def read_json(path: Path) -> Any:
    """The content of a JSON file, or None where there is no such file.

    Raises `UserError` where it is damaged.
    """
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{path} is damaged ({error}). Put it back from a copy, or remove it and go on without."
        ) from None


def read_results(folder: Path) -> dict[str, Any]:
    """The content of results.json; raises `UserError` where it is damaged or of another version."""
    results = read_json(folder / "results.json")
    schema = results.get("schema") if isinstance(results, dict) else None
    if schema != RESULTS_SCHEMA:
        raise UserError(
            f"results.json in {folder} is of schema {schema}, and this version of autogan reads schema "
            f"{RESULTS_SCHEMA}. Use the version that made the run."
        )
    return results
