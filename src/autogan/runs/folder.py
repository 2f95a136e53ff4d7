"""A run is a folder, and everything later reads only the folder (docs/run-folder.md).

config.yaml         task, resolved settings and what they ran on, written before the first step
data.json           what the run learns from, written once it is loaded
log.jsonl           one JSON object a line: losses, children, stages, resets
tensorboard/        the same figures as curves
checkpoints/        the latest states, two of each part
lock                locked by the process that is at work here
"""

import contextlib
import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import yaml

from autogan.basics.errors import Diverged, UserError
from autogan.files.storage import remove_unfinished, write_json, write_text
from autogan.runs import checkpoints
from autogan.runs.checksums import CHECKSUMS, write_checksums
from autogan.runs.config import read_config, read_settings
from autogan.runs.contents import read_json
from autogan.runs.environment import environment, warn_of_other_machine
from autogan.runs.locking import LOCK, lock
from autogan.runs.stopping import Stopped, Stopping
from autogan.runs.task import Task
from autogan.runs.tensorboard import points_of
from autogan.settings.resume_rules import refuse_changes
from autogan.settings.sections import Settings

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

MOST_ROLL_BACKS = 3
"""How often a part goes back to its last good checkpoint because training diverged."""


@contextlib.contextmanager
def _closed_after_an_error(handle: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.close(handle)
        raise


class Kept(Protocol):
    """Long work whose states a run keeps (`Run.carry`); between two of its steps its state is whole."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""

    def position(self) -> dict[str, Any]:
        """Where the work stands, in few numbers, for `autogan status`."""

    def refuse_non_finite(self) -> None:
        """Raises `Diverged` where the state is not worth keeping."""

    def reseed(self, attempt: int) -> None:
        """Other random numbers from here on: with the same ones, training would diverge again."""


class Run:
    """An open run folder, locked: its settings, its log, its checkpoints.

    Made by `Run.create` (a new folder) or `Run.resume` (one that holds a run).

    Checkpoints are numbered over all parts of the run. Each holds the state of its part, and how long
    the log was: going back to one takes back everything after it.
    """

    def __init__(self, folder: Path, settings: Settings, lock_handle: int) -> None:
        self.folder = folder
        self.settings = settings
        self.stopping = Stopping()
        self._lock = lock_handle
        # Unbuffered: what could not be written is not tried again behind our back.
        self._log = (folder / "log.jsonl").open("ab", buffering=0)
        self._tensorboard: SummaryWriter | None = None
        self._curves_are_whole = True
        self._opened = time.monotonic()
        self._last_kept = time.monotonic()
        self._work: tuple[str, Kept] | None = None
        self.after_checkpoint: Callable[[], None] | None = None
        """Called after every checkpoint, when the folder tells a whole story again."""

    @classmethod
    def create(cls, folder: Path, settings: Settings, task: Task | None = None) -> Self:
        """Makes the folder and writes config.yaml; refuses a folder that already holds something.

        task: what the run is for; the whole method where it is left out.
        """
        refuse_used_folder(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"Cannot make the run folder {folder}: {error.strerror}.") from None
        lock_handle = lock(folder)
        with _closed_after_an_error(lock_handle):
            refuse_used_folder(folder)  # another process may have been faster
            described = {
                "task": asdict(task or Task()),
                "settings": settings.model_dump(mode="json"),
                "environment": environment(settings.compute.device),
            }
            _write_config(folder, described)
            return cls(folder, settings, lock_handle)

    @classmethod
    def resume(cls, folder: Path, settings: Settings | None = None) -> Self:
        """Opens a folder that holds a run, as its newest whole checkpoint left it.

        settings: the run's own where left out; raises `UserError` where they are not the run's but
        for harmless ones. Lines logged after the checkpoint are taken out of the log, because what
        they tell of is done again.
        """
        described = read_config(folder).described
        settings = settings or read_settings(folder)
        refuse_changes(described["settings"], settings, f"The run in {folder}")
        lock_handle = lock(folder)
        with _closed_after_an_error(lock_handle):
            remove_unfinished(folder)
            (folder / CHECKSUMS).unlink(missing_ok=True)  # they are of what stands at the end
            run = cls(folder, settings, lock_handle)
        try:
            checkpoints.go_back_to_whole_state(folder, settings)
            run._cut_log()
        except BaseException:
            run.close()
            raise
        warn_of_other_machine(described.get("environment", {}), settings.compute.device)
        if described["settings"] != settings.model_dump(mode="json"):
            _write_config(folder, {**described, "settings": settings.model_dump(mode="json")})
        return run

    def log(self, event: str, **fields: Any) -> None:
        """Appends one line to log.jsonl, with the seconds since the run was opened, and its curves."""
        seconds = round(time.monotonic() - self._opened, 3)
        line = {"event": event, "seconds": seconds, **fields}
        text = (json.dumps(line) + "\n").encode()
        while text:
            text = text[self._log.write(text) :]
        if not self._curves_are_whole:
            self._redraw_curves()  # this line's points with all others
            return
        for point in points_of(line, self.settings):
            self.curve(*point)

    def curve(self, name: str, value: float, step: int) -> None:
        """Adds one point to a TensorBoard curve."""
        if self._tensorboard is None:
            from torch.utils.tensorboard import SummaryWriter  # takes a second: only when used

            self._tensorboard = SummaryWriter(str(self.folder / "tensorboard"))
        self._tensorboard.add_scalar(name, value, step)

    def _redraw_curves(self) -> None:
        """Draws all curves anew from the log: after a kill or a step back they are not its own."""
        self._curves_are_whole = True
        if self._tensorboard is not None:
            self._tensorboard.close()
            self._tensorboard = None
        shutil.rmtree(self.folder / "tensorboard", ignore_errors=True)
        damaged = 0
        with (self.folder / "log.jsonl").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    points = list(points_of(json.loads(line), self.settings))
                except (ValueError, KeyError, TypeError, AttributeError):
                    damaged += 1
                    continue
                for point in points:
                    self.curve(*point)
        if damaged:
            warnings.warn(
                f"{damaged} damaged lines of log.jsonl in {self.folder} are left out of the curves. "
                "The run's results do not depend on the log.",
                stacklevel=3,
            )

    def carry(self, part: str, work: Kept, go: Callable[[], None]) -> None:
        """Does `go`, which brings `work` to its end, from the newest state of `part` if there is one.

        Where training diverges, goes back to the newest state and on with other random numbers;
        after MOST_ROLL_BACKS times raises `Diverged`.
        """
        state = self.load_checkpoint(part)
        if state is not None:
            work.load_state_dict(state)
        for attempt in range(1, MOST_ROLL_BACKS + 2):
            try:
                with self._keeping(part, work):
                    go()
                return
            except Diverged as diverged:
                if attempt > MOST_ROLL_BACKS:
                    raise Diverged(
                        f"{diverged} It happened {attempt} times, each time from the last good "
                        "checkpoint and with other random numbers. A lower learning rate may help."
                    ) from None
                self._cut_log()
                kept = self.load_checkpoint(part)
                assert kept is not None  # keeping begins with one
                work.load_state_dict(kept)
                work.reseed(attempt)
                warnings.warn(
                    f"{diverged} Back to the last good checkpoint, {work.position()}, and on from "
                    f"there with other random numbers (attempt {attempt} of {MOST_ROLL_BACKS}).",
                    stacklevel=2,
                )
                self.log("rolled_back", part=part, attempt=attempt, reason=str(diverged))

    @contextlib.contextmanager
    def _keeping(self, part: str, work: Kept) -> Iterator[None]:
        """Inside, `step_done` keeps the state of `work`, and a request to stop leaves it kept."""
        self._work = (part, work)
        try:
            if self.position(part) is None:  # before the work, so that a full disk is noticed now
                self._keep()
            with self.stopping.in_steps():
                try:
                    yield
                except Stopped as stopped:
                    if stopped.state_is_whole:
                        self._keep()
                    raise
        finally:
            self._work = None

    def step_done(self, keep: bool = False) -> None:
        """To be called after every step inside `carry`, when the state is whole.

        Keeps the state where it is time to, or with `keep`; raises `Stopped` where the run was asked
        to stop.
        """
        waited = time.monotonic() - self._last_kept
        if self._work is None:
            return
        if keep or waited >= 60 * self.settings.checkpoint_every_minutes:
            self._keep()
        self.stopping.check()

    def _keep(self) -> None:
        assert self._work is not None
        part, work = self._work
        work.refuse_non_finite()
        self.save_checkpoint(part, work.state_dict(), work.position())

    def save_checkpoint(
        self, part: str, state: dict[str, Any], position: dict[str, Any] | None = None
    ) -> None:
        """Stores a state of `part`, and where that is in few numbers."""
        os.fsync(self._log.fileno())
        checkpoints.save_checkpoint(
            self.folder,
            part,
            state,
            position=position or {},
            log_bytes=self._log.tell(),
            settings=self.settings,
        )
        self._last_kept = time.monotonic()
        if self.after_checkpoint is not None:
            self.after_checkpoint()

    def position(self, part: str) -> dict[str, Any] | None:
        """Where the newest state of `part` stands, or None."""
        return checkpoints.newest_positions(self.folder).get(part)

    def load_checkpoint(self, part: str) -> dict[str, Any] | None:
        """The newest state of `part`, or None."""
        return checkpoints.load_checkpoint(self.folder, part)

    def drop_checkpoints(self, part: str) -> None:
        """Removes the states of a part that has ended and whose result stands elsewhere."""
        for file in checkpoints.checkpoint_files(self.folder, part):
            file.unlink()

    def _cut_log(self) -> None:
        """Takes out of the log what was written after the newest checkpoint."""
        known = checkpoints.known_log_bytes(self.folder)
        end = self._log.seek(0, os.SEEK_END)
        if end < known:
            warnings.warn(
                f"log.jsonl in {self.folder} has lost lines: {end} of {known} bytes are there. The "
                "run goes on without them; its results do not depend on the log.",
                stacklevel=4,
            )
        self._log.truncate(min(end, known))
        self._log.seek(0, os.SEEK_END)
        self._curves_are_whole = False

    def write(self, name: str, value: Any) -> None:
        """Writes a JSON file of the folder, whole or not at all."""
        write_json(self.folder / name, value)

    def read(self, name: str) -> Any:
        """The content of a JSON file of the folder, or None where there is none yet."""
        return read_json(self.folder / name)

    def discard(self) -> None:
        """Removes a run that ended before it did anything, so that its folder is free again."""
        if (self.folder / "checkpoints").exists():
            return
        for name in ("config.yaml", "data.json", "log.jsonl", "timings.json", "report.html", LOCK):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "tensorboard", ignore_errors=True)
        with contextlib.suppress(OSError):  # something else lies in it: not ours to remove
            self.folder.rmdir()

    def seal(self) -> None:
        """To be called when nothing more will be written: checksums.json then covers all files."""
        self._close_curves()
        write_checksums(self.folder)

    def _close_curves(self) -> None:
        if not self._curves_are_whole and (self.folder / "tensorboard").exists():
            self._redraw_curves()
        if self._tensorboard is not None:
            self._tensorboard.close()
            self._tensorboard = None

    def close(self) -> None:
        """Flushes and closes log and curves, and gives the lock back."""
        try:
            self._close_curves()
        finally:
            self._log.close()
            os.close(self._lock)


def refuse_used_folder(folder: Path) -> None:
    """Raises `UserError` where an output folder is not free: nothing is ever overwritten."""
    if (folder / "config.yaml").exists():
        raise UserError(
            f"{folder} already holds a run. Choose another --out, or go on with that one: --resume."
        )
    ours = (LOCK,)  # of a process that ended before it wrote anything
    if folder.exists() and (
        not folder.is_dir()
        or any(f.name not in ours and f.suffix != ".tmp" for f in folder.iterdir())
    ):
        raise UserError(f"{folder} exists and is not an empty folder. Choose another --out.")


def _write_config(folder: Path, described: dict[str, Any]) -> None:
    write_text(folder / "config.yaml", yaml.safe_dump(described, sort_keys=False))
