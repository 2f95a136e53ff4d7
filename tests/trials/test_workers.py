"""Workers as processes: they share a search, die, are stopped, come back; nothing is lost or doubled."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import autogan
from postgresql import Server
from trial_runs import trials_settings

from autogan.settings.loading import settings_to_yaml

LONG = {"count": 4, "steps": 16, "rungs": 2, "reduction": 2}
"""Trainings of seconds, so that there is time to kill their workers."""
Process = subprocess.Popen[bytes]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.start()
    try:
        yield server
    finally:
        server.stop("immediate")
        server.remove()


@pytest.fixture
def begin(images: Path, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts `autogan search --method trials` in the folder run, in a process group of its own."""
    config = tmp_path / "config.yaml"
    settings = trials_settings(images, trials=LONG, checkpoint_every_minutes=0.01)
    config.write_text(settings_to_yaml(settings))
    begun: list[Process] = []

    def start(*options: str, **variables: str) -> Process:
        command = [sys.executable, "-m", "autogan", "search", "--method", "trials", "--out", "run"]
        known = [] if "--resume" in options else ["--config", str(config)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
        process = subprocess.Popen(
            [*command, *known, *options],
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=(tmp_path / "said.txt").open("ab"),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        process.wait()


def until(true: Callable[[], Any], seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} seconds")


def children_of(process: Process) -> list[int]:
    file = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(number) for number in file.read_text().split()] if file.exists() else []


def at_work(tmp_path: Path) -> list[Path]:
    """Folders of trials whose training has begun."""
    return sorted((tmp_path / "run" / "trials").glob("*/checkpoints/*"))


def refuse_lost_or_doubled(tmp_path: Path) -> None:
    found = json.loads((tmp_path / "run" / "trials.json").read_text())
    assert [trial["number"] for trial in found["trials"]] == list(range(LONG["count"]))  # type: ignore[call-overload]
    assert {trial["state"] for trial in found["trials"]} <= {"complete", "stopped"}
    assert (tmp_path / "run" / "generator.safetensors").exists()


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


def test_a_worker_that_only_seems_dead_delays_the_search_and_changes_nothing(
    begin: Callable[..., Process], tmp_path: Path
) -> None:
    """One that was stopped (SIGSTOP) holds its folder and has no heartbeat: its trial begins anew."""
    search = begin("--workers", "2")
    until(lambda: at_work(tmp_path))
    os.kill(until(lambda: children_of(search))[0], signal.SIGSTOP)
    assert search.wait(300) == 0, (tmp_path / "said.txt").read_text()
    refuse_lost_or_doubled(tmp_path)
