"""Whether a checkout is as fast as another one: the hot steps of both, call after call in turn.

    python benchmarks/compare_speed.py OLD_CHECKOUT NEW_CHECKOUT [--seconds 40]

Each checkout has a process of its own that holds the step ready; the two are asked in turn, so that
whatever else the machine does slows both. Prints medians in ms, and NEW/OLD of the medians and of the
pairs. Imports nothing of autogan.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

CASES = (
    "search step, 8×8",
    "search step, 16×16",
    "search step, 32×32",
    "from-scratch step, architecture A",
    "scoring one child",
    "sampling, architecture A",
)
"""Names of the bench's `standard_cases`, in both checkouts."""
WORKER = """
import sys, time
try:
    from autogan.device.compute import Compute
except ImportError:  # version 0.1.0
    from autogan.compute import Compute
from autogan.bench.cases import standard_cases
compute = Compute.resolve("cpu", "float32")
case = next(case for case in standard_cases(compute, 500) if case.name == sys.argv[1])
call = case.ways["fast"]
call()
call()
print("ready", flush=True)
for _ in sys.stdin:
    began = time.perf_counter()
    call()
    print(time.perf_counter() - began, flush=True)
"""


class Worker:
    """A process that does one step of one checkout whenever it is asked."""

    def __init__(self, checkout: Path, name: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(checkout.resolve() / "src")}
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER, name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd="/",
        )  # fmt: skip
        if self._read() != "ready\n":
            raise SystemExit(f"{checkout} has no case {name!r} that can be run.")

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def seconds(self) -> float:
        """One step."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._read())

    def end(self) -> None:
        """No more steps."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    """Every case for about as many seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--seconds", type=float, default=40.0)
    options = parser.parse_args()
    for name in CASES:
        old, new = Worker(options.old, name), Worker(options.new, name)
        pairs = []
        began = time.monotonic()
        while time.monotonic() - began < options.seconds or len(pairs) < 5:
            pairs.append((old.seconds(), new.seconds()))
        old.end()
        new.end()
        medians = [1000 * statistics.median(side) for side in zip(*pairs, strict=True)]
        paired = statistics.median(after / before for before, after in pairs)
        print(
            f"{name}: {medians[0]:,.0f} ms, then {medians[1]:,.0f} ms: ratio of medians "
            f"{medians[1] / medians[0]:.3f}, of pairs {paired:.3f} ({len(pairs)} pairs)",
            flush=True,
        )


if __name__ == "__main__":
    main()
