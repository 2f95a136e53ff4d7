"""`autogan train` on several processes, which `torchrun` started."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from autogan.basics.errors import UserError
from autogan.cli.console import notes
from autogan.device.torchrun import started_count

if TYPE_CHECKING:
    from autogan.device.processes import Processes


def refuse_together(command: str | None) -> None:
    """Raises `UserError` for commands that several processes would all do."""
    if command != "train" and started_count() > 1:
        raise UserError(
            f"torchrun started {started_count()} processes, and only `autogan train` works on several. "
            "To search on many, use `autogan search --method trials` with workers."
        )


@contextmanager
def joined(folder: Path, resume: bool) -> Iterator[tuple[Path, "Processes | None"]]:
    """Where this process works, and those that it works with; None where it is alone.

    The first works in the run's folder; each other one in a folder of its own, which is gone afterwards,
    and into which it copies the run's, if there is one to go on with, before the first changes it.
    """
    if started_count() == 1:
        yield folder, None
        return
    from autogan.device.processes import Processes

    processes = Processes.started()
    if processes.first:
        processes.wait()
        yield folder, processes
        return
    notes.quiet = True
    with tempfile.TemporaryDirectory() as place:
        own = Path(place) / "run"
        if resume and folder.is_dir():
            shutil.copytree(folder, own)
        processes.wait()
        yield own, processes
