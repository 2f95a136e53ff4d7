"""What a run was made to do, and the command lines that go on with it."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Command = Literal["run", "search", "train"]
Method = Literal["shared", "trials"]


@dataclass(frozen=True)
class Task:
    """What a run was made to do, by the name of the command that does it.

    architecture: the text form of what "train" trains; None for the others. method: of a search: with
    shared weights, or by trials, which are trainings from scratch. storage, study: of trials; the address of
    their database, without its password, and the search's name there. None: a file in the run's folder,
    and the name that searches have by default. start: the folder of the run whose ended training "train" goes
    on from, absolute; None: it begins anew.
    """

    command: Command = "run"
    architecture: str | None = None
    method: Method = "shared"
    storage: str | None = None
    study: str | None = None
    start: str | None = None

    @property
    def by_trials(self) -> bool:
        """Whether it is a search by trials."""
        return self.method == "trials"

    def resume_command(self, folder: Path) -> str:
        """The command line that goes on with the run in `folder`."""
        method = " --method trials" if self.by_trials else ""
        return f"autogan {self.command}{method} --resume --out {shlex.quote(str(folder))}"


def derive_command(folder: Path) -> str:
    """The command line that derives from the finished search in `folder`, or goes on with that."""
    return f"autogan derive {shlex.quote(str(folder))}"
