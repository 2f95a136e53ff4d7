"""Workers that are kept at work until all trials of a search have ended, wherever they run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from autogan.basics.errors import UserError
from autogan.progress.base import Progress
from autogan.runs.file_names import WORKER_LOGS
from autogan.runs.folder import Run
from autogan.trials.found import Found
from autogan.trials.places import Order, Places, Started

LOOK_EVERY_SECONDS = 1.0
ENDED_WITHIN_SECONDS = 20.0
"""Time that a worker has to end by itself, and for its checkpoint when it is asked to stop."""
MOST_LOST_WORKERS = 3
"""Times that workers may die one after the other, without a trial that ends in between. Those that die
together, as with a machine, are one time."""


def supervise(run: Run, order: Order, places: Places, found: Found, progress: Progress) -> None:
    """Starts workers, and others for those that die, until all trials have ended."""
    folder = run.folder / WORKER_LOGS
    folder.mkdir(exist_ok=True)
    lost, before, number = 0, 0, places.count
    place_of = {worker: worker for worker in range(places.count)}
    # A worker that was started is always known to be: a request to stop waits for the next sleep.
    with run.stopping.in_steps(), places.reporting(folder), _ended_with_us({}) as workers:
        for worker, place in place_of.items():
            workers[worker] = places.start(place, order, folder / f"{worker}.log")
        wanted = run.settings.trials.count
        while (ended := found.ended) < wanted and workers:
            progress.status(f"{ended} of {wanted} trials have ended, {_counted(workers)}")
            with run.stopping.at_once():
                time.sleep(LOOK_EVERY_SECONDS)
            found.refresh()
            lost, before = (lost if ended == before else 0), ended
            dead = {name: end for name, worker in workers.items() if (end := worker.poll())}
            lost += any(end.code != 0 for end in dead.values())
            for name, end in dead.items():
                del workers[name]
                if end.code == 0:
                    continue
                if end.code == 2 or lost > MOST_LOST_WORKERS:
                    raise UserError(f"A worker ended ({end.how}):\n{end.words}")
                progress.note(f"Worker {name} died ({end.how}); another one takes its place.")
                place_of[number] = place_of[name]
                workers[number] = places.start(place_of[number], order, folder / f"{number}.log")
                number += 1
        if ended < wanted:
            progress.note(f"All workers have ended, with {ended} of {wanted} trials; see {folder}")
        latest = time.monotonic() + ENDED_WITHIN_SECONDS  # they end by themselves, unless one hangs
        while time.monotonic() < latest and any(
            not worker.waits and worker.poll() is None for worker in workers.values()
        ):
            with run.stopping.at_once():
                time.sleep(LOOK_EVERY_SECONDS)


def _counted(workers: dict[int, Started]) -> str:
    waiting = sum(worker.waits for worker in workers.values())
    waits = f", {waiting} of them wait for room" if waiting else ""
    return f"{len(workers)} workers{waits}"


@contextmanager
def _ended_with_us(workers: dict[int, Started]) -> Iterator[dict[int, Started]]:
    """Asks those that are left to stop, with their checkpoints, and waits for them."""
    try:
        yield workers
    finally:
        for worker in workers.values():
            worker.terminate()
        latest = time.monotonic() + ENDED_WITHIN_SECONDS
        for worker in workers.values():
            worker.end(max(0.0, latest - time.monotonic()))
