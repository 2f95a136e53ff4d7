"""The command that tells where a run is: status."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autogan.cli.common import RUNS, Json, app, naming_damage
from autogan.cli.console import say

if TYPE_CHECKING:
    from autogan.runs.status import Status


@app.command(rich_help_panel=RUNS)
def status(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    as_json: Json = False,
) -> None:
    """Where a running or stopped run is, what is left of it, and how to go on.

    Example: [bold]autogan status runs/first[/]
    """
    from autogan.runs.seeds import holds_seeds
    from autogan.runs.status import status_of

    if holds_seeds(folder):
        _status_of_seeds(folder, as_json)
        return
    with naming_damage(folder):
        found = status_of(folder)
    if as_json:
        print(json.dumps(asdict(found)))
    else:
        _tell(found)


def _status_of_seeds(folder: Path, as_json: bool) -> None:
    """That of each run in turn."""
    from autogan.runs.file_names import CONFIG
    from autogan.runs.seeds import folder_of_seed, read_seeds
    from autogan.runs.status import status_of

    found: dict[int, Status | None] = {}
    for seed in read_seeds(folder).seeds:
        run = folder_of_seed(folder, seed)
        begun = (run / CONFIG).is_file()
        with naming_damage(run):
            found[seed] = status_of(run) if begun else None
    if as_json:
        print(json.dumps({seed: one and asdict(one) for seed, one in found.items()}))
        return
    for seed, one in found.items():
        say(f"seed {seed}:" if one else f"seed {seed}: not begun")
        if one is not None:
            _tell(one)


def _tell(found: "Status") -> None:
    from autogan.basics.formatting import duration
    from autogan.strategies.words import STRATEGIES_IN_WORDS

    where = f": {found.position}" if found.position else ""
    say(f"{found.part}{where}")
    if found.strategy is not None:
        say(f"strategy {found.strategy}: {STRATEGIES_IN_WORDS[found.strategy].sentence}")
    if found.limits:
        say(f"limits: {found.limits}")
    say(f"trains with: {found.trains_with}")
    if found.share is not None:
        say(f"done and kept: {found.share:.0%} of the computing of the whole run")
    if found.kept:
        say(f"going on starts from: {found.kept}")
    say(f"left: {', '.join(found.left) or 'nothing'}")
    since = duration(found.seconds_since_write)
    state = "running" if found.running else "finished" if found.part == "finished" else "stopped"
    say(f"{state}; last wrote {since} ago")
    if found.next_command and not found.running:
        say(f"go on: {found.next_command}")
    elif found.left and not found.running:
        say("go on: with the command that made it, and --resume; this run does not say which")
