"""The command that tells whether a run's folder can be trusted: verify."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from autogan.cli.common import RUNS, Json, app, shown_progress
from autogan.cli.console import say


@app.command(rich_help_panel=RUNS)
def verify(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    recompute: Annotated[
        bool,
        typer.Option(
            "--recompute", help="Compute the scores again too; needs the run's data, takes longer."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check a run's folder: files, checksums, settings against weights, history against outcome.

    Exit code 0: sound. 1: not sound, and every problem is named.

    Example: [bold]autogan verify runs/first --recompute[/]
    """
    from autogan.verify import recompute as recomputed
    from autogan.verify import verify as verify_folder

    found = verify_folder(folder)
    if not recompute:
        found.notes.append("Scores were not recomputed; --recompute does it.")
    elif not found.sound:
        found.notes.append("Scores were not recomputed: the files must be sound first.")
    else:
        with shown_progress(f"verify {folder}") as progress:
            found.problems.extend(recomputed(folder, progress))
        found.checked.append("scores, recomputed")
    if as_json:
        print(json.dumps({"sound": found.sound, **asdict(found)}))
    else:
        for problem in found.problems:
            say(f"problem: {problem}")
        for note in found.notes:
            say(f"note: {note}")
        count = len(found.problems)
        verdict = "sound" if found.sound else f"not sound: {count} problem{'s' * (count > 1)}"
        say(f"{folder}: {verdict} ({len(found.checked)} files and parts checked)")
    if not found.sound:
        raise typer.Exit(1)
