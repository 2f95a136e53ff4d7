"""One process at a time in a run's folder. A process that dies leaves no lock behind."""

import errno
import fcntl
import os
import warnings
from pathlib import Path

from autogan.basics.errors import UserError

LOCK = "lock"
"""The lock's file. It stays; the lock on it is the system's, and ends with the process."""

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP)
"""What a file system without locks answers."""


def lock(folder: Path) -> int:
    """Locks a run's folder until the handle that is returned is closed, or the process ends.

    Raises `UserError` where another process holds the lock.
    """
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise UserError(f"{folder} cannot be written to: {error.strerror}.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UserError(
            f"Another process is at work in {folder}. Wait for it or stop it; `autogan status "
            f"{folder}` shows where it is."
        ) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        warnings.warn(
            f"The file system of {folder} knows no locks: see to it that only one process works "
            "there.",
            stacklevel=3,
        )
    return handle


def is_locked(folder: Path) -> bool:
    """Whether a living process holds the lock of a run's folder."""
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:  # a file system without locks, of which `lock` warns
        if error.errno not in _NO_LOCKS:
            raise
        return False
    finally:
        os.close(handle)
    return False
