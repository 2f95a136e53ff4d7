"""Runs with several seeds, each a process of its own, one after the other or side by side."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from autogan.device.processor import available_processors
from autogan.files.texts import last_lines
from autogan.runs.file_names import CONFIG, DATA
from autogan.runs.seeds import SETTINGS, folder_of_seed, log_of_seed
from autogan.runs.stopping import Stopping
from autogan.runs.task import Task

STANDARD_ERROR = 2
LOOK_EVERY_SECONDS = 0.5
ENDED_WITHIN_SECONDS = 20.0
"""Time that a run has for its checkpoint when it is asked to stop."""


@dataclass(frozen=True)
class Failure:
    """Of the first run that failed: how it ended, with an exit code for all."""

    seed: int
    code: int
    said: str


class SeedProcesses:
    """So many at a time, each at work on one seed, in its folder below `folder`.

    The others begin when the first has made what they share: the decoded images and the judge. Where one
    fails no other is begun: see `failed`. Of several at a time each writes to a log of its own; `as_json`
    keeps the standard output free of a single one's words. `say` takes lines for people.
    """

    def __init__(
        self,
        task: Task,
        folder: Path,
        seeds: list[int],
        side_by_side: int,
        as_json: bool,
        say: Callable[[str], None],
    ) -> None:
        self._task = task
        self._folder = folder
        self._waiting = seeds
        self._count = len(seeds)
        self._most = side_by_side
        self._as_json = as_json
        self._say = say
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self.failed: Failure | None = None

    def do(self, stopping: Stopping) -> None:
        """Until all runs have ended, or those that ran when one failed."""
        # A process that was begun is always known to be: a request to stop waits for the next sleep.
        with stopping.in_steps(), self._ended_with_us():
            while self._running or (self._waiting and self.failed is None):
                while self._may_begin():
                    self._begin(self._waiting.pop(0))
                with stopping.at_once():
                    time.sleep(LOOK_EVERY_SECONDS)
                for seed, process in list(self._running.items()):
                    code = process.poll()
                    if code is None:
                        continue
                    del self._running[seed]
                    if code == 0:
                        self._say(f"Seed {seed} has ended: {self._place(seed)}")
                    elif self.failed is None:
                        more = f":\n{last_lines(self._log(seed))}" if self._apart else "."
                        said = f"it ended with code {code}{more}"
                        self.failed = Failure(seed, code if code > 0 else 128 - code, said)

    @property
    def _apart(self) -> bool:
        """Whether each run writes to a file: several would overwrite each other's lines."""
        return self._most > 1

    def _may_begin(self) -> bool:
        if not self._waiting or self.failed is not None or len(self._running) >= self._most:
            return False
        return all((self._place(seed) / DATA).exists() for seed in self._running)

    def _begin(self, seed: int) -> None:
        place = self._place(seed)
        command = [sys.executable, "-m", "autogan", self._task.command, "--out", str(place)]
        command += ["--config", str(self._folder / SETTINGS), "--set", f"seed={seed}"]
        if self._task.architecture is not None:
            command += ["--arch", self._task.architecture]
        if (place / CONFIG).is_file():
            command += ["--resume"]
        environment = dict(os.environ)
        if self._most > 1:
            threads = max(1, available_processors() // self._most)
            environment.setdefault("OMP_NUM_THREADS", str(threads))
        self._say(f"Seed {seed} ({self._count - len(self._waiting)} of {self._count}): {place}")
        with ExitStack() as files:
            output: int | BinaryIO | None = None
            error: BinaryIO | None = None
            if self._apart:
                output = error = files.enter_context(self._log(seed).open("ab"))
            elif self._as_json:
                output = STANDARD_ERROR  # the standard output is for what all seeds found
            self._running[seed] = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=error,
                start_new_session=True,  # Ctrl-C asks us, and we ask them: once
            )

    @contextmanager
    def _ended_with_us(self) -> Iterator[None]:
        """Asks those that are left to stop, with their checkpoints, and waits for them."""
        try:
            yield
        finally:
            for process in self._running.values():
                process.terminate()
            for process in self._running.values():
                try:
                    process.wait(ENDED_WITHIN_SECONDS)
                except subprocess.TimeoutExpired:  # in a step that takes long
                    process.kill()
                    process.wait()

    def _place(self, seed: int) -> Path:
        return folder_of_seed(self._folder, seed)

    def _log(self, seed: int) -> Path:
        return log_of_seed(self._folder, seed)
