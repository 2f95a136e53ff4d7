"""A run's folder, its lock or its terminal is taken away while the run works."""

import errno
import fcntl
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autogan.basics.errors import UserError
from autogan.runs.file_names import LOCK, checkpoint_files
from autogan.runs.folder import Run
from autogan.runs.locking import FolderLost, is_locked
from autogan.settings.loading import load_settings


def removed(folder: Path) -> None:
    aside = folder.with_name("aside")
    folder.rename(aside)  # at one stroke: the run may be writing into it
    shutil.rmtree(aside)


def renamed(folder: Path) -> None:
    folder.rename(folder.with_name("renamed"))


def replaced(folder: Path) -> None:
    folder.rename(folder.with_name("renamed"))
    folder.mkdir()


TAKEN: list[Callable[[Path], None]] = [removed, renamed, replaced]


@pytest.mark.parametrize("take", TAKEN)
@pytest.mark.parametrize("every_minutes", [0, 10])
def test_a_run_whose_folder_is_taken_away_stops_and_makes_no_new_one(
    arena: Any, tmp_path: Path, take: Callable[[Path], None], every_minutes: float
) -> None:
    folder = tmp_path / "run"
    long = (
        "search.iterations=3000",
        "derive.generator_steps=100000",
        "train.generator_steps=100000",
    )
    more = [word for setting in long for word in ("--set", setting)]
    process = arena.begin(folder, *more, every_minutes=every_minutes)
    while not checkpoint_files(folder, "search"):
        assert process.running_after(0.01), process.output.read_text()
    take(folder)
    assert process.ended(within_seconds=30) == 2
    printed = process.output.read_text()
    assert "removed, renamed or replaced" in printed and "Traceback" not in printed
    assert not folder.exists() or list(folder.iterdir()) == []


@pytest.fixture
def run(tmp_path: Path) -> Any:
    run = Run.create(tmp_path / "run", load_settings())
    run.checkpoints.save("search", {"step": 1}, {"iteration": 1})
    yield run
    run.close()


def test_nothing_is_written_beside_a_folder_that_was_taken_away(run: Run) -> None:
    renamed(run.folder)
    for write in (
        lambda: run.write("timings.json", {}),
        lambda: run.checkpoints.save("search", {}, {}),
        run.seal,
        lambda: run.folder,
    ):
        with pytest.raises(FolderLost):
            write()
    with pytest.raises(FolderLost), run.noticing_loss():
        raise FileNotFoundError
    with pytest.raises(FolderLost), run.noticing_loss():
        pass


def test_without_its_lock_file_a_run_is_still_locked(run: Run) -> None:
    (run.folder / LOCK).unlink()
    try:
        run.folder  # noqa: B018  # raises where the file system locks files only
    except FolderLost:
        return
    assert is_locked(run.folder)
    with pytest.raises(UserError, match="Another process is at work"):
        Run.resume(run.folder)


def test_where_only_files_can_be_locked_the_first_run_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fcntl.flock

    def files_only(handle: int, operation: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EBADF, "no lock on a folder")
        whole(handle, operation)

    monkeypatch.setattr("fcntl.flock", files_only)
    first = Run.create(tmp_path / "run", load_settings())
    with pytest.raises(UserError, match="Another process is at work"):
        Run.resume(first.folder)
    (tmp_path / "run" / LOCK).unlink()
    second = Run.resume(tmp_path / "run")
    with pytest.raises(FolderLost, match="lock was removed"):
        first.checkpoints.save("search", {}, {})
    second.checkpoints.save("search", {}, {})
    first.close()
    second.close()


ON_A_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from autogan.cli import main
main()
"""


def learning(folder: Path) -> bool:
    """Whether steps of the search are done that no checkpoint holds yet."""
    log = folder / "log.jsonl"
    return log.exists() and b'"search"' in log.read_bytes()


def test_a_closed_terminal_loses_nothing(arena: Any, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [
            sys.executable, "-c", ON_A_TERMINAL, "run", "--config", arena.home / "settings.yaml",
            "--data", f"folder:{arena.home / 'shapes'}", "--out", folder,
            "--set", "search.iterations=3000",
        ],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**os.environ, "AUTOGAN_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    os.close(theirs)
    os.set_blocking(ours, False)
    said = b""
    while process.poll() is None and not learning(folder):
        try:
            said += os.read(ours, 2**16)  # a terminal that nobody reads from stops the writer
        except BlockingIOError:
            time.sleep(0.01)
    newest = checkpoint_files(folder)
    os.close(ours)
    assert process.wait(60) == 129, said
    assert checkpoint_files(folder)[-1] != newest[-1]
    assert not is_locked(folder)
