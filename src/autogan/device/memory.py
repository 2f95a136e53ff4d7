"""How much memory this process has held, and what becomes of memory that it frees."""

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

_LINUX_STATUS = Path("/proc/self/status")


def peak_memory_mib() -> int:
    """The most memory this process has held, in MiB (on the GPU's side: not counted)."""
    if _LINUX_STATUS.exists():  # what `getrusage` says there begins with the parent's peak
        return int(_LINUX_STATUS.read_text().split("VmHWM:")[1].split()[0]) // 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 2**20 if sys.platform == "darwin" else peak // 2**10


_MMAP_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -4, -3, -1
"""Numbers of glibc's `mallopt` (see `man mallopt`)."""
_DEFAULT_MMAP_MAX = 65536
_LARGEST_DEFAULT_THRESHOLD = 32 * 2**20
"""Where glibc's own threshold, which moves, comes to rest when large tensors are freed."""


def keep_freed_memory() -> None:
    """From now on memory that is freed stays with this process, for its next tensors.

    A training step frees and takes maps of tens of MiB by the hundred. glibc gives each back to the
    system, which hands it out again page by page, cleared. Where there is another C library
    (macOS, Alpine), nothing changes.
    """
    if libc := _glibc():
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, -1)


@contextlib.contextmanager
def freed_memory_returned() -> Iterator[None]:
    """Within it freed memory goes back to the system, as glibc does by itself; afterwards it is kept."""
    if libc := _glibc():
        libc.mallopt(_MMAP_MAX, _DEFAULT_MMAP_MAX)
        libc.mallopt(_MMAP_THRESHOLD, _LARGEST_DEFAULT_THRESHOLD)
        libc.mallopt(_TRIM_THRESHOLD, 2 * _LARGEST_DEFAULT_THRESHOLD)
        libc.malloc_trim(0)
    try:
        yield
    finally:
        keep_freed_memory()


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


def all_memory_bytes() -> int:
    """What the machine has in main memory and swap."""
    information = Path("/proc/meminfo")
    if information.exists():
        lines = (line.split() for line in information.read_text().splitlines())
        kibibytes = {words[0]: int(words[1]) for words in lines}
        return (kibibytes["MemTotal:"] + kibibytes["SwapTotal:"]) * 2**10
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
