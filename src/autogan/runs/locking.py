"""One process at a time in a run's folder, and whether that folder is still the one it locked.

A process that dies leaves no lock behind. Two things are locked: the folder itself, which nobody can
take away from under the lock, and the file `lock` in it, for file systems that lock files only.
"""

import errno
import fcntl
import os
import time
import warnings
from pathlib import Path

from autogan.basics.errors import UserError
from autogan.runs.file_names import LOCK

"""The lock's file. It stays; the lock on it is the system's, and ends with the process."""

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP)
"""What a file system without locks answers."""
_NO_FOLDER_LOCKS = (*_NO_LOCKS, errno.EBADF, errno.EINVAL)
"""What one answers that locks files only: NFS wants a handle that can be written to."""
_LOOKED_AT_SECONDS = 0.2
"""For so long a lock that is held is tried again: `is_locked` holds one for a moment."""
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)


class FolderLost(UserError):
    """A run's folder, or the lock in it, was taken away while the run worked.

    Nothing may be written any more: what stands at its path belongs to somebody else.
    """


class FolderLock:
    """The lock on a run's folder; made by `lock`, and given back by `close`."""

    def __init__(self, folder: Path, handles: tuple[int, ...], folder_is_locked: bool) -> None:
        """handles: of the folder and of the file in it, both open."""
        self._folder = folder
        self._handles = handles
        self._folder_is_locked = folder_is_locked
        self._identity, self._file_identity = (_identity(os.fstat(h)) for h in handles)

    def check(self) -> None:
        """Raises `FolderLost` where the folder's path does not lead to what was locked any more."""
        if _found(self._folder) != self._identity:
            raise FolderLost(
                f"The run's folder {self._folder} was removed, renamed or replaced while the run was at "
                "work. The run stops, and writes nothing more. If the folder was renamed, go on with "
                "it under its new name: --resume."
            )
        # A second process locks a new file of that name, unless the lock on the folder refuses it.
        if not self._folder_is_locked and _found(self._folder / LOCK) != self._file_identity:
            raise FolderLost(
                f"{self._folder / LOCK} was removed or replaced while the run was at work: another "
                "process may be at work in the folder by now. The run stops, and writes nothing more. "
                f"`autogan status {self._folder}` shows whether there is one; if not, go on: --resume."
            )

    def close(self) -> None:
        """Gives the lock back."""
        for handle in self._handles:
            os.close(handle)


def lock(folder: Path) -> FolderLock:
    """Locks a run's folder until the lock is closed, or the process ends.

    Raises `UserError` where another process holds the lock.
    """
    try:
        of_folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UserError(f"{folder} cannot be opened: {error.strerror}.") from None
    opened = [of_folder]
    try:
        try:
            of_file = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o644, dir_fd=of_folder)
        except OSError as error:
            raise UserError(f"{folder} cannot be written to: {error.strerror}.") from None
        opened.append(of_file)
        folder_is_locked = _take(of_folder, folder, _NO_FOLDER_LOCKS)
        if not _take(of_file, folder, _NO_LOCKS) and not folder_is_locked:
            warnings.warn(
                f"The file system of {folder} knows no locks: see to it that only one process works "
                "there.",
                stacklevel=3,
            )
        return FolderLock(folder, (of_folder, of_file), folder_is_locked)
    except BaseException:
        for handle in opened:
            os.close(handle)
        raise


def is_locked(folder: Path) -> bool:
    """Whether a living process holds the lock of a run's folder."""
    return _is_held(folder, _NO_FOLDER_LOCKS) or _is_held(folder / LOCK, _NO_LOCKS)


def _take(handle: int, folder: Path, impossible: tuple[int, ...]) -> bool:
    """Locks what is open; False where its file system answers that it knows no such locks."""
    latest = time.monotonic() + _LOOKED_AT_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < latest:
                time.sleep(0.01)
                continue
            raise UserError(
                f"Another process is at work in {folder}. Wait for it or stop it; `autogan status "
                f"{folder}` shows where it is."
            ) from None
        except OSError as error:
            if error.errno not in impossible:
                raise
            return False
        return True


def _is_held(path: Path, impossible: tuple[int, ...]) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:  # a file system without locks, of which `lock` warns
        if error.errno not in impossible:
            raise
        return False
    finally:
        os.close(handle)
    return False


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _found(path: Path) -> tuple[int, int] | None:
    """Device and inode of what stands at a path; None where nothing does."""
    try:
        return _identity(path.stat())
    except OSError as error:
        if error.errno not in _GONE:
            raise
        return None
