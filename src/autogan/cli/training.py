"""The command that trains one architecture, from scratch or on from where another run's training ended."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    print_results,
)
from autogan.cli.opening import ended, opened_run
from autogan.cli.resolving import printed, required, resolved
from autogan.cli.seeds import SeedCount, SideBySide, seeds_wanted, several
from autogan.cli.together import joined
from autogan.runs.file_names import RESULTS

if TYPE_CHECKING:
    from autogan.runs.task import Task
    from autogan.settings.sections import Settings
    from autogan.spaces.architecture import Architecture


@app.command()
def train(
    architecture: Annotated[
        str | None,
        typer.Option(
            "--arch",
            help="autogan-a, -b, -c, a text form (modern:… of the modern space), the authors' vector, or a "
            "JSON file with one.",
            autocompletion=published_names,
        ),
    ] = None,
    discriminator: Annotated[
        str | None,
        typer.Option(
            "--discriminator",
            help="Against which it is trained: a block for each cell, such as "
            "residual/bottleneck+half/residual+softmax/deviation. Without it AutoGAN's.",
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Instead of --arch: a run (of `run` or `train`) that has ended. Its training goes on with "
            "its settings; --set train.generator_steps=6000 says for how many steps more.",
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
    """Train one architecture and evaluate it: from scratch, or on from where another run ended.

    Example: [bold]autogan train --arch autogan-a --preset cifar10-cpu --data cifar10 --out runs/a[/]

    Example: [bold]autogan train --from runs/first --set train.generator_steps=6000 --out runs/longer[/]
    """
    from autogan.runs.contents import read_results
    from autogan.runs.task import Task

    if start is not None:
        if resume:
            again = Task("train").resume_command(required(out))
            raise UserError(
                f"A run that goes on knows from where: leave --from out. It goes on with: {again}"
            )
        if seeds is not None or side_by_side > 1:
            raise UserError(
                "--from goes on with one training: --seeds and --side-by-side do not fit."
            )
        beside = {
            "--arch": architecture,
            "--discriminator": discriminator,
            "--preset": preset,
            "--data": data,
            "--skip-broken": skip_broken,
            "--config": config,
        }
        if given := [name for name, value in beside.items() if value]:
            raise UserError(
                f"--from takes all that {', '.join(given)} would say from the run that it goes on from. "
                "Leave it out; settings can be changed with --set."
            )
        task, chosen, settings = _on_from(start, overrides)
    else:
        begun = _task_of(required(out)) if resume and not architecture else None
        architecture = architecture or (begun.architecture if begun else None)
        if not architecture:
            raise UserError(
                "Which architecture should be trained? Give --arch; for example autogan-a."
            )
        told = read_architecture(architecture)
        chosen = _generator(told)
        settings = resolved(
            preset, data, skip_broken, config, overrides, resume, out, chosen.space, discriminator
        )
        settings = _trained_as(told, settings)
        _refuse_unfitting(chosen, settings)
        task = Task("train", str(chosen), start=begun.start if begun else None)
    if printed(settings, dry_run, as_json):
        return
    if seeds_wanted(seeds, side_by_side, resume, out):
        several(task, settings, required(out), seeds, side_by_side, resume, time_limit, as_json)
        return
    with joined(required(out), resume) as (folder, processes):
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


def _on_from(start: Path, overrides: list[str] | None) -> tuple["Task", "Architecture", "Settings"]:
    """What goes on from the run in `start`."""
    from autogan.runs.ended_training import read_ended_training
    from autogan.runs.task import Task
    from autogan.settings.loading import load_settings

    before = read_ended_training(start)
    tree = before.settings.model_dump(mode="json")
    settings = load_settings(None, None, overrides or (), {}, tree=tree)
    before.refuse_unfit(before.architecture, settings)
    task = Task("train", before.architecture, start=str(before.folder))
    return task, read_architecture(before.architecture), settings


def _generator(told: "Architecture") -> "Architecture":
    """The generator that --arch names; `UserError` where that is a pair."""
    from autogan.spaces.around_generators import players

    generator, own = players(told)
    if own is not None:
        raise UserError(
            f"--arch is a pair of a generator and its discriminator. Give both apart: --arch {generator} "
            f"--discriminator {own}"
        )
    return generator


def _trained_as(told: "Architecture", settings: "Settings") -> "Settings":
    """With the objective of what --arch names, where it says one: a search by trials finds such."""
    from autogan.spaces.trained import objective_of

    objective = objective_of(told, settings.train.objective)
    train = settings.train.model_copy(update={"objective": objective})
    return settings.model_copy(update={"train": train})


def _refuse_unfitting(chosen: "Architecture", settings: "Settings") -> None:
    """Raises `UserError` where the settings are of another space, or another number of cells."""
    if chosen.space != settings.network.space:
        raise UserError(
            f"--arch is of the space {chosen.space}, and network.space is {settings.network.space}."
        )
    if len(chosen) != settings.cells:
        raise UserError(
            f"--arch has {len(chosen)} cells, but {settings.data.image_size} pixels from a bottom "
            f"of {settings.network.bottom_size} take {settings.cells}."
        )


def _task_of(folder: Path) -> "Task | None":
    """What a run, or runs with several seeds, were made to do."""
    from autogan.runs.config import read_task
    from autogan.runs.seeds import holds_seeds, read_seeds

    return read_seeds(folder).task if holds_seeds(folder) else read_task(folder)
