"""The checkpoints of a run: numbered states of its parts, each with what belongs to it.

A file is named PART-NUMBER.safetensors; numbers count over all parts, so that the highest is the
newest. Beside the state each says where the part stands, how long the log was, and the settings.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from autogan.basics.errors import UserError
from autogan.files.storage import DamagedFile, check_tree, load_tree, read_about, save_tree
from autogan.runs.file_names import CHECKPOINTS, checkpoint_files, checkpoint_number
from autogan.runs.journal import Journal
from autogan.runs.locking import FolderLock
from autogan.settings.resume_rules import refuse_changes
from autogan.settings.sections import Settings

KEPT_CHECKPOINTS = 2
"""Of each part."""


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
    if (folder / CHECKPOINTS / "log.json").exists():
        raise UserError(
            f"The run in {folder} is of an older version of autogan, whose checkpoints this one does "
            "not read. Go on with that version, or begin a new run."
        )


class Checkpoints:
    """The checkpoints of an open run, beside its journal.

    Each holds the state of its part, and how long the journal was: going back to one takes back
    everything after it.
    """

    def __init__(
        self, folder: Path, settings: Settings, journal: Journal, held: FolderLock
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._journal = journal
        self._held = held
        self.last_saved = time.monotonic()
        """When the newest was stored, or the run was opened; of the monotonic clock."""
        self.after_saving: Callable[[], None] | None = None
        """Called after every one, when the folder tells a whole story again."""

    def save(
        self, part: str, state: dict[str, Any], position: dict[str, Any] | None = None
    ) -> None:
        """Stores a state of `part`, and where that is in few numbers; its oldest ones go.

        Raises `FolderLost` where the folder is not the locked one any more.
        """
        self._held.check()
        (self._folder / CHECKPOINTS).mkdir(exist_ok=True)
        every = checkpoint_files(self._folder)
        number = 1 + (checkpoint_number(every[-1]) if every else 0)
        about = {
            "position": position or {},
            "log_bytes": self._journal.flush(),
            "settings": self._settings.model_dump(mode="json"),
        }
        save_tree(self._folder / CHECKPOINTS / f"{part}-{number:08d}.safetensors", state, about)
        for old in checkpoint_files(self._folder, part)[:-KEPT_CHECKPOINTS]:
            old.unlink()
        self.last_saved = time.monotonic()
        if self.after_saving is not None:
            self.after_saving()

    def load(self, part: str) -> dict[str, Any] | None:
        """The newest state of `part`, or None."""
        return load_checkpoint(self._folder, part)

    def position(self, part: str) -> dict[str, Any] | None:
        """Where the newest state of `part` stands, or None."""
        return newest_positions(self._folder).get(part)

    def drop(self, part: str) -> None:
        """Removes the states of a part that has ended and whose result stands elsewhere."""
        for file in checkpoint_files(self._folder, part):
            file.unlink()

    def go_back_to_whole_state(self) -> None:
        """Leaves the newest states that are whole, and the lines of the journal that were there then.

        Raises `UserError` where they were made with other settings, or by an older version.
        """
        go_back_to_whole_state(self._folder, self._settings)
        self.cut_journal()

    def cut_journal(self) -> None:
        """Takes out of the journal what came after the newest checkpoint."""
        every = checkpoint_files(self._folder)
        self._journal.cut(int(read_about(every[-1])["log_bytes"]) if every else 0)


def load_checkpoint(folder: Path, part: str) -> dict[str, Any] | None:
    """The newest state of `part`, or None."""
    saved = checkpoint_files(folder, part)
    return load_tree(saved[-1]) if saved else None


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
            if checkpoint_number(file) > checkpoint_number(damaged):
                file.unlink()
        damaged.rename(damaged.with_name(damaged.name + ".damaged"))


def _damages(folder: Path, settings: Settings) -> Iterator[tuple[Path, str]]:
    """Those of the newest states that are damaged, and what is wrong with them; the oldest first."""
    for file in sorted(_newest(folder).values(), key=checkpoint_number):
        try:
            check_tree(file)
        except DamagedFile as damage:
            yield file, str(damage)
            continue
        refuse_changes(read_about(file)["settings"], settings, f"The checkpoint {file.name}")


def _newest(folder: Path) -> dict[str, Path]:
    """The newest checkpoint of every part."""
    return {file.stem[:-9]: file for file in checkpoint_files(folder)}
