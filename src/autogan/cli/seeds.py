"""The same command with several seeds, one run after the other or side by side: --seeds."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autogan.basics.errors import UserError
from autogan.cli.console import notes, tables
from autogan.device.torchrun import started_count
from autogan.runs.file_names import ARCHITECTURES, RESULTS

if TYPE_CHECKING:
    from autogan.report.seeds import SeedRuns, Spread
    from autogan.runs.task import Task
    from autogan.settings.sections import Settings

MOST_SEEDS = 1000

SeedCount = Annotated[
    int | None,
    typer.Option(
        "--seeds",
        min=1,
        max=MOST_SEEDS,
        help="Do it with so many seeds, each in a folder of its own below --out: mean and spread of the "
        "scores.",
    ),
]
SideBySide = Annotated[
    int,
    typer.Option(
        "--side-by-side", min=1, max=MOST_SEEDS, help="How many of --seeds run at the same time."
    ),
]


def seeds_wanted(count: int | None, side_by_side: int, resume: bool, out: Path | None) -> bool:
    """Whether a command is done with several seeds: they are asked for, or those of --out go on."""
    if count is not None:
        return True
    if resume and out is not None:
        # It loads torch, which a refusal of images need not wait for.
        from autogan.runs.seeds import holds_seeds

        if holds_seeds(out):
            return True
    if side_by_side > 1:
        raise UserError("--side-by-side is of several seeds: add --seeds.")
    return False


def several(
    task: "Task",
    settings: "Settings",
    folder: Path,
    count: int | None,
    side_by_side: int,
    resume: bool,
    time_limit_seconds: float | None,
    as_json: bool,
) -> None:
    """Does a task with several seeds, and shows mean and spread.

    Where one fails no other is begun, and the code of the failure is ours.
    """
    if started_count() > 1:
        raise UserError("--seeds begins processes by itself: give it without torchrun.")
    from autogan.report.seeds import write_seed_report
    from autogan.runs.environment import settings_seen_from
    from autogan.runs.seed_processes import SeedProcesses
    from autogan.runs.seeds import (
        begin_seeds,
        discard_seeds,
        log_of_seed,
        resume_seeds,
        with_judge_of,
    )
    from autogan.runs.stopping import Stopped, Stopping

    settings = settings_seen_from(str(Path.cwd()), settings)  # it may go on from elsewhere
    made: list[Path] = []
    if resume:
        settings = with_judge_of(folder, settings)
        seeds = resume_seeds(folder, task, settings, count)
    else:
        assert count is not None, "given unless it is resumed"
        seeds, made = begin_seeds(folder, task, settings, count)
    stopping = Stopping()
    again = f"{task.resume_command(folder)} --seeds {len(seeds.seeds)}"
    if side_by_side > 1:
        again += f" --side-by-side {side_by_side}"
    waiting = [seed for seed in seeds.seeds if not _has_ended(folder, task, settings, seed)]
    runs = SeedProcesses(task, folder, waiting, side_by_side, as_json, _say)
    try:
        with stopping.listening(time_limit_seconds):
            runs.do(stopping)
    except Stopped as stop:
        _say(f"Stopped by {stop.reason}. Go on with: {again}")
        raise SystemExit(stop.exit_code) from None
    finally:
        found = write_seed_report(folder)
    if runs.failed is not None:
        said = f"Seed {runs.failed.seed} failed; {runs.failed.said}"
        if found.columns or resume:
            logs = f" Its log: {log_of_seed(folder, runs.failed.seed)}." * (side_by_side > 1)
            _say(f"{said}{logs} Go on with: {again}")
        else:  # what was given cannot be used: no run has begun
            _say(said)
            discard_seeds(folder, seeds, made)
        raise SystemExit(runs.failed.code)
    if as_json:
        print(json.dumps({"seeds": seeds.seeds, **found.to_plain()}))
        return
    _show(found)


def _has_ended(folder: Path, task: "Task", settings: "Settings", seed: int) -> bool:
    """Whether the run with this seed is whole, which is said."""
    from autogan.cli.opening import ended
    from autogan.runs.seeds import folder_of_seed

    result = ARCHITECTURES if task.command == "search" else RESULTS
    own = settings.model_copy(update={"seed": seed})
    return ended(folder_of_seed(folder, seed), task, own, result)


def _show(found: "SeedRuns") -> None:
    from rich.table import Table
    from rich.text import Text

    from autogan.runs.file_names import REPORT

    table = Table("seed", "architecture")
    for column, seed in zip(found.columns, found.seeds.seeds, strict=True):
        table.add_row(str(seed), Text(column.found.text or "–", overflow="fold"))
    tables.print(table)
    if found.scores:
        show_spreads(found.scores, found.scored, found.comparison.groups[0].judge)
    if found.comparison.caution:
        notes.print(found.comparison.caution)
    _say(f"report: {found.folder / REPORT}")


def show_spreads(scores: "dict[str, Spread]", count: int, judge: str) -> None:
    """A table of means with their deviations."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(f"Mean and standard deviation of {count} seeds, judge {judge}"))
    for name in ("", "mean ± deviation", "lowest", "highest", "better is"):
        table.add_column(name, justify="right" if name else "left")
    for score in scores.values():
        ends = (f"{end(score.values):.4g}" for end in (min, max))
        table.add_row(score.name, str(score), *ends, score.better)
    tables.print(table)


def _say(text: str) -> None:
    notes.print(text, highlight=False, markup=False, soft_wrap=True)
