"""What runs on the machines of a Ray cluster: a worker's process, and a look at the machine.

Ray imports this file in processes of its own, so it imports nothing that takes time or memory.
"""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autogan.basics.version import package_version
from autogan.files.texts import last_lines

THREADS = "OMP_NUM_THREADS"
"""The variable by which a process is told how many threads it computes with."""


@dataclass(frozen=True)
class Machine:
    """One machine as a process of its own sees it. sees: whether the file asked for is there."""

    name: str
    version: str
    sees: bool


def look(file: str | None) -> Machine:
    """Looks at the machine that it runs on. file: one that it should see; None: whatever."""
    return Machine(socket.gethostname(), package_version(), file is None or Path(file).exists())


class Host:
    """Made into an actor: runs one worker as a process, where Ray has found room.

    A process of its own, because signals reach it and its memory ends with it. Two methods may be at
    work at once, so that `stop` is heard while `run` waits.
    """

    def __init__(self) -> None:
        self._changes = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def place(self) -> str:
        """The machine's name; answered as soon as there is room."""
        return socket.gethostname()

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], threads: int, log: str
    ) -> tuple[int, str]:
        """Until the process ends: its code, and what it said last.

        arguments: of Python. environment: variables beside those of this machine. threads: to compute
        with, at most those that the machine has. log: a file that it appends to, made where it is not there.
        """
        file = Path(log)
        own = {THREADS: str(min(threads, os.cpu_count() or 1))}
        with self._changes:
            if self._stopped:
                return 0, ""
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("ab") as said:
                self._process = subprocess.Popen(
                    [sys.executable, *arguments],
                    env={**os.environ, **own, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                )
        return self._process.wait(), last_lines(file)

    def stop(self) -> None:
        """Asks the process to stop, with its checkpoint; one that has not begun does not begin."""
        with self._changes:
            self._stopped = True
            if self._process is not None:
                self._process.terminate()
