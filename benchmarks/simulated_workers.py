"""How busy many workers are that share one database: trainings sleep, all else is as in a search.

    python benchmarks/simulated_workers.py [--workers 64] [--trials 384] [--seconds 30] [--storage ADDRESS]

Every training sleeps on its rungs, `--seconds` on average if it comes to the last. All workers are processes
of this machine; they ask, tell, halve and send heartbeats as `autogan worker` does. A worker is busy while
it sleeps; its time is from its first trial to the end of its last. Without `--storage` a PostgreSQL server
of its own is started (Debian: apt install postgresql).
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from multiprocessing.queues import SimpleQueue
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

APART_SECONDS = 0.3
"""Between the beginnings of two workers: each needs two connections then, and one later."""
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))


def main() -> None:
    """Starts the workers, waits for them, prints how busy they were."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--storage")
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--trials", type=int, default=384)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--strategy", default="random")
    given = parser.parse_args()
    with storage_of(given.storage) as address:
        measure(address, given)


def measure(address: str, given: argparse.Namespace) -> None:
    """One study with all workers."""
    overrides = [f"trials.count={given.trials}", "trials.rungs=2"]
    overrides.append(f"search.strategy={given.strategy}")
    settings = load_settings("demo", overrides=overrides)
    create_or_open(open_storage(address), "simulated", identity(settings), settings)
    processes = multiprocessing.get_context("fork")
    busy: SimpleQueue[tuple[float, float, int]] = processes.SimpleQueue()
    workers = [
        processes.Process(target=work, args=(address, settings, given.seconds, busy))
        for _ in range(given.workers)
    ]
    for worker in workers:
        worker.start()
        time.sleep(APART_SECONDS)
    told = [busy.get() for _ in workers]
    for worker in workers:
        worker.join()
    study = create_or_open(open_storage(address), "simulated", identity(settings), settings)
    trials = Ledger(study).trials()
    records = Ledger(study).records(trials)
    assert [r.number for r in records] == list(range(given.trials)), "lost or doubled"
    assert all(len(each) == 1 for each in attempts_of(trials).values()), (
        "a live worker was given up"
    )
    slept, there = sum(one[0] for one in told), sum(one[1] for one in told)
    kind = hidden(address).partition(":")[0]
    print(
        f"{kind}, {given.strategy}, {given.workers} workers, {given.trials:,} trials of {given.seconds:g} s: "
        f"busy {slept / there:.1%} of their time; "
        f"{1000 * (there - slept) / given.trials:.0f} ms beside a trial; "
        f"{processor_name()}, torch {torch.__version__}"
    )


def work(
    address: str, settings: Settings, seconds: float, busy: "SimpleQueue[tuple[float, float, int]]"
) -> None:
    """One process: tells how long it slept, how long it had trials, and how many."""
    slept: list[float] = []
    moments: list[float] = []

    def train(trial: Trial, run: object) -> TrialRecord:
        moments.append(time.monotonic())
        stream, rungs = random.Random(trial.record.number), trial.context.settings.trials.rung_steps
        wanted, state = seconds * stream.uniform(0.5, 1.5), State.COMPLETE
        for steps in rungs:
            began = time.monotonic()
            time.sleep(wanted / len(rungs))
            slept.append(time.monotonic() - began)
            score = RungScore(steps, (stream.gauss(0, 1),), sum(slept))
            trial.record = replace(trial.record, rungs=(*trial.record.rungs, score))
            trial.tell(trial.record)
            others = [tuple(-v for v in values) for values in trial.others(steps)]
            if steps != rungs[-1] and not goes_on((-score.values[0],), others, 3):
                state = State.STOPPED
                break
        trial.record = replace(trial.record, state=state, ended=time.time())
        trial.tell(trial.record)
        moments.append(time.monotonic())
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
    study = create_or_open(open_storage(address), "simulated", identity(settings), settings)
    with tempfile.TemporaryDirectory() as folder:
        Worker(study, context, Path(folder), Stopping(), Progress()).work()
    busy.put((sum(slept), moments[-1] - moments[0] if moments else 0.0, len(moments) // 2))


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
