"""Every file of a folder: which links are followed, what is left out, and where it is too much.

Links to files are followed: each is one file more. A link to a folder
- directly in the given folder, or directly in its `train`, `test` or `val`, may lead to any folder of
  images (class folders are often links to where the images lie);
- deeper down, it must stay inside the given folder, or inside what such a link leads to.
Other links, those that lead back, and whatever is neither a file nor a folder (it might wait for ever
when opened) are left out and named. Hidden files and folders are passed over in silence.
"""

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from autogan.basics.errors import UserError
from autogan.images.layout import HELD_OUT, TRAIN, is_silent, some

MOST_FILES = 2_000_000
MOST_DEPTH = 20  # folders below the given one
_TOLD_EVERY_FILES = 10_000

Files = dict[str, tuple[int, int]]
"""Relative name, with `/` → size in bytes, time of change in ns."""


@dataclass
class Found:
    """What a folder holds. The lists: name and why it was left out."""

    files: Files = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)
    special: list[tuple[str, str]] = field(default_factory=list)

    def notes(self) -> tuple[str, ...]:
        """What was left out, for people."""
        kinds = (("link was", "links were", self.links), ("file was", "files were", self.special))
        return tuple(
            f"{len(left_out):,} {one if len(left_out) == 1 else many} left out "
            f"({some([f'{printable(name)} {why}' for name, why in left_out])})"
            for one, many, left_out in kinds
            if left_out
        )


def walk(
    top: Path,
    suffixes: frozenset[str],
    limit_factor: float = 1.0,
    tell: Callable[[str], None] | None = None,
) -> Found:
    """The files of `top`, in the order of their names.

    suffixes: endings of images, lower case with a dot. limit_factor: multiplies `MOST_FILES`.
    tell: is now and then given a line on how far it is.

    Raises UserError where there are too many files, or folders too deep; OSError where `top` or a
    folder in it cannot be read.
    """
    walking = _Walk(top, suffixes, int(MOST_FILES * limit_factor), tell)
    walking.read("", os.fspath(top), walking.top, walking.found.files)
    walking.found.files = dict(sorted(walking.found.files.items()))
    walking.found.links.sort()
    walking.found.special.sort()
    return walking.found


def printable(name: str) -> str:
    """A name as it can be shown, also where it is not UTF-8."""
    return os.fsencode(name).decode(errors="replace")


class _Walk:
    def __init__(
        self,
        top: Path,
        suffixes: frozenset[str],
        most_files: int,
        tell: Callable[[str], None] | None,
    ) -> None:
        self.given = top
        self.top = os.path.realpath(top)
        self.found = Found()
        self._suffixes = suffixes
        self._most_files = most_files
        self._tell = tell
        self._count = 0
        self._visited: set[str] = set()  # real paths

    def read(self, prefix: str, folder: str, root: str, into: Files) -> None:
        """Adds the files below `folder`, whose real path is `root`, under names after `prefix`.

        Folders come before links to folders: these lead back where they lead to one of them.
        """
        links: list[tuple[str, str]] = []  # name, path
        stack = [(prefix, folder, root)]
        while stack:
            prefix, folder, real = stack.pop()
            self._check_depth(prefix)
            self._visited.add(real)
            with os.scandir(folder) as entries:
                for entry in entries:
                    if is_silent(entry.name):
                        continue
                    name = f"{prefix}{entry.name}"
                    if entry.is_symlink():
                        if self._is_folder_link(name, entry.path, into):
                            links.append((name, entry.path))
                    elif entry.is_dir(follow_symlinks=False):
                        stack.append((f"{name}/", entry.path, os.path.join(real, entry.name)))
                    else:
                        self._add(name, entry.stat(follow_symlinks=False), into)
        for name, path in sorted(links):
            why = self._follow(name, path, root, into)
            if why is not None:
                self.found.links.append((name, why))

    def _is_folder_link(self, name: str, path: str, into: Files) -> bool:
        """Whether a link leads to a folder; one to a file is added here."""
        try:
            status = os.stat(path)
        except OSError as error:
            self.found.links.append((name, _why_not(error)))
            return False
        if stat.S_ISDIR(status.st_mode):
            return True
        self._add(name, status, into)
        return False

    def _follow(self, name: str, path: str, root: str, into: Files) -> str | None:
        """Adds what lies behind a link to a folder; or why it is left out."""
        target = os.path.realpath(path)
        if target in self._visited:
            return "leads to a folder that is read already"
        if _is_inside(self.top, target):
            return "leads to a folder above"
        if _is_inside(target, self.top) or _is_inside(target, root):
            self.read(f"{name}/", path, root if _is_inside(target, root) else self.top, into)
            return None
        above, _, _ = name.rpartition("/")
        if above not in ("", TRAIN, *HELD_OUT):
            return "leads out of the folder"
        elsewhere: Files = {}
        before = len(self.found.links), len(self.found.special)
        try:
            self.read(f"{name}/", path, target, elsewhere)
        except OSError as error:
            why = _why_not(error)
        else:
            if any(os.path.splitext(file)[1].lower() in self._suffixes for file in elsewhere):
                into.update(elsewhere)
                return None
            why = "leads to a folder without images"
        del self.found.links[before[0] :], self.found.special[before[1] :]
        self._count -= len(elsewhere)
        return why

    def _add(self, name: str, status: os.stat_result, into: Files) -> None:
        if not stat.S_ISREG(status.st_mode):
            self.found.special.append((name, "is neither a file nor a folder"))
            return
        self._count += 1
        if self._count > self._most_files:
            raise UserError(
                f"The folder {self.given} holds more than {self._most_files:,} files, the last one "
                f"{printable(name)}. Name the folder that holds the images alone, or allow more "
                "(data.limit_factor)."
            )
        if self._tell is not None and self._count % _TOLD_EVERY_FILES == 0:
            self._tell(f"looking for images: {self._count:,} files")
        into[name] = (
            status.st_size,
            status.st_mtime_ns,
        )  # whole ones of a million would take a GiB

    def _check_depth(self, prefix: str) -> None:
        if prefix.count("/") > MOST_DEPTH:
            raise UserError(
                f"The folder {self.given} holds folders inside folders more than {MOST_DEPTH} deep "
                f"({printable(prefix)[:60]}…). Move the images up, or name the folder that holds "
                "the class folders."
            )


def _is_inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it; both real."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def _why_not(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "leads to itself"
    if error.errno == errno.ENOENT:
        return "leads nowhere"
    return f"cannot be read: {error.strerror}"
