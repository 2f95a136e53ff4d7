"""How busy many workers are that share one database: trainings sleep, all else is as in a search.

    python benchmarks/simulated_workers.py [--workers 64] [--seconds 100] [--window 240] [--storage ADDRESS]

A training sleeps on two rungs, in proportion to their steps: `--seconds` times 0.5 to 1.5 if it comes to the
last. Workers ask, tell, halve and send heartbeats as `autogan worker` does, each like a machine of its own,
with a storage and connections of its own. They are threads of a few processes, because 64 processes would
measure how one machine starts what many machines start. They begin one after the other; the window begins
when all have, and every second of it in which a worker's training should sleep is busy. What a sleep takes
longer than it should does not count. Without `--storage` a PostgreSQL server of its own is started (Debian:
apt install postgresql).
"""

import argparse
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import torch

from autogan.device.processor import processor_name
from autogan.progress.base import Progress
from autogan.runs.folder import Run
from autogan.runs.stopping import Stopping
from autogan.settings.loading import load_settings
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.strategies.base import State
from autogan.trials import worker as worker_module
from autogan.trials.halving import goes_on
from autogan.trials.records import RungScore, TrialRecord
from autogan.trials.storage import hidden, open_storage
from autogan.trials.study import Identity, Ledger, attempts_of, create_or_open
from autogan.trials.trial import Trial
from autogan.trials.worker import Worker

APART_SECONDS = 0.5
"""Between the beginnings of two workers: each needs two connections then, and one later."""
MORE_THAN_CAN_END = 1_000_000
"""Trials of the study."""
Sleep = tuple[float, float]
"""When a sleep began, and how many seconds it should last."""
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))


def main() -> None:
    """Starts the workers, waits for them, prints how busy they were."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--storage")
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=100.0)
    parser.add_argument("--window", type=float, default=240.0)
    parser.add_argument("--strategy", default="random")
    given = parser.parse_args()
    with storage_of(given.storage) as address:
        measure(address, given)


def measure(address: str, given: argparse.Namespace) -> None:
    """One study with all workers."""
    overrides = [f"trials.count={MORE_THAN_CAN_END}", "trials.rungs=2"]
    overrides.append(f"search.strategy={given.strategy}")
    settings = load_settings("demo", overrides=overrides)
    create_or_open(open_storage(address), "simulated", identity(settings), settings)
    spawn = multiprocessing.get_context("spawn")
    begun: SimpleQueue[int] = spawn.SimpleQueue()
    slept: SimpleQueue[tuple[list[Sleep], float]] = spawn.SimpleQueue()
    over = spawn.Event()
    processes = []
    for first in range(given.processes):
        numbers = range(first, given.workers, given.processes)
        arguments = (address, settings, given.seconds, numbers, begun, over, slept)
        processes.append(spawn.Process(target=work, args=arguments))
    for process in processes:
        process.start()
    for _ in range(given.workers):
        while begun.empty():
            refuse_dead(processes)
            time.sleep(0.1)
        begun.get()
    start = end = time.monotonic()
    while end - start < given.window:
        refuse_dead(processes)
        time.sleep(1.0)
        end = time.monotonic()
    load = os.getloadavg()[1]
    over.set()
    told = [slept.get() for _ in processes]
    for process in processes:
        process.join()
    sleeps = [sleep for one, _ in told for sleep in one]
    busy = sum(max(0.0, min(end, b + s) - max(start, b)) for b, s in sleeps)
    trials = Ledger(
        create_or_open(open_storage(address), "simulated", identity(settings), settings)
    ).trials()
    attempts = attempts_of(trials)
    assert sorted(attempts) == list(range(len(attempts))), "lost or doubled"
    assert all(len(each) == 1 for each in attempts.values()), "a live worker was given up"
    kind = hidden(address).partition(":")[0]
    print(
        f"{kind}, {given.strategy}, {given.workers} workers, trials of {given.seconds:g} s: "
        f"busy {busy / given.workers / (end - start):.1%} of {end - start:.0f} s; "
        f"{len(trials)} trials begun, {sum(seconds for _, seconds in told) / len(trials):.2f} s of the "
        f"processor for each in the workers; load of the machine {load:.1f}; "
        f"{processor_name()}, torch {torch.__version__}"
    )


def refuse_dead(processes: Sequence[SpawnProcess]) -> None:
    """Raises where a process with workers has ended by itself; the others end with this one."""
    if not all(process.is_alive() for process in processes):
        for process in processes:
            process.kill()
        raise RuntimeError("A process with workers died; what it said stands above.")


def work(
    address: str,
    settings: Settings,
    seconds: float,
    numbers: range,
    begun: "SimpleQueue[int]",
    over: Event,
    slept: "SimpleQueue[tuple[list[Sleep], float]]",
) -> None:
    """One process with the workers of these numbers, until it is over: tells their sleeps, and the seconds
    of the processor from the first worker on."""
    sleeps: list[Sleep] = []
    known = threading.local()

    def train(trial: Trial, run: object) -> TrialRecord:
        if not hasattr(known, "begun"):
            known.begun = True
            begun.put(1)
        stream, rungs = random.Random(trial.record.number), trial.context.settings.trials.rung_steps
        whole, before, state = seconds * stream.uniform(0.5, 1.5), 0, State.COMPLETE
        for steps in rungs:
            wanted, before = whole * (steps - before) / rungs[-1], steps
            sleeps.append((time.monotonic(), wanted))
            time.sleep(wanted)
            score = RungScore(steps, (stream.gauss(0, 1),), whole * steps / rungs[-1])
            trial.record = replace(trial.record, rungs=(*trial.record.rungs, score))
            trial.tell(trial.record)
            others = [tuple(-v for v in values) for values in trial.others(steps)]
            if steps != rungs[-1] and not goes_on((-score.values[0],), others, 3):
                state = State.STOPPED
                break
        trial.record = replace(trial.record, state=state, ended=time.time())
        trial.tell(trial.record)
        return trial.record

    @contextmanager
    def no_folder(worker: Worker, record: TrialRecord) -> Iterator[Run]:
        yield cast(Run, None)

    worker_module.Trial.train = train  # type: ignore[assignment,method-assign]
    Worker._folder = no_folder  # type: ignore[assignment,method-assign]
    context: Any = SimpleNamespace(
        settings=settings,
        classes=None,
        compute=SimpleNamespace(device=torch.device("cpu")),
        space=search_space(settings.network.space, settings.cells),
    )

    def one(number: int) -> None:
        time.sleep(number * APART_SECONDS)
        study = create_or_open(open_storage(address), "simulated", identity(settings), settings)
        with tempfile.TemporaryDirectory() as folder:
            worker = Worker(study, context, Path(folder), Stopping(), Progress())
            worker._name = f"machine-{number}/{os.getpid()}"
            worker.work()

    def stop_all(failure: threading.ExceptHookArgs) -> None:
        threading.__excepthook__(failure)
        os._exit(1)

    threading.excepthook = stop_all
    before = resource.getrusage(resource.RUSAGE_SELF)
    for number in numbers:
        threading.Thread(target=one, args=(number,), daemon=True).start()
    over.wait()
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    slept.put((list(sleeps), used))
    os._exit(0)  # their trials are left as they are


def identity(settings: Settings) -> Identity:
    """Of no images."""
    return Identity.of("0" * 64, "none", settings)


@contextmanager
def storage_of(address: str | None) -> Iterator[str]:
    """The given one, or a server's that ends with the benchmark."""
    if address is not None:
        yield address
        return
    from postgresql import Server

    server = Server()
    server.start()
    with closing(SimpleNamespace(close=lambda: (server.stop("immediate"), server.remove()))):
        yield server.address


if __name__ == "__main__":
    main()
