"""Workers as processes: they share a search, die, are stopped, come back; nothing is lost or doubled."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import autogan
from postgresql import Server
from trial_processes import Process, at_work, children_of, refuse_lost_or_doubled, until


def test_two_workers_share_a_search(begin: Callable[..., Process], tmp_path: Path) -> None:
    assert begin("--workers", "2").wait(240) == 0, (tmp_path / "said.txt").read_text()
    refuse_lost_or_doubled(tmp_path)
    found = json.loads((tmp_path / "run" / "trials.json").read_text())
    assert len({trial["worker"] for trial in found["trials"]}) == 2
    answer = autogan("front", "run", "--json")
    assert answer.code == 0 and len(json.loads(answer.out)["front"]) == 1
    assert autogan("status", "run").code == 0


def test_a_worker_that_is_killed_is_replaced_and_its_trial_taken_up(
    begin: Callable[..., Process], tmp_path: Path
) -> None:
    search = begin("--workers", "2")
    until(lambda: at_work(tmp_path))
    os.kill(until(lambda: children_of(search))[0], signal.SIGKILL)
    assert search.wait(240) == 0, (tmp_path / "said.txt").read_text()
    assert "died (code -9)" in (tmp_path / "said.txt").read_text()
    refuse_lost_or_doubled(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_search_that_was_ended_goes_on(
    number: signal.Signals, begin: Callable[..., Process], tmp_path: Path
) -> None:
    search = begin()
    until(lambda: at_work(tmp_path))
    search.send_signal(number)
    assert search.wait(60) == (-9 if number == signal.SIGKILL else 143)
    assert begin("--resume").wait(240) == 0, (tmp_path / "said.txt").read_text()
    refuse_lost_or_doubled(tmp_path)


def test_a_server_holds_the_search_and_its_password_is_nowhere(
    server: Server, begin: Callable[..., Process], tmp_path: Path
) -> None:
    """Also while the server is stopped in the middle, as if it had lost its power."""
    search = begin("--workers", "2", AUTOGAN_STORAGE=server.address)
    until(lambda: at_work(tmp_path))
    server.stop("immediate")
    time.sleep(1)
    server.start()
    code = search.wait(240)
    if code:  # a worker met the stopped server: the search says so, and goes on when asked to
        assert code == 2, (tmp_path / "said.txt").read_text()
        again = begin("--workers", "2", "--resume", AUTOGAN_STORAGE=server.address)
        assert again.wait(240) == 0, (tmp_path / "said.txt").read_text()
    refuse_lost_or_doubled(tmp_path)
    for file in (tmp_path / "run").rglob("*"):
        assert not file.is_file() or b"secret" not in file.read_bytes(), file
    assert "secret" not in (tmp_path / "said.txt").read_text()


@pytest.mark.skipif(
    "AUTOGAN_TORTURE" not in os.environ, reason="waits for heartbeats: make torture"
)
def test_a_worker_that_only_seems_dead_delays_the_search_and_changes_nothing(
    begin: Callable[..., Process], tmp_path: Path
) -> None:
    """One that was stopped (SIGSTOP) holds its folder and has no heartbeat: its trial begins anew."""
    search = begin("--workers", "2")
    until(lambda: at_work(tmp_path))
    os.kill(until(lambda: children_of(search))[0], signal.SIGSTOP)
    assert search.wait(300) == 0, (tmp_path / "said.txt").read_text()
    refuse_lost_or_doubled(tmp_path)
