"""How much memory this process has held, and what becomes of memory that it frees."""

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autogan.basics.formatting import binary_size

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


@dataclass(frozen=True)
class Memory:
    """The most that can be had.

    whose: what sets this bound, as a sentence begins: "this machine has". holds_program: whether the
    program itself lies there too, as it does in main memory.
    """

    size: int
    whose: str
    holds_program: bool

    def __str__(self) -> str:
        return f"{self.whose} {binary_size(self.size)}"


def main_memory(root: Path = Path("/")) -> Memory:
    """Main memory with swap: all of the machine, or what a container leaves this process of it.

    root: where /proc and /sys are.
    """
    information = root / "proc/meminfo"
    if not information.exists():
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return Memory(size, "this machine has", True)
    lines = (line.split() for line in information.read_text().splitlines())
    kibibytes = {words[0]: int(words[1]) for words in lines}
    swap = kibibytes["SwapTotal:"] * 2**10
    machine = kibibytes["MemTotal:"] * 2**10 + swap
    limit = min(_container_limits(root, swap), default=machine)
    if limit < machine:
        return Memory(limit, "this container may use", True)
    return Memory(machine, "this machine has", True)


def _container_limits(root: Path, swap: int) -> Iterator[int]:
    """Of memory with the machine's swap: by each control group of this process, and by all above it.

    A container often sees its own group as the uppermost, under another name than /proc tells: groups that
    are not there set no limit.
    """
    membership = root / "proc/self/cgroup"
    if not membership.exists():
        return
    for line in membership.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2 counts swap apart
            for group in _with_all_above(root / "sys/fs/cgroup", path):
                memory, swapped = _limit(group / "memory.max"), _limit(group / "memory.swap.max")
                if memory is not None:
                    yield memory + (swap if swapped is None else min(swap, swapped))
        elif "memory" in controllers.split(","):
            for group in _with_all_above(root / "sys/fs/cgroup/memory", path):
                memory = _limit(group / "memory.limit_in_bytes")
                both = _limit(group / "memory.memsw.limit_in_bytes")
                if memory is not None:
                    yield memory + swap if both is None else min(memory + swap, both)


def _with_all_above(mount: Path, path: str) -> list[Path]:
    group = PurePosixPath(path.lstrip("/"))
    return [mount / each for each in (group, *group.parents)]


def _limit(file: Path) -> int | None:
    """None: there is no such file, or it says "max"."""
    text = file.read_text().strip() if file.exists() else "max"
    return None if text == "max" else int(text)
