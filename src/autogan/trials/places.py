"""Where workers of a search run: what each is told, how it is started, watched and ended.

The database holds the truth, so a place is only a place: whoever runs there may die, and another one
takes its trial up. Here are places on this machine; `ray_places` has those of a Ray cluster.
"""

import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from autogan.device.gpus import VISIBLE
from autogan.device.processor import available_processors
from autogan.files.texts import last_lines
from autogan.trials.ray_host import THREADS

ADDRESS = "AUTOGAN_STORAGE"
"""The environment variable with a storage's address: unlike an option, no list of processes shows it."""


@dataclass(frozen=True)
class Order:
    """What a worker is told, wherever it runs.

    trials: the folder in which every trial has its own. source: of the images. address: of the storage.
    count: trials until the search has ended.
    """

    study: str
    trials: Path
    source: str
    count: int
    address: str = field(repr=False)

    @property
    def arguments(self) -> list[str]:
        """Of Python, for a worker's process; without the storage's address."""
        command = ["-m", "autogan", "worker", "--study", self.study]
        command += ["--out", str(self.trials), "--data", self.source]
        return [*command, "--count", str(self.count)]


@dataclass(frozen=True)
class Ended:
    """How a worker has ended.

    code: of its process, 0 where all trials have ended; None where it is gone with its machine.
    words: the last lines that it said, or what is known of its end.
    """

    code: int | None
    words: str

    @property
    def how(self) -> str:
        """In a few words."""
        return (
            "gone with its machine or its Ray actor" if self.code is None else f"code {self.code}"
        )


class Started(ABC):
    """One worker that was started."""

    @property
    @abstractmethod
    def waits(self) -> bool:
        """Whether there is no room for it yet."""

    @abstractmethod
    def poll(self) -> Ended | None:
        """How it has ended; None as long as it has not. Does not wait."""

    @abstractmethod
    def terminate(self) -> None:
        """Asks it to stop, with its checkpoint. Does not wait."""

    @abstractmethod
    def end(self, within_seconds: float) -> None:
        """Gives it so long to stop, and ends it then."""


class Places(ABC):
    """Room for workers; the first is given to the first worker. Whoever replaces one takes its place."""

    @property
    @abstractmethod
    def count(self) -> int:
        """How many workers work at a time."""

    @contextmanager
    def reporting(self, folder: Path) -> Iterator[None]:
        """Inside, `start` may be called. folder: where logs are kept; it is there."""
        yield

    @abstractmethod
    def start(self, place: int, order: Order, log: Path) -> Started:
        """A worker at one of the places. log: a file that it appends to what it says."""


class LocalPlaces(Places):
    """Processes of this machine."""

    def __init__(self, gpus: Sequence[str | None]) -> None:
        """gpus: for each worker those that it sees, as VISIBLE takes them; None: all of this process."""
        self._gpus = gpus

    @property
    def count(self) -> int:
        return len(self._gpus)

    def start(self, place: int, order: Order, log: Path) -> Started:
        threads = max(1, available_processors() // self.count)
        environment = {THREADS: str(threads), **os.environ, ADDRESS: order.address}
        gpus = self._gpus[place]
        if gpus is not None:
            environment[VISIBLE] = gpus
        with log.open("ab") as said:
            process = subprocess.Popen(
                [sys.executable, *order.arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        return _Process(process, log)


class _Process(Started):
    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def waits(self) -> bool:
        return False

    def poll(self) -> Ended | None:
        code = self._process.poll()
        return None if code is None else Ended(code, last_lines(self._log))

    def terminate(self) -> None:
        self._process.terminate()

    def end(self, within_seconds: float) -> None:
        try:
            self._process.wait(within_seconds)
        except subprocess.TimeoutExpired:  # stopped, or in a step that takes long
            self._process.kill()
            self._process.wait()
