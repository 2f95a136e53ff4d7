"""The command line: reads options, calls, prints. Exit code 0; 2 for a user's mistake; 1 for ours.

torch is imported inside the commands, so that `autogan --help` answers at once.
"""

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from autogan.config import Settings, load_settings, settings_to_yaml
from autogan.errors import UserError
from autogan.space import Architecture

if TYPE_CHECKING:
    from autogan.runs import Run
    from autogan.terminal import TerminalProgress

app = typer.Typer(
    name="autogan",
    help="Find a GAN architecture for your images, train it, and judge it (AutoGAN, ICCV 2019).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
notes = Console(stderr=True)
"""Progress and messages; results alone go to standard output."""

Preset = Annotated[
    str | None,
    typer.Option(
        "--preset", help="Recipe: demo, cifar10-paper, cifar10, cifar10-cpu, stl10-transfer."
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="glyphs, cifar10[:PATH], stl10[:PATH], or folder:PATH (a folder or an archive).",
    ),
]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the run; must be free.")]
SetOptions = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, e.g. search.iterations=40. May be repeated."),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="YAML file with settings.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the resolved settings and stop.")]
Json = Annotated[bool, typer.Option("--json", help="Print the results as one JSON object.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run that --out holds.")]


def main() -> None:
    """Runs the command line; a user's mistake becomes a message and exit code 2."""
    warnings.showwarning = _show_warning
    try:
        app()
    except UserError as error:
        notes.print("[bold red]Error:[/] ", end="")
        notes.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    notes.print(f"Warning: {message}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def demo(
    out: Out = None, overrides: SetOptions = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """The whole method on embedded images, in minutes: search, derive, train, evaluate, pictures.

    Example: [bold]autogan demo[/]
    """
    settings = load_settings("demo", overrides=overrides or ())
    if not _printed(settings, dry_run):
        _run_whole(settings, out or _free_folder(Path("runs/demo")), False, as_json)


@app.command()
def run(
    preset: Preset = None,
    data: Data = None,
    out: Out = None,
    config: ConfigFile = None,
    overrides: SetOptions = None,
    resume: Resume = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Search, derive, train and evaluate in one go.

    Example: [bold]autogan run --preset cifar10-cpu --data cifar10 --out runs/first[/]
    """
    settings = _settings(preset, data, config, overrides, resume, out)
    if not _printed(settings, dry_run):
        _run_whole(settings, _required(out), resume, as_json)


@app.command()
def search(
    preset: Preset = None,
    data: Data = None,
    out: Out = None,
    config: ConfigFile = None,
    overrides: SetOptions = None,
    resume: Resume = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Only the search; go on with [bold]autogan derive RUN[/].

    Example: [bold]autogan search --preset cifar10-cpu --data cifar10 --out runs/first[/]
    """
    settings = _settings(preset, data, config, overrides, resume, out)
    if _printed(settings, dry_run):
        return
    with _opened(settings, _required(out), resume, "search") as (run, progress):
        from autogan.ground import prepare
        from autogan.pipeline import search_part

        search_part(run, prepare(run.settings, progress), progress)
        found = run.read("architectures.json")
    if as_json:
        print(json.dumps(found))
    else:
        notes.print(f"Searched: {run.folder}. Next: autogan derive {run.folder}", highlight=False)


@app.command()
def derive(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished search.")],
    as_json: Json = False,
) -> None:
    """Sample architectures from a finished search and train the best of them from scratch.

    Example: [bold]autogan derive runs/first[/]
    """
    from autogan.runs import read_settings

    settings = read_settings(folder)
    if (folder / "results.json").exists():
        raise UserError(f"The run in {folder} has ended; its results are in results.json.")
    with _opened(settings, folder, True, "derive") as (run, progress):
        from autogan.ground import prepare
        from autogan.pipeline import derive_part, search_part

        ground = prepare(settings, progress)
        if not run.has_ended("search", settings.search.iterations):
            raise UserError(
                f"The search in {folder} has not ended. Finish it first: autogan search --out "
                f"{folder} --resume"
            )
        candidates = derive_part(search_part(run, ground, progress), run, ground, progress)
        found = run.read("derive.json")
    if as_json:
        print(json.dumps(found))
        return
    table = Table("architecture", "with shared weights", "inception score", "Fréchet distance")
    for candidate in candidates:
        table.add_row(
            candidate.architecture,
            f"{candidate.shared_reward:.3f}",
            f"{candidate.validation.inception_score:.3f}",
            f"{candidate.validation.frechet_distance:.2f}",
        )
    Console().print(table)
    notes.print(f"Best: {folder / 'generator.safetensors'}", highlight=False)


@app.command()
def train(
    architecture: Annotated[
        str,
        typer.Option("--arch", help="autogan-a, -b, -c, a text form or the authors' vector."),
    ],
    preset: Preset = None,
    data: Data = None,
    out: Out = None,
    config: ConfigFile = None,
    overrides: SetOptions = None,
    resume: Resume = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Train one architecture from scratch and evaluate it.

    Example: [bold]autogan train --arch autogan-a --preset cifar10-cpu --data cifar10 --out runs/a[/]
    """
    chosen = Architecture.parse(architecture)
    settings = _settings(preset, data, config, overrides, resume, out)
    if len(chosen) != settings.cells:
        raise UserError(
            f"--arch has {len(chosen)} cells, but {settings.data.image_size} pixels from a bottom "
            f"of {settings.network.bottom_size} take {settings.cells}."
        )
    if _printed(settings, dry_run):
        return
    with _opened(settings, _required(out), resume, "train") as (run, progress):
        from autogan.pipeline import run_training

        results = run_training(run, chosen, progress)
    _print_results(results, run.folder, as_json)


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A generator.safetensors.")],
    data: Data = None,
    overrides: SetOptions = None,
    as_json: Json = False,
) -> None:
    """Score a generator: by default on the data and with the settings it was trained with.

    Example: [bold]autogan evaluate runs/first/generator.safetensors --set evaluate.images=10000[/]
    """
    from autogan.pipeline import describe_generator, settings_of
    from autogan.weights import load_generator

    saved = load_generator(file)
    settings = settings_of(saved, [*(overrides or []), *_data_override(data)])
    with _progress("evaluate") as progress:
        from autogan.evaluate import evaluate as evaluate_generator
        from autogan.ground import prepare

        ground = prepare(settings, progress)
        progress.start("evaluate")
        evaluation = evaluate_generator(saved.generator, ground, progress)
    results = {
        **describe_generator(saved.generator),
        "judge": {"name": ground.judge.name, "held_out_accuracy": ground.judge.held_out_accuracy},
        "data": {"name": ground.data.name},
        **evaluation.to_dict(),
    }
    _print_results(results, file.parent, as_json)


@app.command()
def sample(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A generator.safetensors.")],
    out: Annotated[Path, typer.Option("--out", help="PNG file to write.")] = Path("samples.png"),
    count: Annotated[int, typer.Option("--count", min=1, max=10_000, help="Images.")] = 64,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Names the latents.")] = 0,
) -> None:
    """A grid of generated images.

    Example: [bold]autogan sample runs/first/generator.safetensors --count 100 --out grid.png[/]
    """
    from autogan.compute import Compute
    from autogan.pipeline import save_samples
    from autogan.weights import load_generator

    if out.exists():
        raise UserError(f"{out} exists already. Choose another --out.")
    save_samples(load_generator(file).generator, out, count, seed, Compute.resolve())
    notes.print(f"{count} images: {out}", highlight=False)


def _settings(
    preset: str | None,
    data: str | None,
    config: Path | None,
    overrides: list[str] | None,
    resume: bool,
    out: Path | None,
) -> Settings:
    if resume:
        if preset or data or config or overrides:
            raise UserError(
                "--resume goes on with the run's own settings; give only --out with it."
            )
        from autogan.runs import read_settings

        return read_settings(_required(out))
    return load_settings(preset, config, [*(overrides or []), *_data_override(data)])


def _data_override(data: str | None) -> list[str]:
    return [] if data is None else [f"data.source={json.dumps(data)}"]


def _required(out: Path | None) -> Path:
    if out is None:
        raise UserError("Where should the run be written? Give --out FOLDER.")
    return out


def _printed(settings: Settings, dry_run: bool) -> bool:
    if dry_run:
        print(settings_to_yaml(settings), end="")
    return dry_run


def _free_folder(folder: Path) -> Path:
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free


@contextmanager
def _progress(title: str) -> Iterator["TerminalProgress"]:
    from autogan.terminal import TerminalProgress

    with TerminalProgress(notes, f"autogan {title}") as progress:
        yield progress


@contextmanager
def _opened(
    settings: Settings, folder: Path, resume: bool, title: str
) -> Iterator[tuple["Run", "TerminalProgress"]]:
    """The run's folder, open; a folder made for input that turns out unusable is removed again."""
    from autogan.pipeline import open_run

    run = open_run(folder, settings, resume)
    try:
        with _progress(title) as progress:
            progress.note(f"Run folder: {folder}")
            yield run, progress
    except UserError:
        run.discard()
        raise
    finally:
        run.close()


def _run_whole(settings: Settings, folder: Path, resume: bool, as_json: bool) -> None:
    with _opened(settings, folder, resume, "run") as (run, progress):
        from autogan.pipeline import run_everything

        results = run_everything(run, progress)
    _print_results(results, folder, as_json)


def _print_results(results: dict[str, Any], folder: Path, as_json: bool) -> None:
    if as_json:
        print(json.dumps(results))
        return
    from autogan.terminal import results_table

    Console().print(results_table(results))
    if "files" in results:
        for name, file in results["files"].items():
            notes.print(f"{name}: {folder / file}", highlight=False)
        notes.print(f"results: {folder / 'results.json'}", highlight=False)


if __name__ == "__main__":
    main()
