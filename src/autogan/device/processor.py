"""What the processor calls itself, and how many a process may use. Without torch."""

import os
import platform
import re
import sys
from pathlib import Path

_NAME = re.compile(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", re.MULTILINE)


def processor_name() -> str:
    """As /proc/cpuinfo has it; elsewhere what the system says of it."""
    information = Path("/proc/cpuinfo")
    found = _NAME.search(information.read_text()) if information.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def available_processors() -> int:
    """Those that this process may run on, at least 1; all of the machine where the system does not say."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
