"""The commands that make or go on with a run: demo, run, search, derive, train."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from autogan.basics.errors import UserError
from autogan.cli.architectures import published_names, read_architecture
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
    data_changes,
    print_results,
)
from autogan.cli.console import notes, say_lines, tables
from autogan.cli.opening import ended, opened_run
from autogan.cli.seeds import SeedCount, SideBySide, seeds_wanted, several
from autogan.cli.together import joined
from autogan.cli.trials import Storage, Study, address_of, places_of, run_trials
from autogan.runs.file_names import ARCHITECTURES, DERIVED, RESULTS

if TYPE_CHECKING:
    from autogan.runs.task import Task
    from autogan.settings.sections import Settings


ArchitectureOption = Annotated[
    str | None,
    typer.Option(
        "--arch",
        help="autogan-a, -b, -c, a text form (modern:… of the modern space), the authors' vector, or a JSON "
        "file with one.",
        autocompletion=published_names,
    ),
]


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
    if not _printed(settings, dry_run, as_json):
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
    settings = _resolved(preset, data, skip_broken, config, overrides, resume, out)
    if _printed(settings, dry_run, as_json):
        return
    folder = _required(out)
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
    settings = _resolved(preset, data, skip_broken, config, overrides, resume, out)
    if _printed(settings, dry_run, as_json):
        return
    folder = _required(out)
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


@app.command()
def train(
    architecture: ArchitectureOption = None,
    discriminator: Annotated[
        str | None,
        typer.Option(
            "--discriminator",
            help="Against which it is trained: a block for each cell, such as "
            "residual/bottleneck+half/residual+softmax/deviation. Without it AutoGAN's.",
        ),
    ] = None,
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
    """Train one architecture from scratch and evaluate it.

    Example: [bold]autogan train --arch autogan-a --preset cifar10-cpu --data cifar10 --out runs/a[/]
    """
    from autogan.runs.contents import read_results
    from autogan.runs.task import Task
    from autogan.spaces import SPACES
    from autogan.spaces.pair import players

    if resume and not architecture:
        task = _task_of(_required(out))
        architecture = task.architecture if task else None
    if not architecture:
        raise UserError("Which architecture should be trained? Give --arch; for example autogan-a.")
    chosen = read_architecture(architecture)
    if chosen.space not in SPACES:
        generator, own = players(chosen)
        raise UserError(
            f"--arch is a pair of a generator and its discriminator. Give both apart: --arch {generator} "
            f"--discriminator {own}"
        )
    settings = _resolved(
        preset, data, skip_broken, config, overrides, resume, out, chosen.space, discriminator
    )
    if chosen.space != settings.network.space:
        raise UserError(
            f"--arch is of the space {chosen.space}, and network.space is {settings.network.space}."
        )
    if len(chosen) != settings.cells:
        raise UserError(
            f"--arch has {len(chosen)} cells, but {settings.data.image_size} pixels from a bottom "
            f"of {settings.network.bottom_size} take {settings.cells}."
        )
    if _printed(settings, dry_run, as_json):
        return
    task = Task("train", str(chosen))
    if seeds_wanted(seeds, side_by_side, resume, out):
        several(task, settings, _required(out), seeds, side_by_side, resume, time_limit, as_json)
        return
    with joined(_required(out), resume) as (folder, processes):
        results: dict[str, Any] | None
        if resume and ended(folder, task, settings, RESULTS):
            results = read_results(folder)
        else:
            with opened_run(settings, folder, task, resume, time_limit) as (run, progress):
                from autogan.device.processes import ALONE
                from autogan.method.pipeline import run_training

                results = run_training(run, chosen, progress, processes or ALONE)
        if results is not None and (processes is None or processes.first):
            print_results(results, folder, as_json)


def _task_of(folder: Path) -> "Task | None":
    """What a run, or runs with several seeds, were made to do."""
    from autogan.runs.config import read_task
    from autogan.runs.seeds import holds_seeds, read_seeds

    return read_seeds(folder).task if holds_seeds(folder) else read_task(folder)


def _figure(value: float | None) -> str:
    """A score, or a dash where the judge cannot give it."""
    return "–" if value is None else f"{value:.3f}"


def _resolved(
    preset: str | None,
    data: str | None,
    skip_broken: bool,
    config: Path | None,
    overrides: list[str] | None,
    resume: bool,
    out: Path | None,
    space: str | None = None,
    discriminator: str | None = None,
) -> "Settings":
    """space, discriminator: of the architecture that is trained and against which, where given."""
    from autogan.settings.loading import load_settings, merged
    from autogan.spaces.discriminator_architecture import told_discriminator

    given, changes = overrides or (), data_changes(data, skip_broken)
    if space is not None:
        changes = merged(changes, {"network": {"space": space}})
    if discriminator is not None:
        changes = merged(changes, {"network": {"discriminator": discriminator}})
    if resume and not (preset or config):
        from autogan.runs.config import read_settings
        from autogan.runs.seeds import holds_seeds, read_seeds_settings

        folder = _required(out)
        made = read_seeds_settings(folder) if holds_seeds(folder) else read_settings(folder)
        own = made.model_dump(mode="json")
        settings = load_settings(None, None, given, changes, tree=own)
    else:
        settings = load_settings(preset, config, given, changes)
    told_discriminator(settings.network.discriminator, settings.cells)  # refuses what is none
    return settings


def _required(out: Path | None) -> Path:
    if out is None:
        raise UserError("Where should the run be written? Give --out FOLDER.")
    return out


def _printed(settings: "Settings", dry_run: bool, as_json: bool) -> bool:
    """Whether the settings were printed, and nothing else is to be done."""
    if dry_run and as_json:
        print(json.dumps(settings.model_dump(mode="json")))
    elif dry_run:
        from autogan.settings.loading import settings_to_yaml

        say_lines(settings_to_yaml(settings))
    return dry_run


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
