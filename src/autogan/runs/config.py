"""config.yaml of a run's folder: its task, its settings and what they ran on. Without torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from autogan.basics.errors import UserError
from autogan.basics.version import package_version
from autogan.files.plain_yaml import read_yaml
from autogan.runs.file_names import CONFIG
from autogan.runs.task import Task
from autogan.settings.loading import OLD_NAMES, setting_names, settings_from_tree
from autogan.settings.sections import Settings


@dataclass(frozen=True)
class Config:
    """What config.yaml says. described: its whole content, as it stands there."""

    folder: Path
    described: dict[str, Any]

    @property
    def settings_tree(self) -> dict[str, Any]:
        """The settings as they stand there, perhaps with names that this version does not know."""
        tree: dict[str, Any] = self.described.get("settings", {})
        return tree

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, commit and machine, by name."""
        found = self.described.get("environment")
        return found if isinstance(found, dict) else {}

    @property
    def directory(self) -> str | None:
        """Where the run began: relative paths in its settings lead from there. None: it is not said."""
        found = self.environment.get("directory")
        return found if isinstance(found, str) else None

    @cached_property
    def _settings(self) -> Settings | UserError:
        try:
            return settings_from_tree(self.settings_tree)
        except UserError as error:
            wrote = self.environment.get("autogan")
            if wrote in (None, package_version()):
                return error
            return UserError(
                f"{error}\nThe run was made by autogan {wrote}, and this is {package_version()}."
            )

    @cached_property
    def _task(self) -> Task | UserError | None:
        task = self.described.get("task")
        if not task:
            return None
        try:
            return TypeAdapter(Task).validate_python(task)
        except ValidationError:
            return UserError(f"{self.folder / CONFIG} names no task that autogan knows.")

    @property
    def settings(self) -> Settings | None:
        """None where this version cannot read them."""
        return self._settings if isinstance(self._settings, Settings) else None

    @property
    def task(self) -> Task | None:
        """None where an older version did not write it down, or this one does not know it."""
        return self._task if isinstance(self._task, Task) else None

    def damage(self) -> UserError | None:
        """Why this version cannot go on with the run; None where settings and task are sound."""
        wrong = [found for found in (self._settings, self._task) if isinstance(found, UserError)]
        return wrong[0] if wrong else None

    def unknown_settings(self) -> list[str]:
        """The dotted names of settings that this version does not know."""
        return sorted(set(_names(self.settings_tree)) - {*setting_names(), *OLD_NAMES})


def read_config(folder: Path) -> Config:
    """Raises `UserError` where the folder holds no run, or nothing can be read of its description."""
    file = folder / CONFIG
    if not file.is_file():
        inside = next(folder.glob(f"*/{CONFIG}"), None)
        near = f" {inside.parent} holds one." if inside else ""
        raise UserError(f"{folder} holds no run: there is no config.yaml in it.{near}")
    tree = read_yaml(file)
    if not isinstance(tree, dict) or not isinstance(tree.get("settings"), dict):
        raise UserError(f"{file} is not the description of a run: it has no settings.")
    return Config(folder, tree)


def run_directory_of(file: Path) -> str | None:
    """Where the run began that a generator's file lies in; None for one that lies in no run."""
    folders = (folder for folder in file.absolute().parents[:2] if (folder / CONFIG).is_file())
    return next((read_config(folder).directory for folder in folders), None)


def read_settings(folder: Path) -> Settings:
    """The settings that a run's folder was made with.

    Raises `UserError` where this version cannot read them; it says which version wrote them.
    """
    settings = read_config(folder)._settings
    if isinstance(settings, UserError):
        raise settings
    return settings


def read_task(folder: Path) -> Task | None:
    """What the run in a folder was made to do; None where an older version did not write it down.

    Raises `UserError` where this version knows no such task.
    """
    task = read_config(folder)._task
    if isinstance(task, UserError):
        raise task
    return task


def _names(tree: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in tree.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _names(value, f"{prefix}{name}.")
