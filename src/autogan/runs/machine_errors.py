"""What the machine refuses in the middle of a run (disk, memory), told so that a person can act."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from autogan.basics.errors import UserError
from autogan.runs.file_names import CHECKPOINTS

_FULL = (errno.ENOSPC, errno.EDQUOT)
_UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)


class MachineError(UserError):
    """The machine refused something. What was kept before stays, and the run can go on later."""


@contextmanager
def explained(folder: Path, again: str) -> Iterator[None]:
    """Inside, a full disk, an unwritable folder, a failing disk and used-up memory raise `MachineError`.

    again: the command that goes on with the run in `folder`.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (*_FULL, *_UNWRITABLE, errno.EIO):
            raise
        raise MachineError(_of_disk(error, folder) + _go_on(again)) from error
    except MemoryError as error:
        raise MachineError(_MEMORY + _go_on(again)) from error
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise MachineError(_DEVICE_MEMORY + _go_on(again)) from error
        if "can't allocate memory" not in str(error):
            raise
        raise MachineError(_MEMORY + _go_on(again)) from error


_LOWER = (
    "search.generator_batch, search.discriminator_batch, search.generator_channels and "
    "search.discriminator_channels (while searching), or the same of train (afterwards)"
)
_MEMORY = (
    "The memory of this machine is used up. End other programs, or begin a new run with lower "
    f"{_LOWER}."
)
_DEVICE_MEMORY = (
    "The memory of the GPU is used up. End other programs that use it, or begin a new run with lower "
    f"{_LOWER}."
)


def _of_disk(error: OSError, folder: Path) -> str:
    where = Path(os.fsdecode(error.filename or folder))
    own = where.resolve().is_relative_to(folder.resolve())
    place = folder if own else where.parent  # the cache, say, on a disk of its own
    said = f"{where} could not be written: {error.strerror}."
    if error.errno in _FULL:
        needed = f": a checkpoint needs {_needed(folder)}" if own else ""
        return f"{said} Free space on the disk of {place}{needed}."
    if error.errno in _UNWRITABLE:
        return f"{said} Make {place} writable again."
    return f"{said} The disk may be failing: copy {place} to another one."


def _needed(folder: Path) -> str:
    sizes = [f.stat().st_size for f in (folder / CHECKPOINTS).glob("*.safetensors")]
    return f"{max(sizes) / 2**20:.0f} MiB" if sizes else "some MiB"


def _go_on(again: str) -> str:
    return f" What was kept until now stays. Then go on with: {again}"
