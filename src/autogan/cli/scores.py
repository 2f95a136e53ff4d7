"""The commands about scores: stats export, stats import, leaderboard."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autogan.basics.errors import UserError
from autogan.cli.common import (
    GENERATORS,
    INGREDIENTS,
    ConfigFile,
    Data,
    Json,
    Preset,
    SetOptions,
    app,
    data_changes,
    naming_damage,
    refuse_unwritable,
    shown_progress,
)
from autogan.cli.console import notes, tables
from autogan.cli.generators import InceptionWeights, JudgeKind, judge_changes

if TYPE_CHECKING:
    from rich.table import Table

    from autogan.judges.statistics_files import StatisticsFile
    from autogan.report.published import RowGroup

stats_app = typer.Typer(
    no_args_is_help=True,
    help="Statistics of real images as .npz files, the common exchange format of Fréchet distances.\n\n"
    "Example: [bold]autogan stats export --data cifar10 --judge inception --out cifar10.npz[/]",
)
app.add_typer(stats_app, name="stats", rich_help_panel=INGREDIENTS)


@stats_app.command("export")
def export_statistics(
    out: Annotated[Path, typer.Option("--out", help=".npz file to write.")],
    data: Data = None,
    preset: Preset = None,
    config: ConfigFile = None,
    judge: JudgeKind = None,
    inception_weights: InceptionWeights = None,
    overrides: SetOptions = None,
    as_json: Json = False,
) -> None:
    """Write mean (mu) and covariance (sigma) of the training images' features.

    Example: [bold]autogan stats export --data cifar10 --judge inception --out cifar10.npz[/]
    """
    if out.suffix != ".npz":
        raise UserError(f"--out {out}: the file's name must end in .npz.")
    refuse_unwritable(out, "--out")

    from autogan.settings.loading import load_settings

    changes = {**judge_changes(judge, inception_weights), **data_changes(data)}
    settings = load_settings(preset, config, overrides or (), changes)
    with shown_progress("stats export") as progress:
        from autogan.judges.statistics_files import StatisticsFile, write_statistics
        from autogan.method.context import prepare

        context = prepare(settings, progress, to_train=False)
        file = StatisticsFile(
            context.reference.statistics, context.judge.name, context.data.name, context.data.digest
        )
        write_statistics(out, file)
    _print_statistics(file, out, as_json)


@stats_app.command("import")
def import_statistics(
    file: Annotated[Path, typer.Argument(metavar="F.npz", help="A file with mu and sigma.")],
    data_name: Annotated[
        str, typer.Option("--data-name", help="The real images they are of, e.g. CIFAR-10.")
    ],
    images: Annotated[
        int | None, typer.Option("--images", min=2, help="How many images, where F does not say.")
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option("--judge", help="Name of the judge, where F does not say: inception-2015."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a statistics file and keep a copy for [bold]autogan evaluate --statistics NAME[/].

    Example: [bold]autogan stats import F.npz --data-name CIFAR-10 --images 50000 --judge inception[/]
    """
    from autogan.images import default_cache_directory
    from autogan.judges.statistics_files import annotated, imported_path, write_statistics

    target = imported_path(data_name, default_cache_directory())
    if target.exists():
        raise UserError(
            f"Statistics named {data_name!r} were imported before: {target}. Delete that file, or "
            "choose another --data-name."
        )
    if judge == "inception":
        judge = "inception-2015"
    statistics = annotated(file, data_name, images, judge)
    write_statistics(target, statistics)
    _print_statistics(statistics, target, as_json)


def _print_statistics(file: "StatisticsFile", path: Path, as_json: bool) -> None:
    described = {
        "file": str(path),
        "data": file.data_name,
        "images": file.statistics.count,
        "features": file.statistics.feature_dimension,
        "judge": file.judge,
    }
    if as_json:
        print(json.dumps(described))
        return
    for name, value in described.items():
        notes.print(f"{name}: {value}", markup=False, highlight=False, soft_wrap=True)


@app.command(rich_help_panel=GENERATORS)
def leaderboard(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN]...", help="Run folders, or files of evaluate --json."),
    ] = None,
    as_json: Json = False,
) -> None:
    """The published tables, with own results where judge and protocol are the same.

    Example: [bold]autogan leaderboard runs/first runs/second[/]
    """

    from autogan.report.published import NOTE, OwnResult
    from autogan.report.published import leaderboard as published_tables
    from autogan.runs.contents import read_evaluated

    with naming_damage(*(runs or [])):
        groups, apart = published_tables(
            [OwnResult(str(path), read_evaluated(path)) for path in runs or []]
        )
    if as_json:
        shown = [group.to_dict() for group in groups if group.rows]
        print(json.dumps({"tables": shown, "apart": apart, "note": NOTE}))
        return
    sources = list(dict.fromkeys(row.source for group in groups for row in group.rows))
    for group in groups:
        if group.rows:
            tables.print(_table(group, sources))
    for number, source in enumerate(sources, start=1):
        tables.print(f"[{number}] {source}", markup=False, highlight=False)
    for name, why in apart.items():
        tables.print(f"Not in a table: {name}: {why}", markup=False, highlight=False)
    tables.print(NOTE, markup=False, highlight=False)


def _table(group: "RowGroup", sources: list[str]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    size = group.table.image_size
    table = Table(
        title=f"{group.table.data}, {size}×{size} pixels, protocol: {group.protocol}",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("system [source]", overflow="fold")
    for column in ("inception score", "Fréchet distance", "parameters", "search cost"):
        table.add_column(column, justify="right")
    for at, row in enumerate(group.rows):
        size_text = "" if row.million_parameters is None else f"{row.million_parameters:g} M"
        table.add_row(
            Text(f"{row.system} [{sources.index(row.source) + 1}]"),
            _with_spread(row.inception_score, row.inception_score_std),
            _with_spread(row.frechet_distance, row.frechet_distance_std),
            size_text,
            row.search_cost,
            style="bold green" if at in group.own else None,
        )
    return table


def _with_spread(value: float | None, spread: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if spread is None else f"{value:.2f} ± {spread:.2g}"
