"""The command that measures how fast this machine is: bench."""

import json
from typing import Annotated, Any

import typer

from autogan.cli.common import INGREDIENTS, Json, app
from autogan.cli.console import notes, tables


@app.command(rich_help_panel=INGREDIENTS)
def bench(
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1.")] = "auto",
    precision: Annotated[
        str, typer.Option("--precision", help="auto, float32, bfloat16: of the fast path.")
    ] = "auto",
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, help="Time spent on each measurement.")
    ] = 20.0,
    growth: Annotated[
        bool, typer.Option("--growth", help="Also how cost grows with width and resolution.")
    ] = False,
    only: Annotated[
        str, typer.Option("--only", help="Only the measurements whose names hold this text.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Time every hot step, the plain way of computing it against the fast one, side by side.

    Example: [bold]autogan bench --seconds 5 --only "search step"[/]
    """
    from autogan.settings.loading import load_settings

    given = load_settings(changes={"compute": {"device": device, "precision": precision}}).compute

    from autogan.bench.suite import run_suite
    from autogan.settings.decided import decide_compute

    def note(text: str) -> None:
        notes.print(f"Measuring: {text}", highlight=False)

    measured = run_suite(decide_compute(given), seconds, growth, note, only)
    if as_json:
        print(json.dumps(measured))
    else:
        _print(measured)


def _print(measured: dict[str, Any]) -> None:
    from rich.table import Table

    machine = measured["machine"]
    table = Table(
        title=f"{machine['gpu'] or machine['processor']}, {machine['compute']}, "
        f"{machine['threads']} threads, torch {machine['torch']}; medians (quartiles)"
    )
    columns = ("", "ms of one", "plain", "fast", "times faster", "images/s", "of matrix peak")
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    for case in measured["cases"]:
        ways = case["ways"]
        table.add_row(
            case["name"],
            case["milliseconds_of"],
            _milliseconds(ways["plain"]) if "plain" in ways else "–",
            _milliseconds(ways["fast"]),
            f"{case['times_faster']:.2f}" if "times_faster" in case else "–",
            f"{case['images_per_second']:,.0f}",
            f"{case['share_of_matrix_peak']:.0%}",
        )
    tables.print(table)
    for case in measured["cases"]:
        if direct := case["ways"].get("fast, not captured"):
            tables.print(
                f"{case['name']}, not captured: {_milliseconds(direct)} ms", highlight=False
            )
    told = [f"Matrix peak: {measured['matrix_peak_gflops']:,.0f} GFLOP/s"]
    if memory := measured.get("search_peak_memory_mib"):
        told.append(f"search at the paper's widths: {memory:,} MiB at its peak")
    tables.print(" · ".join(told), highlight=False)
    for what, taken in measured.get("start_up_seconds", {}).items():
        tables.print(f"{what}: {taken:.2f} s", highlight=False)
    if loading := measured.get("loading"):
        tables.print(
            f"{loading['images']:,} image files: {loading['first_seconds']:.2f} s at first "
            f"({loading['first_images_per_second']:,.0f} images/s), "
            f"{loading['later_seconds']:.2f} s later; shuffled batches "
            f"{loading['batch_images_per_second']:,.0f} images/s",
            highlight=False,
        )
    for point in measured.get("growth", []):
        tables.print(
            f"{point['axis']} {point['value']}: {point['median_ms']:.0f} ms, "
            f"{point['floating_point_operations'] / 1e9:.1f} GFLOP",
            highlight=False,
        )


def _milliseconds(timing: dict[str, float]) -> str:
    return (
        f"{timing['median_ms']:,.0f} ({timing['lower_quartile_ms']:,.0f}–"
        f"{timing['upper_quartile_ms']:,.0f})"
    )
