"""The commands about a table of trained generators: table, and compare-strategies on it."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as Lines

from autogan.cli.common import (
    INGREDIENTS,
    ConfigFile,
    Data,
    Json,
    Preset,
    SetOptions,
    app,
    data_changes,
    refuse_unwritable,
    shown_progress,
)
from autogan.cli.console import notes, say, tables

table_app = typer.Typer(no_args_is_help=True)
app.add_typer(table_app, name="table", rich_help_panel=INGREDIENTS)


@table_app.callback()
def table_of_generators() -> None:
    """A table of trained generators: every architecture of a space, by one recipe.

    Example: [bold]autogan table status[/]
    """


TableFile = Annotated[Path, typer.Argument(metavar="TABLE", help="File of a table.")]
KnownTable = Annotated[
    Path | None,
    typer.Argument(
        metavar="TABLE",
        help="File of a table; left out: GAN-Bench-2592, which comes with autogan.",
        show_default=False,
    ),
]


@table_app.command()
def collect(
    table: TableFile,
    data: Data = None,
    preset: Preset = "table-16",
    config: ConfigFile = None,
    overrides: SetOptions = None,
    shard: Annotated[
        str, typer.Option(metavar="N/M", help="Only the N-th of M parts of the work.")
    ] = "1/1",
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="Stop after so long; the same command goes on.")
    ] = None,
    first: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many architectures, for a pilot.")
    ] = None,
    repeated: Annotated[
        int, typer.Option(min=0, help="The first so many are trained with all seeds.")
    ] = 200,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds that these have.")] = 3,
) -> None:
    """Train what a table lacks: every architecture of the space, by one fixed recipe.

    The file is made where there is none; the same command goes on after an interruption.

    Example: [bold]autogan table collect bench.sqlite3 --data cifar10 --shard 3/16 --minutes 60[/]
    """
    from autogan.runs.stopping import Stopped, Stopping
    from autogan.settings.loading import load_settings

    settings = load_settings(preset, config, overrides or (), data_changes(data))
    from autogan.images.sources import check_source
    from autogan.trials.collect import Collector, Plan, Shard
    from autogan.trials.table_file import refuse_foreign

    part, plan = Shard.parse(shard), Plan(first, repeated, seeds)
    refuse_foreign(table)
    with notes.status("looking at the images"):
        check_source(settings.data.source, limit_factor=settings.data.limit_factor)
    from autogan.method.context import prepare
    from autogan.runs.task import Task

    stopping = Stopping()
    collected = None
    try:
        with (
            stopping.listening(60 * minutes if minutes else None),
            shown_progress(f"table {table}") as progress,
        ):
            context = prepare(settings, progress, task=Task("train"))
            with closing(Collector(table, context, plan, part, stopping)) as collector:
                left = collector.planned - collector.collected
                progress.plan({"table": [left * collector.cost]})
                progress.start("table")
                while not collector.done:
                    collected = f"{collector.collected:,} of {collector.planned:,} trainings"
                    progress.status(f"shard {shard}: {collected}")
                    record = collector.step()
                    progress.advance(collector.cost)
                    if record.state == "diverged":
                        progress.note(f"{record.architecture} diverged: {record.reason}")
    except Stopped as stop:
        had = f" The shard has {collected}." if collected else ""
        notes.print(f"Stopped by {stop.reason}.{had} The same command goes on.", soft_wrap=True)
        raise SystemExit(stop.exit_code) from None
    notes.print(f"Shard {shard} is whole: {collector.planned:,} trainings.", soft_wrap=True)


@table_app.command()
def status(table: KnownTable = None, as_json: Json = False) -> None:
    """How much of a table is there, and how reliable one training is.

    Example: [bold]autogan table status[/]
    """
    from autogan.trials.reliability import reliability_of
    from autogan.trials.table import Table
    from autogan.trials.table_file import GAN_BENCH
    from autogan.trials.table_values import SCORES

    opened = Table.open(table or GAN_BENCH)
    there, records = opened.completeness, opened.records
    diverged = sum(r.state == "diverged" for r in records)
    collapsed = sum(r.state == "complete" and r.rungs[-1].collapsed for r in records)
    reliability = [rung for score in SCORES for rung in reliability_of(opened, score)]
    if as_json:
        told: dict[str, Any] = {
            "identity": opened.identity.to_plain(),
            "version": opened.version,
            "members": there.members,
            "trained": there.trained,
            "with_seeds": there.with_seeds,
            "whole": there.whole,
            "diverged": diverged,
            "collapsed": collapsed,
            "machines": opened.machines,
            "reliability": [asdict(r) for r in reliability],
        }
        print(json.dumps(told))
        return
    identity = opened.identity
    say(f"{opened.name}: {'whole' if there.whole else 'not whole'}, {there}")
    say(f"space {identity.space} with {identity.stages} cells, made by autogan {opened.version}")
    say(f"data {identity.data[:16]}, judge {identity.judge}, code {identity.code[:16]}")
    say(f"{len(records):,} trainings: {diverged} diverged, {collapsed} collapsed")
    for machine in opened.machines:
        of_it = sum(r.machine == machine for r in records)
        say(f"{of_it:,} trained on {machine}")
    if len(opened.machines) > 1:
        say("seconds and latencies compare only within one machine; simulated times mix them")
    if not reliability:
        return
    say(
        f"one training: the share of the variance that is the architecture's, and how two seeds agree (τ), "
        f"on test latents; {reliability[-1].seeds} seeds"
    )
    lines = Lines("score", "steps", "share", "τ", "architectures")
    for rung in reliability:
        share = "–" if rung.share is None else f"{rung.share:.2f}"
        figures = (share, f"{rung.agreement:.2f}", str(rung.architectures))
        lines.add_row(rung.score.replace("_", " "), f"{rung.steps:,}", *figures)
    tables.print(lines)


@table_app.command()
def merge(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The new file.")],
    shards: Annotated[list[Path], typer.Argument(metavar="TABLE...", help="What is merged.")],
) -> None:
    """One table of several shards, which are checked first; all must be of one recipe and one code.

    Example: [bold]autogan table merge bench.sqlite3 shard-1.sqlite3 shard-2.sqlite3[/]
    """
    from autogan.trials.table import Table
    from autogan.trials.table_merge import merge as merge_files

    refuse_unwritable(out, "OUT")
    merge_files(out, shards)
    say(f"{out}: {Table.open(out).completeness}")


@table_app.command()
def check(table: KnownTable = None) -> None:
    """Check that a table's file is, number for number, what was written to it; exit code 2 where not.

    Example: [bold]autogan table check[/]
    """
    from autogan.trials.table import Table
    from autogan.trials.table_file import GAN_BENCH
    from autogan.trials.table_merge import check as check_file

    check_file(table or GAN_BENCH)
    opened = Table.open(table or GAN_BENCH)
    say(f"{opened.name}: sound, {opened.completeness}")


@app.command("compare-strategies", rich_help_panel=INGREDIENTS)
def compare_strategies(
    table: KnownTable = None,
    strategies: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="What is compared with random: evolution, local-search, tpe, nsga2, reinforce, gp; each "
            "also with +halving. All but gp where left out.",
        ),
    ] = None,
    score: Annotated[
        str,
        typer.Option(
            help="What is searched by and judged by: frechet_distance, kernel_distance, inception_score, "
            "precision or recall."
        ),
    ] = "frechet_distance",
    seeds: Annotated[int, typer.Option(help="Searches with each strategy, 20 or more.")] = 100,
    trainings: Annotated[
        float, typer.Option(help="Time of a search, in average whole trainings.")
    ] = 50,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one for each processor where left out.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the figure, the table and all regrets.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare search strategies on a whole table: equal simulated time, many seeds, tests of significance.

    Example: [bold]autogan compare-strategies --score inception_score --out comparison[/]
    """
    from autogan.trials.comparison import DEFAULT, compare
    from autogan.trials.table_file import GAN_BENCH
    from autogan.trials.table_values import known_score

    if out is not None:
        refuse_unwritable(out, "--out")
    names = DEFAULT if strategies is None else tuple(strategies.split(","))
    with notes.status("searching"):
        comparison = compare(
            table or GAN_BENCH, names, known_score(score), seeds, trainings, workers
        )
    if out is not None:
        from autogan.trials.comparison_files import write_comparison

        write_comparison(comparison, out)
        notes.print(f"figure, table and regrets: {out}", highlight=False, soft_wrap=True)
    if as_json:
        print(json.dumps(asdict(comparison)))
        return
    from autogan.trials.comparison_files import COLUMNS, introduction, rows

    say(introduction(comparison))
    lines = Lines(*COLUMNS)
    for row in rows(comparison):
        lines.add_row(*row)
    tables.print(lines)
