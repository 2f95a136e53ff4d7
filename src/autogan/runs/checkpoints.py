"""The checkpoints of a run: numbered states of its parts, each with what belongs to it.

A file is named PART-NUMBER.safetensors; numbers count over all parts, so that the highest is the
newest. Beside the state each says where the part stands, how long the log was, and the settings.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autogan.settings.resume_rules import refuse_changes
from autogan.settings.sections import Settings
from autogan.basics.errors import UserError
from autogan.files.storage import DamagedFile, check_tree, load_tree, read_about, save_tree

KEPT_CHECKPOINTS = 2
"""Of each part."""


def checkpoint_files(folder: Path, part: str = "*") -> list[Path]:
    """The checkpoints of a part of the run in `folder`, or of all parts, the oldest first."""
    files = (folder / "checkpoints").glob(f"{part}-????????.safetensors")
    return sorted(files, key=_number)


def newest_positions(folder: Path) -> dict[str, dict[str, Any]]:
    """Where the newest state of every part of the run in `folder` stands.

    Raises `UserError` where one is damaged, or of an older version.
    """
    _refuse_older(folder)
    try:
        return {part: read_about(file)["position"] for part, file in _newest(folder).items()}
    except FileNotFoundError:  # the run is at work, and a newer one has taken its place
        return newest_positions(folder)
    except DamagedFile as damage:
        raise UserError(
            f"{damage} Going on with the run takes the newest one before it that is whole, or begins "
            "that part anew where there is none."
        ) from None


def _refuse_older(folder: Path) -> None:
    if (folder / "checkpoints" / "log.json").exists():
        raise UserError(
            f"The run in {folder} is of an older version of autogan, whose checkpoints this one does "
            "not read. Go on with that version, or begin a new run."
        )


def save_checkpoint(
    folder: Path,
    part: str,
    state: dict[str, Any],
    *,
    position: dict[str, Any],
    log_bytes: int,
    settings: Settings,
) -> None:
    """Stores a state of a part; its oldest ones, but for KEPT_CHECKPOINTS, go."""
    every = checkpoint_files(folder)
    number = 1 + (_number(every[-1]) if every else 0)
    about = {
        "position": position,
        "log_bytes": log_bytes,
        "settings": settings.model_dump(mode="json"),
    }
    save_tree(folder / "checkpoints" / f"{part}-{number:08d}.safetensors", state, about)
    for old in checkpoint_files(folder, part)[:-KEPT_CHECKPOINTS]:
        old.unlink()


def load_checkpoint(folder: Path, part: str) -> dict[str, Any] | None:
    """The newest state of `part`, or None."""
    saved = checkpoint_files(folder, part)
    return load_tree(saved[-1]) if saved else None


def known_log_bytes(folder: Path) -> int:
    """How long the log was when the newest state of all was stored."""
    every = checkpoint_files(folder)
    return int(read_about(every[-1])["log_bytes"]) if every else 0


def go_back_to_whole_state(folder: Path, settings: Settings) -> None:
    """Leaves the newest states that are whole, with nothing that came after a damaged one.

    Raises `UserError` where they were made with other settings, or by an older version.
    """
    _refuse_older(folder)
    while (damage := next(_damages(folder, settings), None)) is not None:
        damaged, reason = damage
        part = damaged.stem[:-9]
        goes_on = (
            "the run goes on from the checkpoint before it"
            if len(checkpoint_files(folder, part)) > 1
            else f"there is none before it: the part {part!r} begins anew"
        )
        warnings.warn(
            f"{reason} It is set aside as {damaged.name}.damaged, and {goes_on}.", stacklevel=4
        )
        for file in checkpoint_files(folder):
            if _number(file) > _number(damaged):
                file.unlink()
        damaged.rename(damaged.with_name(damaged.name + ".damaged"))


def _damages(folder: Path, settings: Settings) -> Iterator[tuple[Path, str]]:
    """Those of the newest states that are damaged, and what is wrong with them; the oldest first."""
    for file in sorted(_newest(folder).values(), key=_number):
        try:
            check_tree(file)
        except DamagedFile as damage:
            yield file, str(damage)
            continue
        refuse_changes(read_about(file)["settings"], settings, f"The checkpoint {file.name}")


def _newest(folder: Path) -> dict[str, Path]:
    """The newest checkpoint of every part."""
    return {file.stem[:-9]: file for file in checkpoint_files(folder)}


def _number(checkpoint: Path) -> int:
    return int(checkpoint.stem[-8:])
