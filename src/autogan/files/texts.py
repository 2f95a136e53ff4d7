"""The one way in which text files are read: regular files, up to a size that the reader names.

A pipe would make the reader wait for ever, and a device such as /dev/zero would fill the memory.
"""

import os
import stat
from pathlib import Path

from autogan.basics.errors import UserError
from autogan.basics.formatting import binary_size

MOST_BYTES = 2**20
"""Of a text that people write: settings, an architecture, the description of a run."""
MOST_BYTES_OF_RESULTS = 2**28
"""Of a file that grows with a run: rankings, results, checksums."""
MOST_BYTES_OF_LOG = 2**30
"""Of log.jsonl: hundreds of bytes for every line of losses and every child, of the longest runs."""


def read_bytes(file: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """The content of a regular file of at most `most_bytes`.

    Raises `UserError` where it is something else, larger, or cannot be read.
    """
    try:
        # Without O_NONBLOCK, opening a pipe waits for its writer.
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UserError(f"Cannot read {file}: it is not a regular file.")
            if status.st_size <= most_bytes:
                return opened.read(most_bytes)  # a file that grows meanwhile is cut off there
    except OSError as error:
        raise UserError(f"Cannot read {file}: {error.strerror}.") from None
    raise UserError(
        f"Cannot read {file}: it is larger than {binary_size(most_bytes)}, the most that such a "
        "file may hold."
    )


def read_text(file: Path, most_bytes: int = MOST_BYTES) -> str:
    """As `read_bytes`; `UserError` too where the content is not UTF-8."""
    try:
        return read_bytes(file, most_bytes).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"Cannot read {file}: it is not UTF-8 ({error}).") from None


def last_lines(log: Path, count: int = 5) -> str:
    """What a program said last in a file of its own."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
