"""What the database costs for each trial: asking for one, telling two rungs and its end.

    python benchmarks/trials_overhead.py [--storage ADDRESS] [--trials 1000] [--strategy random]

A study is filled with trials that take no time; the last 20 are measured. Trainings and their folders are
left out, all else is as in `autogan search --method trials`: one worker, two rungs, trials.json now and
then. By default the storage is a new SQLite file.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import torch

from autogan.device.processor import processor_name
from autogan.files.storage import write_json
from autogan.progress.base import Progress
from autogan.runs.folder import Run
from autogan.runs.stopping import Stopping
from autogan.settings.loading import load_settings
from autogan.spaces import search_space
from autogan.strategies.base import State
from autogan.trials import worker as worker_module
from autogan.trials.found import Found
from autogan.trials.records import RungScore, TrialRecord
from autogan.trials.storage import hidden, open_storage
from autogan.trials.study import Identity, create_or_open
from autogan.trials.trial import Trial
from autogan.trials.worker import Worker

MEASURED = 20


def train(trial: Trial, run: object) -> TrialRecord:
    """Two rungs in no time, each told; the value is that of the parameters."""
    value = trial.costs.of(trial.record.architecture, "parameters")
    for steps in trial.context.settings.trials.rung_steps:
        trial.others(steps)
        rungs = (*trial.record.rungs, RungScore(steps, (value,), 0.0))
        trial.record = replace(trial.record, rungs=rungs)
        trial.tell(trial.record)
    trial.record = replace(trial.record, state=State.COMPLETE, ended=time.time())
    trial.tell(trial.record)
    return trial.record


@contextmanager
def no_folder(worker: Worker, record: TrialRecord) -> Iterator[Run]:
    """Instead of the trial's run."""
    yield cast(Run, None)


def main() -> None:
    """Fills, measures, prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--storage")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--strategy", default="random")
    given = parser.parse_args()
    overrides = [f"trials.count={given.trials}", "trials.rungs=2"]
    overrides.append(f"search.strategy={given.strategy}")
    settings = load_settings("demo", overrides=overrides)
    with tempfile.TemporaryDirectory() as folder:
        address = given.storage or f"sqlite:///{folder}/trials.sqlite3"
        identity = Identity.of("0" * 64, "none", settings)
        study = create_or_open(open_storage(address), "overhead", identity, settings)
        context: Any = SimpleNamespace(
            settings=settings,
            classes=None,
            compute=SimpleNamespace(device=torch.device("cpu")),
            space=search_space(settings.network.space, settings.cells),
        )
        worker = Worker(study, context, Path(folder) / "trials", Stopping(), Progress())
        run: Any = SimpleNamespace(write=lambda name, value: write_json(Path(folder) / name, value))
        found = Found(run, study, settings, hidden(address))
        moments = [(time.perf_counter(), time.process_time())]

        def ended() -> None:
            found.refresh()
            moments.append((time.perf_counter(), time.process_time()))

        worker.after_trial = ended
        with_stand_ins(worker)
        last = moments[-MEASURED - 1 :]
        taken, computed = (
            [1000 * (after[clock] - before[clock]) for before, after in itertools.pairwise(last)]
            for clock in (0, 1)
        )
        kind = hidden(address).partition(":")[0]
        print(
            f"{kind}, {given.strategy}, {given.trials:,} trials: {statistics.median(taken):.0f} ms a trial "
            f"(median of the last {len(taken)}; lowest {min(taken):.0f}, highest {max(taken):.0f}), of it "
            f"{statistics.median(computed):.0f} ms of the processor; "
            f"{processor_name()}, torch {torch.__version__}"
        )


def with_stand_ins(worker: Worker) -> None:
    """The worker's whole loop, with trainings that take no time."""
    worker_module.Trial.train = train  # type: ignore[assignment,method-assign]
    Worker._folder = no_folder  # type: ignore[assignment,method-assign]
    worker.work()


if __name__ == "__main__":
    main()
