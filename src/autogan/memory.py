"""How much memory this process has held."""

import resource
import sys


def peak_memory_mib() -> int:
    """The most memory this process has held, in MiB (on the GPU's side: not counted)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 2**20 if sys.platform == "darwin" else peak // 2**10
