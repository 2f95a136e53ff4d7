"""kill -9 again and again, several parents, a full disk: no ended trial is lost, none counts twice.

All of it takes minutes, so only `make torture` (`AUTOGAN_TORTURE=1`) does it; test_workers.py has the short
forms.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from postgresql import Server
from trial_processes import Process, at_work, children_of, until

from autogan.strategies.base import State
from autogan.trials.records import TrialRecord
from autogan.trials.storage import open_storage
from autogan.trials.study import Ledger, open_study

pytestmark = pytest.mark.skipif(
    "AUTOGAN_TORTURE" not in os.environ, reason="takes minutes: make torture"
)


def study_of(folder: Path, address: str | None = None) -> optuna.Study:
    """address: of the database, where it is not the run's own."""
    address = address or f"sqlite:///{folder / 'trials.sqlite3'}"
    return open_study(open_storage(address), "autogan")


def ended(folder: Path, address: str | None = None) -> dict[int, TrialRecord]:
    """What the database says of trials that have ended."""
    records = Ledger(study_of(folder, address)).records()
    return {r.number: r for r in records if r.state is not State.RUNNING}


def refuse_doubled(folder: Path, count: int, address: str | None = None) -> None:
    """Every trial is there once, and at most one attempt at it has a result."""
    found = json.loads((folder / "trials.json").read_text())["trials"]
    assert [trial["number"] for trial in found] == list(range(count))
    assert {trial["state"] for trial in found} <= {"complete", "stopped"}
    results: dict[int, int] = {}
    for trial in study_of(folder, address).get_trials():
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
            first = trial.system_attrs.get("failed_trial", trial.number)
            results[first] = results.get(first, 0) + 1
    assert sorted(results.values()) == [1] * count


def kill_some(tmp_path: Path, search: Process, kills: int, count: int) -> int:
    """Kills a random worker at random moments, and looks each time whether what had ended still stands."""
    moments, killed = random.Random(1), 0
    known: dict[int, TrialRecord] = {}
    while killed < kills:
        time.sleep(moments.uniform(0.1, 4.0))
        now = ended(tmp_path / "run")
        assert {number: now.get(number) for number in known} == known
        known = now
        if len(now) == count or search.poll() is not None:
            break
        workers = children_of(search)
        if workers:
            try:
                os.kill(moments.choice(workers), signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed += 1
    return killed


@pytest.mark.timeout(1500)
def test_workers_that_are_killed_at_random_moments(
    begin: Callable[..., Process], tmp_path: Path
) -> None:
    """The search gives up where three die without a trial that ended, and goes on when it is asked to."""
    kills, count = 20, 40
    search = begin("--workers", "2", "--set", f"trials.count={count}")
    until(lambda: (tmp_path / "run" / "trials.sqlite3").exists() and at_work(tmp_path))
    killed = 0
    while killed < kills:
        more = kill_some(tmp_path, search, kills - killed, count)
        killed += more
        if search.poll() is not None and search.returncode != 0:
            search = begin("--workers", "2", "--resume")
        elif not more:
            break  # it has ended before
    while search.wait(600) == 2:  # the last kills came one upon the other
        search = begin("--workers", "2", "--resume")
    assert search.returncode == 0, (tmp_path / "said.txt").read_text()
    assert killed >= kills // 2
    refuse_doubled(tmp_path / "run", count)


@pytest.mark.timeout(1500)
def test_searches_that_are_killed_at_random_moments(
    begin: Callable[..., Process], tmp_path: Path
) -> None:
    """Half of the time with all of their workers; else these live on beside those of the next search."""
    kills, count = 20, 60
    moments = random.Random(3)
    known: dict[int, TrialRecord] = {}
    options: tuple[str, ...] = ("--set", f"trials.count={count}")
    for _ in range(kills):
        search = begin("--workers", "2", *options)
        options = ("--resume",)
        until(lambda search=search: children_of(search) or search.poll() is not None)
        time.sleep(moments.uniform(0.1, 8.0))
        workers = children_of(search)
        search.kill()
        assert search.wait(30) in (0, -9), (tmp_path / "said.txt").read_text()
        if moments.random() < 0.5:
            for worker in workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
        now = ended(tmp_path / "run")
        assert {number: now.get(number) for number in known} == known
        known = now
    search = begin("--workers", "2", "--resume")
    assert search.wait(600) == 0, (tmp_path / "said.txt").read_text()
    refuse_doubled(tmp_path / "run", count)


@pytest.mark.timeout(1500)
def test_a_database_server_that_is_killed_at_random_moments(
    server: Server, begin: Callable[..., Process], tmp_path: Path
) -> None:
    """Whoever needs it meanwhile says so and ends; the search goes on when it is asked to."""
    kills, count = 20, 60
    moments = random.Random(2)
    folder, address = tmp_path / "run", server.address
    search = begin("--workers", "2", "--set", f"trials.count={count}", AUTOGAN_STORAGE=address)
    until(lambda: at_work(tmp_path))
    known: dict[int, TrialRecord] = {}
    killed = noticed = 0
    while killed < kills and len(known) < count:
        time.sleep(moments.uniform(0.1, 6.0))
        server.kill()
        killed += 1
        time.sleep(moments.uniform(0.0, 1.0))
        server.start()
        now = ended(folder, address)
        assert {number: now.get(number) for number in known} == known
        known = now
        if search.poll() is not None:
            assert search.returncode in (0, 2), (tmp_path / "said.txt").read_text()
            noticed += search.returncode == 2
            search = begin("--workers", "2", "--resume", AUTOGAN_STORAGE=address)
    while search.wait(600) == 2:
        search = begin("--workers", "2", "--resume", AUTOGAN_STORAGE=address)
    said = (tmp_path / "said.txt").read_text()
    assert search.returncode == 0 and "Traceback" not in said, said
    assert killed >= kills // 2 and noticed
    now = ended(folder, address)
    assert {number: now[number] for number in known} == known
    refuse_doubled(folder, count, address)


def test_a_search_with_workers_that_is_killed_goes_on_beside_what_it_left(
    begin: Callable[..., Process], tmp_path: Path
) -> None:
    """Its two workers live on, and share the rest with the two of the search that takes over."""
    search = begin("--workers", "2", "--set", "trials.count=8")
    until(lambda: at_work(tmp_path))
    orphans = until(lambda: children_of(search))
    search.kill()
    search.wait(30)
    known = ended(tmp_path / "run")
    again = begin("--workers", "2", "--resume")
    assert again.wait(240) == 0, (tmp_path / "said.txt").read_text()
    refuse_doubled(tmp_path / "run", 8)
    now = ended(tmp_path / "run")
    assert {number: now[number] for number in known} == known
    until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in orphans), 60)


def test_two_searches_share_one_study_from_two_folders_and_never_one_folder(
    begin: Callable[..., Process], tmp_path: Path
) -> None:
    address = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    one = begin("--set", "trials.count=12", "--storage", address)
    other = begin("--set", "trials.count=12", "--storage", address, "--out", "other")
    until(lambda: at_work(tmp_path))
    refused = begin("--resume", "--storage", address)
    assert refused.wait(60) == 2 and "is at work in" in (tmp_path / "said.txt").read_text()
    assert one.wait(240) == 0 and other.wait(240) == 0, (tmp_path / "said.txt").read_text()
    found = [
        json.loads((tmp_path / name / "trials.json").read_text())["trials"]
        for name in ("run", "other")
    ]
    assert found[0] == found[1] and len(found[0]) == 12
    assert len({trial["worker"] for trial in found[0]}) == 2
    held = [
        sorted((tmp_path / n / "trials").glob("*/generator.safetensors")) for n in ("run", "other")
    ]
    assert len(held[0]) + len(held[1]) == 12 and held[0] and held[1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that trials fill."""
    place = tmp_path / "run"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], check=False
    )
    if done.returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_full_disk_ends_the_search_and_loses_no_trial(
    workers: str, begin: Callable[..., Process], small_disk: Path, tmp_path: Path
) -> None:
    search = begin("--workers", workers, "--set", "trials.count=12")
    assert search.wait(240) == 2, (tmp_path / "said.txt").read_text()
    said = (tmp_path / "said.txt").read_text()
    assert "Traceback" not in said and ("full" in said or "No space" in said)
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    # A trial whose end could not be written any more has no result yet, and is taken up.
    known = {n: r for n, r in ended(small_disk).items() if r.state is not State.FAILED}
    again = begin("--workers", workers, "--resume")
    assert again.wait(240) == 0, (tmp_path / "said.txt").read_text()
    refuse_doubled(small_disk, 12)
    now = ended(small_disk)
    assert known and {number: now[number] for number in known} == known
