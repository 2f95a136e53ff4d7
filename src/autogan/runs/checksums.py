"""checksums.json: the sha256 of every file of a run that came to its end (docs/run-folder.md)."""

import hashlib
import json
from pathlib import Path
from typing import Any

from autogan.files.texts import MOST_BYTES_OF_RESULTS, read_text
from autogan.runs.file_names import CHECKSUMS, DATABASE, LOCK, TRIAL_FOLDERS, WORKER_LOGS

_NOT_LISTED = (CHECKSUMS, LOCK)
_OF_THEIR_OWN = (DATABASE, f"{TRIAL_FOLDERS}/", f"{WORKER_LOGS}/")
"""How names begin of what goes on changing: a database keeps itself whole, a trial is its own run."""


def write_checksums(folder: Path) -> None:
    """Writes down what every file of the folder holds now. Hidden files are nobody's result."""
    from autogan.files.storage import write_json  # brings torch, which readers do without

    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    names = (file.relative_to(folder).as_posix() for file in files)
    listed = [name for name in names if _is_listed(name)]
    write_json(folder / CHECKSUMS, {name: _sha256(folder / name) for name in listed})


def renew_checksum(folder: Path, name: str) -> None:
    """Takes over one file that was made anew, where the run has checksums."""
    if (folder / CHECKSUMS).is_file():
        from autogan.files.storage import write_json

        write_json(folder / CHECKSUMS, {**_read(folder), name: _sha256(folder / name)})


def changed_files(folder: Path, beginning: str | tuple[str, ...] = "") -> list[str]:
    """A sentence for each file that is missing or holds something else than was written down.

    beginning: how the names of those begin that are looked at; by default all.

    Raises `ValueError` where checksums.json itself is damaged.
    """
    sentences = []
    for name, expected in _read(folder).items():
        if not name.startswith(beginning):
            continue
        file = folder / name
        if not file.is_file():
            sentences.append(f"{name} is missing")
        elif _sha256(file) != expected:
            sentences.append(f"{name} does not match its checksum: it was changed or damaged")
    return sentences


def _read(folder: Path) -> dict[str, str]:
    content: Any = json.loads(read_text(folder / CHECKSUMS, MOST_BYTES_OF_RESULTS))
    if not isinstance(content, dict) or not all(isinstance(v, str) for v in content.values()):
        raise ValueError("it does not hold a checksum for each file")
    return content


def _is_listed(name: str) -> bool:
    return not (name in _NOT_LISTED or name.startswith(_OF_THEIR_OWN) or _is_hidden(name))


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
