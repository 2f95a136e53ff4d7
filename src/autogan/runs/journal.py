"""The journal of a run: log.jsonl, one event a line, and the TensorBoard curves drawn from it."""

import json
import os
import shutil
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from autogan.runs.events import Event
from autogan.runs.file_names import CURVES, LOG
from autogan.runs.locking import FolderLock
from autogan.runs.tensorboard import points_of
from autogan.settings.sections import Settings

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class Journal:
    """An open journal, to which events are added at the end.

    Going back to a checkpoint takes out the lines that came after it, because what they tell of is
    done again. Curves hold what the lines hold: where lines were taken out they are drawn anew.
    """

    def __init__(self, folder: Path, settings: Settings, held: FolderLock) -> None:
        self._folder = folder
        self._settings = settings
        self._held = held
        # Unbuffered: what could not be written is not tried again behind our back.
        self._file = (folder / LOG).open("ab", buffering=0)
        self._curves: SummaryWriter | None = None
        self._curves_are_whole = True
        self._opened = time.monotonic()

    def log(self, event: Event) -> None:
        """Adds one line, with the seconds since the journal was opened, and its points.

        Raises `FolderLost` where the folder is not the locked one any more.
        """
        self._held.check()
        seconds = round(time.monotonic() - self._opened, 3)
        line = {"event": event.name, "seconds": seconds, **event.fields()}
        text = (json.dumps(line) + "\n").encode()
        while text:
            text = text[self._file.write(text) :]
        if not self._curves_are_whole:
            self._redraw_curves()  # this line's points with all others
            return
        for point in points_of(line, self._settings):
            self.curve(*point)

    def curve(self, name: str, value: float, step: int) -> None:
        """Adds one point to a TensorBoard curve."""
        if self._curves is None:
            from torch.utils.tensorboard import SummaryWriter  # takes a second: only when used

            (self._folder / CURVES).mkdir(exist_ok=True)  # itself it makes all folders above
            self._curves = SummaryWriter(str(self._folder / CURVES))
        self._curves.add_scalar(name, value, step)

    def flush(self) -> int:
        """Waits until every line is on the disk; the length of the journal in bytes."""
        os.fsync(self._file.fileno())
        return self._file.tell()

    def cut(self, known_bytes: int) -> None:
        """Takes out what came after the first `known_bytes`."""
        end = self._file.seek(0, os.SEEK_END)
        if end < known_bytes:
            warnings.warn(
                f"log.jsonl in {self._folder} has lost lines: {end} of {known_bytes} bytes are there. "
                "The run goes on without them; its results do not depend on the log.",
                stacklevel=4,
            )
        self._file.truncate(min(end, known_bytes))
        self._file.seek(0, os.SEEK_END)
        self._curves_are_whole = False

    def _redraw_curves(self) -> None:
        """Draws all curves anew from the lines: after a kill or a step back they are not its own."""
        self._held.check()
        self._curves_are_whole = True
        if self._curves is not None:
            self._curves.close()
            self._curves = None
        shutil.rmtree(self._folder / CURVES, ignore_errors=True)
        damaged = 0
        with (self._folder / LOG).open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    points = list(points_of(json.loads(line), self._settings))
                except (ValueError, KeyError, TypeError, AttributeError):
                    damaged += 1
                    continue
                for point in points:
                    self.curve(*point)
        if damaged:
            warnings.warn(
                f"{damaged} damaged lines of log.jsonl in {self._folder} are left out of the curves. "
                "The run's results do not depend on the log.",
                stacklevel=3,
            )

    def close_curves(self) -> None:
        """Writes the curves out: nothing more will come, or not for long."""
        if not self._curves_are_whole and (self._folder / CURVES).exists():
            self._redraw_curves()
        if self._curves is not None:
            self._curves.close()
            self._curves = None

    def close(self) -> None:
        """Writes the curves out and closes the file."""
        try:
            self.close_curves()
        finally:
            self._file.close()
