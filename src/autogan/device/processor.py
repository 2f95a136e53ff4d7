"""What the processor calls itself. Without torch."""

import platform
import re
from pathlib import Path

_NAME = re.compile(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", re.MULTILINE)


def processor_name() -> str:
    """As /proc/cpuinfo has it; elsewhere what the system says of it."""
    information = Path("/proc/cpuinfo")
    found = _NAME.search(information.read_text()) if information.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()
