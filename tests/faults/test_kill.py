"""Runs that are killed, stopped and damaged go on, and end to the bit as if nothing had happened."""

import json
import random
import re
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from autogan.runs.file_names import checkpoint_files

PHASE_OF_PART = {"judge": "judge", "search": "search", "ranking": "derive", "derive": "derive"}


def phase_of(folder: Path) -> str:
    """In which phase a run was, by the newest state it kept."""
    if (folder / "results.json").exists():
        return "finished"
    every = checkpoint_files(folder)
    part = every[-1].stem[:-9] if every else "begin"
    return "candidate" if part.startswith("candidate") else PHASE_OF_PART.get(part, part)


def killed_again_and_again(
    arena: Any, folder: Path, moments: random.Random, kills: int, every_minutes: float
) -> Counter:
    """Begins a run, kills it and goes on with it `kills` times, lets it end; where it was killed."""
    where: Counter = Counter()
    process = arena.begin(folder, every_minutes=every_minutes)
    for _ in range(kills):
        if not process.running_after(moments.uniform(0, arena.seconds / min(kills, 3))):
            break
        process.send(signal.SIGKILL)
        assert process.ended() == -signal.SIGKILL
        where[phase_of(folder)] += 1
        process = arena.resume(folder)
    arena.finish(process)
    return where


def test_kill_at_random_moments(arena: Any, torture: bool, record: Any) -> None:
    """kill -9 while anything goes on."""
    moments = random.Random(0)
    where: Counter = Counter()
    runs = 0
    while where.total() < (60 if torture else 5):
        folder = arena.home / f"killed-{runs}"
        kills = 1 if torture and runs % 2 else 4
        every_minutes = (0, 0.005)[runs % 2]
        where += killed_again_and_again(arena, folder, moments, kills, every_minutes)
        arena.assert_as_undisturbed(folder)
        arena.forget(folder)
        runs += 1
    record("kill -9", sum(where.values()), f"{runs} runs; while in: {dict(where)}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_a_run_within_ten_seconds(
    arena: Any, torture: bool, number: int, record: Any
) -> None:
    moments = random.Random(int(number))
    slowest, stopped = 0.0, 0
    for trial in range(12 if torture else 5):
        if stopped and not torture:
            break  # else the run was over before the signal, on a machine that has become faster
        folder = arena.home / f"stopped-{number}-{trial}"
        process = arena.begin(folder, every_minutes=10)
        while not (folder / "config.yaml").exists():
            time.sleep(0.01)
        time.sleep(0.3)  # its handlers are set once the folder is open
        if not process.running_after(moments.uniform(0, 0.4 * arena.seconds)):
            continue
        process.send(number)
        began = time.monotonic()
        code = process.ended()
        slowest = max(slowest, time.monotonic() - began)
        if code:
            assert code == 128 + number, process.output.read_text()
            printed = " ".join(process.output.read_text().split())
            assert f"o on with: autogan run --resume --out {folder}" in printed
            stopped += 1
            arena.finish(arena.resume(folder))
        arena.assert_as_undisturbed(folder)
        arena.forget(folder)
    assert slowest < 10
    assert stopped
    record(signal.Signals(number).name, stopped, f"slowest exit {1000 * slowest:.0f} ms")


def test_a_time_limit_stops_a_run_that_goes_on(arena: Any) -> None:
    folder = arena.home / "limited"
    printed = arena.finish(arena.begin(folder, "--time-limit", "1s", every_minutes=10))
    assert "the time limit" in printed and "--resume" in printed
    assert not (folder / "results.json").exists()
    for _ in range(40):
        arena.finish(arena.resume(folder, "--time-limit", "2s"))
        if (folder / "checksums.json").exists():  # the last file: it may stop after the results
            break
    arena.assert_as_undisturbed(folder)
    arena.forget(folder)


def test_a_second_process_is_refused_and_a_dead_one_is_not_in_the_way(arena: Any) -> None:
    folder = arena.home / "locked"
    process = arena.begin(folder)
    while not checkpoint_files(folder):
        time.sleep(0.01)
    status = status_of(folder)
    assert status["running"]
    with pytest.raises(Exception, match="Another process is at work"):
        resumed(folder)
    process.send(signal.SIGKILL)
    process.ended()
    status = status_of(folder)
    assert not status["running"] and status["next_command"]
    resumed(folder).close()
    arena.forget(folder)


def status_of(folder: Path) -> dict[str, Any]:
    from dataclasses import asdict

    from autogan.runs.status import status_of

    return asdict(status_of(folder))


def resumed(folder: Path) -> Any:
    from autogan.runs.folder import Run

    return Run.resume(folder)


def test_a_damaged_newest_checkpoint_is_noticed_and_the_one_before_it_used(
    arena: Any, torture: bool, record: Any
) -> None:
    places = random.Random(5)
    damaged = 0
    for trial in range(12 if torture else 1):
        folder = arena.home / f"damaged-{trial}"
        process = arena.begin(folder)
        kept = places.randrange(12, 60)
        while process.running_after(0.01) and newest_number(folder) < kept:
            pass
        process.send(signal.SIGKILL)
        process.ended()
        newest = checkpoint_files(folder)[-1]
        content = bytearray(newest.read_bytes())
        content[places.randrange(len(content))] ^= 1 << places.randrange(8)
        newest.write_bytes(content)
        printed = arena.finish(arena.resume(folder))
        if not re.search(r"set\s+aside", printed):  # a bit that says nothing, as in padding
            continue
        damaged += 1
        arena.assert_as_undisturbed(folder)
        arena.forget(folder)
    assert damaged
    record("damaged newest checkpoint", damaged, "all noticed, none lost")


def newest_number(folder: Path) -> int:
    every = checkpoint_files(folder)
    return int(every[-1].stem[-8:]) if every else 0


def test_no_line_is_missing_or_doubled(arena: Any) -> None:
    """What the comparisons above compare with is whole itself."""
    lines = [json.loads(x) for x in (arena.reference / "log.jsonl").read_text().splitlines()]
    steps = [x["step"] for x in lines if x["event"] == "losses" and x["part"] == "train"]
    assert steps == list(range(1, 11))
    children = [x for x in lines if x["event"] == "child"]
    assert len(children) == 3 * 3 + 3 + 3
    assert len([x for x in lines if x["event"] == "candidate"]) == 2
