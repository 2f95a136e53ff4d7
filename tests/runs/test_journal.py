"""The journal: one line an event, taken out again with the state that it told of, and its curves."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autogan.runs.events import Losses, StrategyUpdate, Validated, WeightsReset
from autogan.runs.journal import Journal
from autogan.runs.locking import FolderLock, lock
from autogan.runs.outcomes import Validation
from autogan.settings.loading import load_settings

Point = tuple[str, float, int]


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> list[Point]:
    """What is drawn, without TensorBoard, which takes seconds to load."""
    drawn: list[Point] = []
    monkeypatch.setattr(Journal, "curve", lambda journal, *point: drawn.append(point))
    return drawn


@pytest.fixture
def held(tmp_path: Path) -> Iterator[FolderLock]:
    held = lock(tmp_path)
    yield held
    held.close()


@pytest.fixture
def journal(tmp_path: Path, points: list[Point], held: FolderLock) -> Iterator[Journal]:
    journal = Journal(tmp_path, load_settings(), held)
    yield journal
    journal.close()


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_an_event_is_a_line_with_its_seconds(journal: Journal, tmp_path: Path) -> None:
    journal.log(WeightsReset(3, 1))
    journal.log(Losses("search", 5, 1.5, -2.0, stage=1))
    first, second = lines(tmp_path)
    assert list(first) == ["event", "seconds", "iteration", "stage"]
    assert (first["event"], first["iteration"], first["stage"]) == ("reset", 3, 1)
    assert 0 <= first["seconds"] <= second["seconds"]
    assert second["discriminator_loss"] == 1.5 and second["generator_loss"] == -2.0


def test_a_line_is_in_the_file_at_once(journal: Journal, tmp_path: Path) -> None:
    journal.log(WeightsReset(0, 0))
    assert len(lines(tmp_path)) == 1
    assert journal.flush() == os.path.getsize(tmp_path / "log.jsonl")


def test_lines_are_added_to_those_of_before(
    journal: Journal, tmp_path: Path, held: FolderLock
) -> None:
    journal.log(WeightsReset(0, 0))
    journal.close()
    again = Journal(tmp_path, load_settings(), held)
    again.log(WeightsReset(1, 0))
    again.close()
    assert [line["iteration"] for line in lines(tmp_path)] == [0, 1]


def test_a_cut_takes_out_what_came_after(journal: Journal, tmp_path: Path) -> None:
    journal.log(WeightsReset(0, 0))
    known = journal.flush()
    journal.log(WeightsReset(1, 0))
    journal.cut(known)
    journal.log(WeightsReset(2, 0))
    assert [line["iteration"] for line in lines(tmp_path)] == [0, 2]


def test_lines_that_were_lost_are_said(journal: Journal, tmp_path: Path) -> None:
    journal.log(WeightsReset(0, 0))
    with pytest.warns(UserWarning, match=r"has lost lines: \d+ of 10000 bytes are there"):
        journal.cut(10_000)
    assert len(lines(tmp_path)) == 1


def test_figures_become_points_of_curves(journal: Journal, points: list[Point]) -> None:
    journal.log(Losses("search", 5, 1.5, -2.0, stage=1))
    journal.log(Validated("train", Validation(7, None, 12.0, 0.5)))
    journal.log(StrategyUpdate(2, 3, {"reward": 1.25}))
    journal.log(StrategyUpdate(0, 1, {"reward": 2.5}, "discriminator"))
    journal.log(WeightsReset(0, 0))
    updates = load_settings().search.controller_steps
    assert points == [
        ("search/discriminator_loss", 1.5, 5),
        ("search/generator_loss", -2.0, 5),
        ("train/frechet_distance", 12.0, 7),
        ("search/reward", 1.25, 2 * updates + 3),
        ("discriminator/reward", 2.5, 1),
    ]


def test_after_a_cut_all_curves_are_drawn_anew(
    journal: Journal, points: list[Point], tmp_path: Path
) -> None:
    journal.log(Losses("train", 1, 1.0, 1.0))
    known = journal.flush()
    journal.log(Losses("train", 2, 2.0, 2.0))
    curves = tmp_path / "tensorboard"
    curves.mkdir()
    (curves / "of before").touch()
    journal.cut(known)
    points.clear()
    journal.log(Losses("train", 2, 3.0, 3.0))
    assert [(value, step) for _, value, step in points] == [(1.0, 1), (1.0, 1), (3.0, 2), (3.0, 2)]
    assert not (curves / "of before").exists()
    points.clear()
    journal.log(Losses("train", 3, 4.0, 4.0))
    assert len(points) == 2


def test_curves_of_what_was_cut_go_when_nothing_more_is_told(
    journal: Journal, points: list[Point], tmp_path: Path
) -> None:
    journal.log(Losses("train", 1, 1.0, 1.0))
    journal.cut(0)
    (tmp_path / "tensorboard").mkdir()
    points.clear()
    journal.close_curves()
    assert points == [] and not (tmp_path / "tensorboard").exists()


def test_damaged_lines_are_left_out_of_the_curves_and_said(
    journal: Journal, points: list[Point], tmp_path: Path
) -> None:
    journal.log(Losses("train", 1, 1.0, 2.0))
    journal.log(Losses("train", 2, 3.0, 4.0))
    content = bytearray((tmp_path / "log.jsonl").read_bytes())
    content[2] = 0xFF
    (tmp_path / "log.jsonl").write_bytes(content)
    journal.cut(len(content))
    points.clear()
    with pytest.warns(UserWarning, match=r"1 damaged lines of log\.jsonl"):
        journal.log(Losses("train", 3, 5.0, 6.0))
    assert [value for _, value, _ in points] == [3.0, 4.0, 5.0, 6.0]
