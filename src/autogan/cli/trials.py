"""A search by trials: what `search --method trials` does, and the commands worker, front, dashboard."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autogan.basics.errors import UserError
from autogan.cli.common import TRIALS, Json, app, shown_progress
from autogan.cli.console import notes, tables
from autogan.cli.opening import ended, opened_run
from autogan.runs.file_names import GENERATOR

if TYPE_CHECKING:
    from autogan.settings.sections import Settings
    from autogan.trials.places import Places

Storage = Annotated[
    str | None,
    typer.Option(
        "--storage",
        metavar="ADDRESS",
        help="Database of the trials: sqlite:///FILE, postgresql+psycopg://USER@HOST/NAME or journal:FILE; "
        "or the variable AUTOGAN_STORAGE, which also hides a password.",
    ),
]
Study = Annotated[
    str | None,
    typer.Option(
        "--study",
        help="Name of the search in the database, which several may share; autogan where left out.",
    ),
]


def address_of(storage: str | None) -> str | None:
    """The storage's address, by option or by variable."""
    return storage or os.environ.get("AUTOGAN_STORAGE") or None


@app.command(rich_help_panel=TRIALS)
def worker(
    storage: Storage = None,
    study: Study = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="Folder of the trials (`trials` in the search's folder); shared by machines, "
            "trials go on from it.",
        ),
    ] = Path("trials"),
    data: Annotated[
        str | None, typer.Option("--data", help="Where the images are on this machine.")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            "--count", min=1, help="Trials until the search has ended, if they are more now."
        ),
    ] = None,
) -> None:
    """Work at a search by trials that was begun elsewhere, until it has ended.

    Example: [bold]autogan worker --storage postgresql+psycopg://me@server/gan --out /shared/trials/trials[/]
    """
    address = address_of(storage)
    if address is None:
        raise UserError("Which database? Give --storage, or set AUTOGAN_STORAGE.")
    from autogan.runs.stopping import Stopped, Stopping
    from autogan.trials.search import STUDY, work

    stopping = Stopping()
    try:
        with stopping.listening(), shown_progress("worker") as progress:
            try:
                out.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UserError(
                    f"The folder --out {out} cannot be made: {error.strerror}."
                ) from None
            work(address, study or STUDY, out, data, count, stopping, progress)
    except Stopped as stop:
        notes.print(f"Stopped by {stop.reason}. Its trial waits for another worker.")
        raise SystemExit(stop.exit_code) from None


@app.command(rich_help_panel=TRIALS)
def dashboard(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="Folder of a search by trials.")
    ] = None,
    storage: Storage = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="On this machine only.")] = 8080,
) -> None:
    """Show the database of a search by trials in a browser; only this machine can reach it.

    Example: [bold]autogan dashboard runs/trials[/]
    """
    from importlib.util import find_spec

    if find_spec("optuna_dashboard") is None:
        raise UserError(
            "The dashboard needs the package optuna-dashboard: pip install optuna-dashboard"
        )
    address = address_of(storage)
    if address is None:
        from autogan.runs.file_names import DATABASE
        from autogan.trials.storage import address_of_file

        file = (folder or Path()) / DATABASE
        if not file.is_file():
            raise UserError(
                f"There is no {file}. Give the folder of a search by trials, or --storage."
            )
        address = address_of_file(file)
    _refuse_used_port(port)
    import optuna_dashboard

    from autogan.trials.storage import hidden, open_storage

    opened = open_storage(address)
    notes.print(
        f"{hidden(address)} at http://127.0.0.1:{port}; Ctrl-C ends it.",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
    optuna_dashboard.run_server(opened, host="127.0.0.1", port=port)


def _refuse_used_port(port: int) -> None:
    with socket.socket() as wanted:
        wanted.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            wanted.bind(("127.0.0.1", port))
        except OSError as error:
            raise UserError(
                f"Port {port} cannot be used: {error.strerror}. Give another --port."
            ) from None


@app.command(rich_help_panel=TRIALS)
def front(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a search by trials.")],
    as_json: Json = False,
) -> None:
    """The best trials of a search: with several goals all that none dominates: as good
    in every goal, and better in one.

    Example: [bold]autogan front runs/trials[/]
    """
    from autogan.runs.file_names import TRIALS
    from autogan.runs.record import read_record

    record = read_record(folder)
    found = record.trials
    if found is None:
        damage = record.damages.get(TRIALS)
        raise (
            damage.refusal(folder)
            if damage
            else UserError(
                f"{folder} holds no search by trials, or none of its trials has ended yet."
            )
        )
    chosen = [trial for trial in found.trials if trial.front]
    if as_json:
        from dataclasses import asdict

        print(
            json.dumps(
                {
                    "goals": found.goals,
                    "reference": found.reference,
                    "hypervolume": found.hypervolume,
                    "front": [asdict(trial) for trial in chosen],
                }
            )
        )
        return
    from rich.table import Table

    table = Table(
        "trial", "architecture", "seed", "steps", *(g.replace("_", " ") for g in found.goals)
    )
    for trial in chosen:
        values = (f"{value:,.6g}" for value in trial.values or ())
        row = (str(trial.number + 1), trial.architecture, str(trial.seed), str(trial.steps))
        table.add_row(*row, *values)
    tables.print(table)
    said = f"{found.ended} of {found.count} trials have ended."
    if found.hypervolume is not None and found.reference is not None:
        reference = ", ".join(f"{value:,.4g}" for value in found.reference)
        said += f" Hypervolume {found.hypervolume:,.4g} from the worst value of each goal ({reference})."
    notes.print(said, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def places_of(
    workers: int, gpus_per_worker: int | None, ray: str | None, address: str | None
) -> Iterator["Places | None"]:
    """Where workers run; None where the trials are trained in this process."""
    if ray is not None:
        from autogan.trials.ray_places import on_cluster

        with on_cluster(ray, workers, gpus_per_worker, address) as placed:
            if placed.spare_gpus:
                notes.print(
                    f"The cluster's GPUs ({placed.spare_gpus}) stay unused: add --gpus-per-worker 1."
                )
            yield placed
        return
    from autogan.trials.gpus import shared_out
    from autogan.trials.places import LocalPlaces

    if gpus_per_worker is not None:
        yield LocalPlaces(shared_out(workers, gpus_per_worker))
    else:
        yield None if workers == 1 else LocalPlaces([None] * workers)


def run_trials(
    settings: "Settings",
    folder: Path,
    places: "Callable[[str | None], AbstractContextManager[Places | None]]",
    address: str | None,
    study: str | None,
    resume: bool,
    time_limit: float | None,
    as_json: bool,
) -> None:
    """`search --method trials`. address, study: as given. places: makes those where workers run, of the
    storage's address, once nothing else is in the way.
    """
    from autogan.runs.contents import read_json
    from autogan.runs.file_names import TRIALS
    from autogan.trials.search import (
        STUDY,
        begun_task,
        refuse_before_anything,
        search_by_trials,
        task_to_go_on,
    )

    refuse_before_anything(settings)
    if resume:
        task, address = task_to_go_on(folder, address, study)
    else:
        task = begun_task(address, study)
    if not (resume and ended(folder, task, settings, TRIALS)):
        with (
            places(address) as given,
            opened_run(settings, folder, task, resume, time_limit) as (run, progress),
        ):
            name = task.study or STUDY
            search_by_trials(run, progress, address=address, study_name=name, places=given)
    if as_json:
        print(json.dumps(read_json(folder / TRIALS)))
        return
    front(folder)
    best = folder / GENERATOR
    if best.exists():
        notes.print(f"Best: {best}", highlight=False, markup=False, soft_wrap=True)
