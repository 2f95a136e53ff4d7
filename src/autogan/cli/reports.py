"""The commands that show what runs did: report and compare."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from autogan.cli.common import RUNS, Json, app, naming_damage, refuse_unwritable
from autogan.cli.console import notes, tables


@app.command(rich_help_panel=RUNS)
def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, in any state.")],
) -> None:
    """Draw RUN/report.html anew from what the run's folder holds.

    Example: [bold]autogan report runs/first[/]
    """
    from autogan.report.page import write_report
    from autogan.runs.checksums import renew_checksum
    from autogan.runs.file_names import REPORT

    with naming_damage(folder):
        path = write_report(folder)
        renew_checksum(folder, REPORT)
    notes.print(f"report: {path}", highlight=False, markup=False, soft_wrap=True)


@app.command(rich_help_panel=RUNS)
def compare(
    folders: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN…", help="Folders of two runs or more.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="HTML page to write, with diagrams and samples.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put runs side by side: one table for each judge, data set and protocol.

    Example: [bold]autogan compare runs/first runs/second --out comparison.html[/]
    """
    if out is not None:
        refuse_unwritable(out, "--out")
    with naming_damage(*folders):
        _compare(folders, out, as_json)


def _compare(folders: list[Path], out: Path | None, as_json: bool) -> None:
    from autogan.report.compare import compare as compare_runs
    from autogan.report.compare import comparison_page

    comparison = compare_runs(folders)
    if out is not None:
        from autogan.files.storage import make_folder_of, write_text

        make_folder_of(out)
        write_text(out, comparison_page(comparison))
        notes.print(f"page: {out}", highlight=False, markup=False, soft_wrap=True)
    if as_json:
        print(json.dumps(comparison.to_dict()))
        return
    for group in comparison.groups:
        title = f"{group.data}, judge {group.judge}: {group.terms}"
        table = Table("", title=Text(title))
        for column in group.columns:
            table.add_column(Text(column.title))
        for name, values, best in group.rows():
            styles = ["bold" if b and len(values) > 1 else "" for b in best]
            cells = [Text(v, style) for v, style in zip(values, styles, strict=True)]
            table.add_row(name, *cells)
        for name, values in group.facts():
            table.add_row(name, *(Text(value, overflow="fold") for value in values))
        tables.print(table)
    if comparison.caution:
        notes.print(comparison.caution)
    for column in comparison.without_scores:
        problems = " ".join(column.record.problems) or "It has not been evaluated yet."
        notes.print(f"{column.title}: no scores. {problems}", highlight=False, markup=False)
