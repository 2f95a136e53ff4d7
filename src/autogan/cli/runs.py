"""The commands that make or go on with a run that searches: demo, run, search, derive."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from autogan.basics.errors import UserError
from autogan.cli.common import (
    ConfigFile,
    Data,
    DryRun,
    Json,
    Out,
    Preset,
    Resume,
    SetOptions,
    SkipBroken,
    TimeLimit,
    app,
    print_results,
)
from autogan.cli.console import notes, tables
from autogan.cli.opening import ended, opened_run
from autogan.cli.resolving import printed, required, resolved
from autogan.cli.seeds import SeedCount, SideBySide, seeds_wanted, several
from autogan.cli.trials import Storage, Study, address_of, places_of, run_trials
from autogan.runs.file_names import ARCHITECTURES, DERIVED, RESULTS

if TYPE_CHECKING:
    from autogan.settings.sections import Settings


@app.command()
def demo(
    out: Out = None,
    overrides: SetOptions = None,
    time_limit: TimeLimit = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """The whole method on embedded images, in minutes: search, derive, train, evaluate, pictures.

    Example: [bold]autogan demo[/]
    """
    from autogan.settings.loading import load_settings

    settings = load_settings("demo", overrides=overrides or ())
    if not printed(settings, dry_run, as_json):
        from autogan.runs.resume import free_folder

        folder = out or free_folder(Path("runs/demo"))
        _run_whole(settings, folder, False, time_limit, as_json)


@app.command()
def run(
    preset: Preset = None,
    data: Data = None,
    skip_broken: SkipBroken = False,
    out: Out = None,
    config: ConfigFile = None,
    overrides: SetOptions = None,
    seeds: SeedCount = None,
    side_by_side: SideBySide = 1,
    resume: Resume = False,
    time_limit: TimeLimit = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Search, derive, train and evaluate in one go.

    Example: [bold]autogan run --preset cifar10-cpu --data cifar10 --out runs/first[/]
    """
    settings = resolved(preset, data, skip_broken, config, overrides, resume, out)
    if printed(settings, dry_run, as_json):
        return
    folder = required(out)
    if seeds_wanted(seeds, side_by_side, resume, out):
        from autogan.runs.task import Task

        several(Task("run"), settings, folder, seeds, side_by_side, resume, time_limit, as_json)
    else:
        _run_whole(settings, folder, resume, time_limit, as_json)


@app.command()
def search(
    preset: Preset = None,
    data: Data = None,
    skip_broken: SkipBroken = False,
    out: Out = None,
    config: ConfigFile = None,
    overrides: SetOptions = None,
    strategy: Annotated[
        str | None, typer.Option("--strategy", help="What proposes: the same as search.strategy.")
    ] = None,
    method: Annotated[
        Literal["shared", "trials"],
        typer.Option(help="shared: with shared weights; trials: trainings from scratch."),
    ] = "shared",
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that train trials, on this machine or with --ray.")
    ] = 1,
    gpus_per_worker: Annotated[
        int | None,
        typer.Option(
            min=1, help="GPUs that each worker sees for itself; a training uses the first."
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Spread the workers over a Ray cluster: auto, or HOST:PORT of its head.",
        ),
    ] = None,
    storage: Storage = None,
    study: Study = None,
    seeds: SeedCount = None,
    side_by_side: SideBySide = 1,
    resume: Resume = False,
    time_limit: TimeLimit = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Only the search; go on with [bold]autogan derive RUN[/], or with [bold]autogan front RUN[/].

    Example: [bold]autogan search --preset cifar10-cpu --data cifar10 --out runs/first[/]
    """
    if strategy is not None:
        overrides = [*(overrides or ()), f"search.strategy={strategy}"]
    settings = resolved(preset, data, skip_broken, config, overrides, resume, out)
    if printed(settings, dry_run, as_json):
        return
    folder = required(out)
    apart = seeds_wanted(seeds, side_by_side, resume, out)
    if method == "trials":
        if apart:
            raise UserError(
                "--seeds is of searches with shared weights. Trials give an architecture that is proposed "
                "again its next seed by themselves."
            )
        address = address_of(storage)
        places = partial(places_of, workers, gpus_per_worker, ray)
        run_trials(settings, folder, places, address, study, resume, time_limit, as_json)
        return
    for given, option in (
        (workers > 1, "--workers"),
        (gpus_per_worker, "--gpus-per-worker"),
        (ray, "--ray"),
        (storage, "--storage"),
        (study, "--study"),
    ):
        if given:
            raise UserError(f"{option} is of trials: add --method trials.")
    from autogan.runs.contents import read_json
    from autogan.runs.task import Task, derive_command

    if apart:
        several(Task("search"), settings, folder, seeds, side_by_side, resume, time_limit, as_json)
        return
    if not (resume and ended(folder, Task("search"), settings, ARCHITECTURES)):
        with opened_run(settings, folder, Task("search"), resume, time_limit) as (run, progress):
            from autogan.method.pipeline import run_search

            run_search(run, progress)
    if as_json:
        print(json.dumps(read_json(folder / ARCHITECTURES)))
    else:
        again = "" if (folder / RESULTS).exists() else f" Next: {derive_command(folder)}"
        notes.print(f"Searched: {folder}.{again}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def derive(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished search.")],
    time_limit: TimeLimit = None,
    as_json: Json = False,
) -> None:
    """Sample architectures from a finished search and train the best of them.

    Example: [bold]autogan derive runs/first[/]
    """
    from autogan.runs.config import read_settings
    from autogan.runs.task import Task, derive_command

    settings = read_settings(folder)
    if (folder / RESULTS).exists():
        raise UserError(f"The run in {folder} has ended; its results are in results.json.")
    again = derive_command(folder)
    opened = opened_run(settings, folder, Task("search"), True, time_limit, again)
    with opened as (run, progress):
        from autogan.method.pipeline import run_derivation

        candidates = run_derivation(run, progress)
        found = run.read(DERIVED)
    if as_json:
        print(json.dumps(found))
        return
    from rich.table import Table

    table = Table("architecture", "with shared weights", "inception score", "Fréchet distance")
    for candidate in candidates:
        table.add_row(
            str(candidate.architecture),
            f"{candidate.shared_reward:.3f}",
            _figure(candidate.validation.inception_score),
            f"{candidate.validation.frechet_distance:.2f}",
        )
    tables.print(table)
    notes.print(
        f"Best: {folder / 'generator.safetensors'}", highlight=False, markup=False, soft_wrap=True
    )


def _figure(value: float | None) -> str:
    """A score, or a dash where the judge cannot give it."""
    return "–" if value is None else f"{value:.3f}"


def _run_whole(
    settings: "Settings",
    folder: Path,
    resume: bool,
    time_limit_seconds: float | None,
    as_json: bool,
) -> None:
    from autogan.runs.contents import read_results
    from autogan.runs.task import Task

    if resume and ended(folder, Task("run"), settings, RESULTS):
        results = read_results(folder)
    else:
        with opened_run(settings, folder, Task("run"), resume, time_limit_seconds) as (
            run,
            progress,
        ):
            from autogan.method.pipeline import run_everything

            results = run_everything(run, progress)
    print_results(results, folder, as_json)
