"""The one loop that does long work: step after step, keeping states, stopping, going back.

Work offers steps and whether it is done, and never asks to be kept; what is kept where, and whether the
run was asked to stop, is known here.
"""

import time
import warnings
from typing import Any, Protocol

from autogan.basics.errors import Diverged
from autogan.runs.checkpoints import Checkpoints
from autogan.runs.events import RolledBack
from autogan.runs.journal import Journal
from autogan.runs.locking import FolderLock
from autogan.runs.stopping import Stopped, Stopping

MOST_ROLL_BACKS = 3
"""How often work goes back to its last good checkpoint because training diverged."""

LOOK_AT_FOLDER_EVERY_SECONDS = 2.0
"""Whether it is still the run's."""


class Resumable(Protocol):
    """Long work in steps; between two of them its state is whole."""

    @property
    def done(self) -> bool:
        """Whether no step is left."""

    def step(self) -> bool:
        """Does the next step; whether the state after it is worth keeping in any case."""

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


def drive(work: Resumable, keeper: "Keeper | None" = None) -> None:
    """Brings `work` to its end, with a keeper from its newest kept state.

    Where training diverges, goes back to the newest state and on with other random numbers; after
    MOST_ROLL_BACKS times raises `Diverged`. Without a keeper nothing is kept, and the first time
    counts. Raises `Stopped` where the run was asked to stop; the state is kept then.
    """
    if keeper is None:
        while not work.done:
            work.step()
        work.refuse_non_finite()
        return
    keeper.restore(work)
    for attempt in range(1, MOST_ROLL_BACKS + 2):
        try:
            _drive_once(work, keeper)
            return
        except Diverged as diverged:
            if attempt > MOST_ROLL_BACKS:
                raise Diverged(
                    f"{diverged} It happened {attempt} times, each time from the last good "
                    "checkpoint and with other random numbers. A lower learning rate may help."
                ) from None
            keeper.roll_back(work, attempt, str(diverged))


def _drive_once(work: Resumable, keeper: "Keeper") -> None:
    keeper.keep_first(work)  # before the work, so that a full disk is noticed now
    with keeper.stopping.in_steps():
        try:
            while not work.done:
                milestone = work.step()
                if milestone or keeper.is_due:
                    keeper.keep(work)
                keeper.look_at_folder()
                keeper.stopping.check()
            work.refuse_non_finite()
        except Stopped as stopped:
            if stopped.state_is_whole:
                keeper.keep(work)
            raise


class Keeper:
    """Keeps the states of one part of a run, and goes back to them.

    every_seconds: between two states, where no milestone comes earlier.
    """

    def __init__(
        self,
        part: str,
        checkpoints: Checkpoints,
        journal: Journal,
        stopping: Stopping,
        every_seconds: float,
        held: FolderLock,
    ) -> None:
        self.part = part
        self.stopping = stopping
        self._checkpoints = checkpoints
        self._journal = journal
        self._every_seconds = every_seconds
        self._held = held
        self._looked = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether a state should be kept now."""
        return time.monotonic() - self._checkpoints.last_saved >= self._every_seconds

    def look_at_folder(self) -> None:
        """Every few seconds raises `FolderLost` where the run's folder was taken away."""
        if time.monotonic() - self._looked >= LOOK_AT_FOLDER_EVERY_SECONDS:
            self._held.check()
            self._looked = time.monotonic()

    def restore(self, work: Resumable) -> None:
        """Goes to the newest state of the part, if there is one."""
        state = self._checkpoints.load(self.part)
        if state is not None:
            work.load_state_dict(state)

    def keep_first(self, work: Resumable) -> None:
        """Keeps the state where the part has none yet."""
        if self._checkpoints.position(self.part) is None:
            self.keep(work)

    def keep(self, work: Resumable) -> None:
        """Keeps the state, if it is worth it: else raises `Diverged`."""
        work.refuse_non_finite()
        self._checkpoints.save(self.part, work.state_dict(), work.position())

    def roll_back(self, work: Resumable, attempt: int, reason: str) -> None:
        """Back to the newest state, with the journal as it was then, and other random numbers."""
        self._checkpoints.cut_journal()
        kept = self._checkpoints.load(self.part)
        assert kept is not None  # driving begins with one
        work.load_state_dict(kept)
        work.reseed(attempt)
        warnings.warn(
            f"{reason} Back to the last good checkpoint, {work.position()}, and on from there with "
            f"other random numbers (attempt {attempt} of {MOST_ROLL_BACKS}).",
            stacklevel=3,
        )
        self._journal.log(RolledBack(self.part, attempt, reason))
