"""All measurements of one machine as one value that JSON can hold."""

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any

import torch

from autogan.basics.errors import UserError
from autogan.bench.cases import RECORDING_CALLS, SEARCH, Case, adversarial_steps, named_cases
from autogan.bench.growth import growth as measure_growth
from autogan.bench.matrix_peak import matrix_peak
from autogan.device.compute import Compute
from autogan.device.memory import freed_memory_returned, peak_memory_mib
from autogan.device.processor import processor_name
from autogan.device.timing import interleaved
from autogan.gan.step import Gan

SCORED_IMAGES = {"cpu": 1000, "cuda": 5000}
"""Images of the scored child: fewer on a CPU, where the time is proportional to them."""
LOADED_IMAGES = 10_000
START_UPS = {
    "autogan --help": (
        "import sys; sys.argv = ['autogan', '--help']; from autogan.cli import main; main()",
        "typer",
    ),
    "import autogan": ("import autogan", "autogan"),
    "import autogan, with torch": ("import autogan; autogan.Generator", "torch"),
}
"""What is started, the program, and the package that must be there for it."""


def run_suite(
    compute: Compute,
    seconds: float,
    growth: bool,
    note: Callable[[str], object],
    only: str = "",
) -> dict[str, Any]:
    """Measures every case for about `seconds`, interleaved; `note` is told what begins.

    compute: of the fast ways. growth: also how cost grows with size. only: the cases alone whose names
    hold this text, without start-up, memory and loading.

    Raises `UserError` if no case's name holds `only`.
    """
    made = named_cases(compute, SCORED_IMAGES.get(compute.device.type, 1000))
    chosen = [name for name in made if only in name]
    if not chosen:
        raise UserError(f"No measurement's name holds {only!r}. There are: {'; '.join(made)}.")
    dtype = compute.autocast_dtype or torch.float32
    note("matrix peak")
    peak = matrix_peak(compute.device, dtype)
    cases = []
    for name in chosen:
        note(name)
        cases.append(measured(made[name](), compute, seconds, peak))
    result: dict[str, Any] = {
        "machine": _machine(compute),
        "matrix_peak_gflops": round(peak / 1e9, 1),
        "cases": cases,
    }
    if not only:
        note("start-up and memory")
        result |= {
            "start_up_seconds": {
                command: _start_up(program)
                for command, (program, needs) in START_UPS.items()
                if find_spec(needs)
            },
            "search_peak_memory_mib": _search_memory_mib(compute),
        }
        if all(map(find_spec, ("PIL", "numpy", "platformdirs", "torchvision", "matplotlib"))):
            note("loading of images")
            result["loading"] = _loading()
    if growth:
        note("growth")
        points = measure_growth(compute, seconds / 4)
        result["growth"] = [asdict(point) for point in points]
    return result


def measured(case: Case, compute: Compute, seconds: float, peak: float) -> dict[str, Any]:
    """One case's timings, speed and share of `peak` (operations a second), for about `seconds`."""
    timings = interleaved(
        case.ways,
        compute.device,
        seconds,
        warm_up=case.warm_up,
        around={"plain": freed_memory_returned},
    )
    fast = timings["fast"]
    speed = case.floating_point_operations / (fast.median_ms / 1000)
    found: dict[str, Any] = {
        "name": case.name,
        "gigaflop": round(case.floating_point_operations / 1e9, 2),
        "milliseconds_of": case.of or f"{case.images} images",
        "ways": {name: asdict(timing.part(case.parts)) for name, timing in timings.items()},
        "images_per_second": round(1000 * case.images / fast.median_ms, 1),
        "share_of_matrix_peak": round(speed / peak, 3),
    }
    if "plain" in timings:
        found["times_faster"] = round(timings["plain"].median_ms / fast.median_ms, 2)
    return found


def _loading() -> dict[str, float]:
    from autogan.bench.loading import loading

    return loading(LOADED_IMAGES)


def _machine(compute: Compute) -> dict[str, Any]:
    cuda = compute.device.type == "cuda"
    return {
        "compute": compute.describe(),
        "processor": processor_name(),
        "gpu": torch.cuda.get_device_name(compute.device) if cuda else None,
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }


def _start_up(program: str, times: int = 5) -> float:
    """Median seconds of a fresh interpreter that runs `program`."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken), 3)


def _search_memory_mib(compute: Compute) -> int:
    """Peak memory of a fresh process that trains shared weights at the paper's widths, 32×32.

    On a CPU all of the process, the interpreter and torch with it; on a GPU what torch allocated.
    """
    device, precision = str(compute.device), compute.precision
    program = (
        f"from autogan.bench.suite import search_memory; search_memory({device!r}, {precision!r})"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True
    )
    return int(ended.stdout)


def search_memory(device: str, precision: str) -> None:
    """Prints the peak, in MiB, after a few steps; run in a process of its own."""
    compute = Compute.resolve(device, precision)
    step = adversarial_steps(Gan, 3, 2, SEARCH, compute)
    for _ in range(RECORDING_CALLS if compute.captures else 2):
        step()
    if compute.device.type == "cuda":
        print(torch.cuda.max_memory_allocated(compute.device) // 2**20)
    else:
        print(peak_memory_mib())
