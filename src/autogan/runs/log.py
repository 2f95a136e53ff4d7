"""log.jsonl of a run's folder, read back as events. Without torch."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autogan.basics.errors import UserError
from autogan.files.texts import MOST_BYTES_OF_LOG, read_bytes
from autogan.judges.values import Scores
from autogan.runs.events import Event, Finished, read_event
from autogan.runs.file_names import LOG
from autogan.runs.outcomes import from_plain

_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Log:
    """events: the lines that are understood, in their order; left_out: how many others there are.

    damages: a sentence for every line that is not what a run writes; a kind of line that a newer
    version may know is none. no_json: what is wrong with the first line that is no JSON at all.
    cut_off: whether the last line is half-written, by a run at work or one that was killed.
    """

    events: tuple[Event, ...] = ()
    left_out: int = 0
    damages: tuple[str, ...] = ()
    no_json: str | None = None
    cut_off: bool = False


def read_log(folder: Path) -> Log:
    """Reads every line; what cannot be read becomes a sentence."""
    file = folder / LOG
    if not file.is_file():
        wrong = file.exists() or file.is_symlink()
        return Log(damages=(f"{LOG} is not a regular file",), no_json="no file") if wrong else Log()
    try:
        lines = read_bytes(file, MOST_BYTES_OF_LOG).split(b"\n")
    except UserError as error:
        return Log(damages=(str(error),), no_json=str(error))
    cut_off = bool(lines.pop())
    events, damages, left_out, no_json = [], [], 0, None
    for number, line in enumerate(lines, start=1):
        event, reason = None, None
        try:
            plain = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = str(error)
            no_json = no_json or reason
        else:
            try:
                event = read_event(plain)
            except _UNREADABLE as error:
                reason = str(error)
            else:
                reason = _deviation(plain, event)
        if reason is not None:
            damages.append(f"{LOG}: line {number} is damaged: {' '.join(reason.split())}")
        if event is not None:
            events.append(event)
        elif line:
            left_out += 1
    return Log(tuple(events), left_out, tuple(damages), no_json, cut_off)


def _deviation(plain: Any, event: Event | None) -> str | None:
    """What a line that can be used lacks all the same."""
    try:
        if not plain["seconds"] >= 0:
            return "it needs an event and its seconds"
        if isinstance(event, Finished):
            from_plain(Scores, event.scores)
    except _UNREADABLE as error:
        return str(error)
    return None
