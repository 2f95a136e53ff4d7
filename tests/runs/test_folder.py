"""A run's folder: made, described, locked, gone on with, closed and sealed."""

import errno
import fcntl
import json
import os
import threading
from pathlib import Path

import pytest
import yaml

from autogan.basics.errors import UserError
from autogan.runs.checksums import changed_files
from autogan.runs.config import read_settings, read_task
from autogan.runs.events import WeightsReset
from autogan.runs.folder import Run, refuse_used_folder
from autogan.runs.locking import is_locked
from autogan.runs.task import Task
from autogan.settings.loading import load_settings


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "run", load_settings(), Task("search"))


def test_a_new_run_describes_itself_before_it_does_anything(run: Run) -> None:
    described = yaml.safe_load((run.folder / "config.yaml").read_text())
    assert list(described) == ["task", "settings", "environment"]
    assert described["task"] == {
        "command": "search",
        "architecture": None,
        "method": "shared",
        "storage": None,
        "study": None,
        "start": None,
    }
    assert {"autogan", "torch", "python", "commit", "threads"} <= described["environment"].keys()
    assert read_settings(run.folder) == load_settings() == run.settings
    assert read_task(run.folder) == Task("search") == run.task
    assert (run.folder / "log.jsonl").read_bytes() == b""
    run.close()


def test_the_whole_method_is_what_a_run_is_for_where_nothing_else_is_said(tmp_path: Path) -> None:
    Run.create(tmp_path / "run", load_settings()).close()
    assert read_task(tmp_path / "run") == Task("run")


def test_a_folder_that_is_used_is_never_taken(run: Run, tmp_path: Path) -> None:
    run.close()
    with pytest.raises(UserError, match=r"already holds a run.*--resume"):
        Run.create(run.folder, load_settings())
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "cat.png").write_bytes(b"x")
    with pytest.raises(UserError, match="is not an empty folder"):
        Run.create(tmp_path / "pictures", load_settings())
    with pytest.raises(UserError, match="is not an empty folder"):
        refuse_used_folder(tmp_path / "pictures" / "cat.png")
    assert [file.name for file in (tmp_path / "pictures").iterdir()] == ["cat.png"]


def test_what_a_process_left_that_wrote_nothing_is_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").touch()
    Run.create(tmp_path / "run", load_settings()).close()


def test_going_on_needs_a_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run"):
        Run.resume(tmp_path)


def test_a_run_goes_on_with_its_own_settings_and_task(run: Run) -> None:
    run.write("data.json", {"name": "x"})
    run.close()
    again = Run.resume(run.folder)
    assert (again.settings, again.task) == (run.settings, run.task)
    assert again.read("data.json") == {"name": "x"} and again.read("results.json") is None
    again.close()


def test_changed_settings_are_listed_and_harmless_ones_allowed(run: Run) -> None:
    run.close()
    changed = load_settings(overrides=["seed=4", "search.controller.hidden_size=7"])
    with pytest.raises(UserError, match=r"seed: 0 before, 4 now\n.*hidden_size: 100 before, 7 now"):
        Run.resume(run.folder, changed)
    Run.resume(run.folder, load_settings(overrides=["log_every_steps=3"])).close()
    again = Run.resume(run.folder)
    assert again.settings.log_every_steps == 3
    again.close()


def test_states_of_other_settings_are_refused(run: Run) -> None:
    run.checkpoints.save("search", {"step": 1})
    run.close()
    config = run.folder / "config.yaml"
    config.write_text(config.read_text().replace("seed: 0", "seed: 9"))
    with pytest.raises(UserError, match="seed: 0 before, 9 now"):
        Run.resume(run.folder)
    assert not is_locked(run.folder)


def test_lines_after_the_newest_state_are_taken_out(run: Run) -> None:
    run.journal.log(WeightsReset(0, 0))
    run.checkpoints.save("search", {"step": 1})
    run.journal.log(WeightsReset(1, 0))
    run.close()
    again = Run.resume(run.folder)
    again.journal.log(WeightsReset(2, 0))
    again.close()
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in lines] == [0, 2]


def test_a_run_is_locked_while_it_is_open(run: Run) -> None:
    assert is_locked(run.folder)
    with pytest.raises(UserError, match="Another process is at work"):
        Run.resume(run.folder)
    run.close()
    assert not is_locked(run.folder)
    Run.resume(run.folder).close()


@pytest.mark.parametrize("name", ["", "lock"])
def test_who_only_looks_for_a_lock_is_in_nobodys_way(name: str, run: Run) -> None:
    run.close()
    looked_at = os.open(run.folder / name, os.O_RDONLY)
    fcntl.flock(looked_at, fcntl.LOCK_SH)
    looking = threading.Timer(0.1, os.close, (looked_at,))
    looking.start()
    Run.resume(run.folder).close()
    looking.join()


def test_a_run_that_cannot_be_opened_is_not_left_locked(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.close()
    with monkeypatch.context() as patch, pytest.raises(OSError, match="no room"):
        patch.setattr("autogan.runs.folder.remove_unfinished", _no_room)
        Run.resume(run.folder)
    Run.resume(run.folder).close()


def _no_room(folder: Path) -> None:
    raise OSError("no room")


def test_where_a_file_system_knows_no_locks_a_run_counts_as_not_locked(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    assert is_locked(run.folder)
    monkeypatch.setattr("fcntl.flock", no_locks)
    assert not is_locked(run.folder)
    run.close()


def test_a_run_that_did_nothing_leaves_nothing(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "runs" / "today" / "one", load_settings())
    run.write("data.json", {"name": "x"})
    run.write("timings.json", {"search": 0.1})
    run.discard()
    run.close()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_kept_something_is_not_discarded(run: Run) -> None:
    run.checkpoints.save("search", {"step": 1})
    before = sorted(file.name for file in run.folder.iterdir())
    run.discard()
    run.close()
    assert sorted(file.name for file in run.folder.iterdir()) == before


@pytest.mark.parametrize("name", ["trials", "trials.json", "trials.sqlite3", "workers"])
def test_a_search_that_has_trials_is_not_discarded(name: str, run: Run) -> None:
    (run.folder / name).touch()
    run.discard()
    run.close()
    assert (run.folder / "config.yaml").exists()


def test_a_sealed_run_knows_its_files_until_it_goes_on(run: Run) -> None:
    run.write("results.json", {"schema": 1})
    run.seal()
    run.close()
    assert changed_files(run.folder) == []
    (run.folder / "results.json").write_text("{}")
    assert changed_files(run.folder) == [
        "results.json does not match its checksum: it was changed or damaged"
    ]
    Run.resume(run.folder).close()
    assert not (run.folder / "checksums.json").exists()


def test_a_keeper_keeps_as_often_as_the_settings_say(tmp_path: Path) -> None:
    for minutes, due in ((0, True), (10, False)):
        settings = load_settings(overrides=[f"checkpoint_every_minutes={minutes}"])
        run = Run.create(tmp_path / str(minutes), settings)
        assert run.keeper("search").is_due is due
        run.close()
