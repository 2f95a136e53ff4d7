"""A search by trials from its beginning to its end: the data, the study, the workers, what was found."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from optuna.study import Study

from autogan.basics.errors import UserError
from autogan.device.gpus import VISIBLE
from autogan.files.storage import written_aside
from autogan.method.context import Context, prepare
from autogan.method.pipeline import end, part_of, prepare_run
from autogan.progress.base import Progress
from autogan.runs.contents import Attempt, SurrogateRow, TrialRow, Trials
from autogan.runs.folder import Run
from autogan.runs.outcomes import to_plain
from autogan.runs.record import TRIALS
from autogan.runs.stopping import Stopping
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.strategies.base import Goal, State
from autogan.trials.halving import Gains, hypervolume
from autogan.trials.proposals import refuse_strategy
from autogan.trials.proxies import proxied
from autogan.trials.records import TrialRecord, front_of, goals_of
from autogan.trials.storage import answering, hidden, open_storage
from autogan.trials.study import (
    Identity,
    Ledger,
    attempts_of,
    create_or_open,
    data_of,
    judge_of,
    open_study,
    settings_of,
)
from autogan.trials.surrogate import surrogate_of
from autogan.trials.trial import GENERATOR, folder_of
from autogan.trials.views import make_views
from autogan.trials.worker import Worker

ADDRESS = "AUTOGAN_STORAGE"
"""The environment variable with a storage's address: unlike an option, no list of processes shows it."""
FOLDER = "trials"
STUDY = "autogan"
LOOK_EVERY_SECONDS = 1.0
WRITE_EVERY_SECONDS = 5.0
"""Of trials.json, while trials end."""
ENDED_WITHIN_SECONDS = 20.0
"""Time that a worker has to end by itself, and for its checkpoint when it is asked to stop."""
MOST_LOST_WORKERS = 3
"""Workers that may die one after the other, without a trial that ends in between."""


def refuse_before_anything(settings: Settings) -> None:
    """Raises `UserError` for what trials cannot be begun with."""
    refuse_strategy(settings)
    if settings.search.discriminator != "fixed":
        raise UserError(
            f"search.discriminator={settings.search.discriminator} is of a search with shared weights. "
            "Trials have the discriminator of network.discriminator: set search.discriminator=fixed."
        )
    proxied(settings)


def search_by_trials(
    run: Run,
    progress: Progress,
    *,
    address: str | None = None,
    study_name: str = STUDY,
    workers: int = 1,
    gpus: Sequence[str] | None = None,
) -> Trials:
    """Trains and compares until `trials.count` trials have ended; the content of trials.json.

    address: of the storage; a file in the run's folder where left out. workers: processes here; with
    one the trials are trained in this process. gpus: for each worker those that it sees, as `shared_out`
    gives them; then one worker is a process of its own too.
    """
    settings = proxied(run.settings)
    context = prepare_run(run, progress, settings=settings)
    _refuse_goals(context)
    address = address or f"sqlite:///{run.folder.resolve() / 'trials.sqlite3'}"
    known = context.settings.compute.model_copy(update={"precision": context.compute.precision})
    context = replace(context, settings=context.settings.model_copy(update={"compute": known}))
    storage = open_storage(address)
    study = create_or_open(
        storage,
        study_name,
        Identity.of(context.data.digest, context.judge.name, context.settings),
        context.settings,
    )
    found = Found(run, study, context.settings, hidden(address))
    with answering(address), part_of(run, "trials"):
        if refused := make_views(storage):
            progress.note(f"The views for other tools were not made in the database: {refused}")
        progress.start("trials")
        try:
            if workers == 1 and gpus is None:
                worker = Worker(study, context, run.folder / FOLDER, run.stopping, progress)
                worker.after_trial = found.refresh
                worker.work()
            else:
                places: Sequence[str | None] = gpus or [None] * workers
                _supervise(run, address, study_name, places, found, progress)
        finally:
            trials = found.write()
    with answering(address):
        found.keep_best()
    end(run)
    return trials


def work(
    address: str,
    study_name: str,
    trials: Path,
    source: str | None,
    stopping: Stopping,
    progress: Progress,
) -> None:
    """Works at a study that another process began, until all of its trials have ended.

    source: where the images are on this machine; as in the study where left out.
    Raises `UserError` where data or judge are other ones here.
    """
    study = open_study(open_storage(address), study_name)
    settings = settings_of(study)
    if source is not None:
        data = settings.data.model_copy(update={"source": source})
        settings = settings.model_copy(update={"data": data})
    with stopping.at_once():
        context = prepare(settings, progress)
    for what, own, theirs in (
        ("images", context.data.digest, data_of(study)),
        ("judge", context.judge.name, judge_of(study)),
    ):
        if own != theirs:
            raise UserError(
                f"The {what} of this machine ({own}) are not those of the study ({theirs}): scores would "
                "not compare. Give the same images (--data), and the cache of the machine that began the "
                "search (AUTOGAN_CACHE)."
            )
    with answering(address):
        Worker(study, context, trials, stopping, progress).work()


def _refuse_goals(context: Context) -> None:
    if "inception_score" in context.settings.trials.goals and not context.judge.class_count:
        raise UserError(
            f"trials.goals has inception_score, and the images of {context.data.name} have no classes. "
            "Take frechet_distance."
        )


class Found:
    """What a search has found so far, written to trials.json of its folder."""

    def __init__(self, run: Run, study: Study, settings: Settings, storage: str) -> None:
        self._run = run
        self._study = study
        self._settings = settings
        self._storage = storage
        self._ledger = Ledger(study)
        self._written = 0.0

    def refresh(self) -> None:
        """Writes, if that was not done just now: with many trials it takes as long as asking for one."""
        if time.monotonic() - self._written > WRITE_EVERY_SECONDS:
            self.write()

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return sum(record.state is not State.RUNNING for record in self._ledger.records())

    def write(self) -> Trials:
        """Writes what stands in the database now."""
        trials = self._ledger.trials()
        records, attempts = self._ledger.records(trials), attempts_of(trials)
        front = front_of(records, self._settings.trials)
        goals, worst = goals_of(self._settings.trials), self._worst(records, front)
        dominated = None if worst is None else hypervolume([_gains(r, goals) for r in front], worst)
        found = Trials(
            storage=self._storage,
            study=self._study.study_name,
            strategy=self._settings.search.strategy,
            goals=list(self._settings.trials.goals),
            count=self._settings.trials.count,
            best=front[0].number if front else None,
            reference=None
            if worst is None
            else [goal.gain(w) for goal, w in zip(goals, worst, strict=True)],
            hypervolume=dominated,
            trials=[
                _row(record, record in front, attempts.get(record.number, [])) for record in records
            ],
            surrogate=self._surrogate(records),
        )
        self._run.write(TRIALS, to_plain(found))
        self._written = time.monotonic()
        return found

    def _surrogate(self, records: Sequence[TrialRecord]) -> SurrogateRow | None:
        """None where none is wanted, or too little is known for one."""
        settings = self._settings.trials
        if settings.surrogate == "none":
            return None
        space = search_space(self._settings.network.space, self._settings.cells)
        found = surrogate_of(records, settings, space)
        if found is None:
            return None
        agreement = found.agreement
        return SurrogateRow(
            **asdict(agreement),
            trusted=agreement.trusted,
            chosen=sum(record.foreseen for record in records),
        )

    def _worst(self, records: Sequence[TrialRecord], front: Sequence[TrialRecord]) -> Gains | None:
        """The worst gain of each goal among all trials; None with one goal, or without a front."""
        goals = goals_of(self._settings.trials)
        if len(goals) == 1 or not front:
            return None
        reached = [_gains(r, goals) for r in records if r.values]
        return tuple(map(min, zip(*reached, strict=True)))

    def keep_best(self) -> None:
        """Copies the best trial's generator to the run's folder, where it is at hand."""
        front = front_of(self._ledger.records(), self._settings.trials)
        if not front:
            raise UserError(
                "No trial came to a score; trials.json says why. Begin anew with a lower "
                "train.learning_rate."
            )
        trials = self._run.folder / FOLDER
        name = folder_of(trials, front[0].number).name
        held = [p / GENERATOR for p in sorted(trials.glob(f"{name}*")) if (p / GENERATOR).exists()]
        if not held:
            return  # trained by a worker with a folder of its own
        with written_aside(self._run.folder / GENERATOR) as aside:
            shutil.copyfile(held[-1], aside)


def _gains(record: TrialRecord, goals: Sequence[Goal]) -> Gains:
    return tuple(goal.gain(v) for goal, v in zip(goals, record.values or (), strict=True))


def _row(record: TrialRecord, on_front: bool, attempts: list[Attempt]) -> TrialRow:
    return TrialRow(
        number=record.number,
        architecture=str(record.architecture),
        seed=record.seed,
        state=record.state.value,
        steps=record.steps,
        seconds=record.seconds,
        values=list(record.values) if record.values else None,
        rungs=[(score.steps, list(score.values)) for score in record.rungs],
        front=on_front,
        worker=record.worker,
        finished=record.ended,
        reason=record.reason,
        parent=record.parent,
        foreseen=record.foreseen,
        rung_seconds=[score.seconds for score in record.rungs],
        attempts=attempts,
    )


def _supervise(
    run: Run,
    address: str,
    study_name: str,
    places: Sequence[str | None],
    found: Found,
    progress: Progress,
) -> None:
    """Starts workers, and others for those that die, until all trials have ended.

    places: for each the GPUs that it sees; None: those that this process sees.
    """
    (run.folder / "workers").mkdir(exist_ok=True)
    lost, before, number = 0, 0, len(places)
    place_of = dict(enumerate(places))
    with _ended_with_us({}) as workers:
        for worker, place in place_of.items():
            workers[worker] = _start(run, address, study_name, worker, len(places), place)
        wanted = run.settings.trials.count
        while workers and (ended := found.ended) < wanted:
            progress.status(f"{ended} of {wanted} trials have ended, {len(workers)} workers")
            with run.stopping.at_once():
                time.sleep(LOOK_EVERY_SECONDS)
            found.refresh()
            lost, before = (lost if ended == before else 0), ended
            for name, process in list(workers.items()):
                code = process.poll()
                if code is None:
                    continue
                del workers[name]
                if code == 0:
                    continue
                lost += 1
                log = run.folder / "workers" / f"{name}.log"
                if code == 2 or lost > MOST_LOST_WORKERS:
                    raise UserError(f"A worker ended with code {code}:\n{_end_of(log)}")
                progress.note(f"Worker {name} died (code {code}); another one takes its place.")
                place_of[number] = place_of[name]
                workers[number] = _start(
                    run, address, study_name, number, len(places), place_of[number]
                )
                number += 1
        latest = time.monotonic() + ENDED_WITHIN_SECONDS  # they end by themselves, unless one hangs
        while time.monotonic() < latest and any(p.poll() is None for p in workers.values()):
            with run.stopping.at_once():
                time.sleep(LOOK_EVERY_SECONDS)


def _start(
    run: Run, address: str, study_name: str, number: int, count: int, gpus: str | None
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "autogan", "worker", "--study", study_name]
    command += ["--out", str(run.folder / FOLDER), "--data", run.source]
    threads = max(1, len(os.sched_getaffinity(0)) // count)
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ, ADDRESS: address}
    if gpus is not None:
        environment[VISIBLE] = gpus
    with (run.folder / "workers" / f"{number}.log").open("ab") as log:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )


@contextmanager
def _ended_with_us(
    workers: dict[int, "subprocess.Popen[bytes]"],
) -> Iterator[dict[int, "subprocess.Popen[bytes]"]]:
    """Asks those that are left to stop, with their checkpoints, and waits for them."""
    try:
        yield workers
    finally:
        for process in workers.values():
            process.terminate()
        for process in workers.values():
            try:
                process.wait(ENDED_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:  # stopped, or in a step that takes long
                process.kill()
                process.wait()


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(lines[-5:])
