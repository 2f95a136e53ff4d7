"""Checkpoints: numbered over all parts, two of each, and going back to what is whole."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from autogan.basics.errors import UserError
from autogan.runs.checkpoints import (
    Checkpoints,
    checkpoint_files,
    go_back_to_whole_state,
    load_checkpoint,
    newest_positions,
)
from autogan.runs.events import WeightsReset
from autogan.runs.journal import Journal
from autogan.runs.locking import FolderLock, lock
from autogan.settings.loading import load_settings


@pytest.fixture
def held(tmp_path: Path) -> Iterator[FolderLock]:
    held = lock(tmp_path)
    yield held
    held.close()


@pytest.fixture
def journal(tmp_path: Path, held: FolderLock) -> Iterator[Journal]:
    journal = Journal(tmp_path, load_settings(), held)
    yield journal
    journal.close()


@pytest.fixture
def checkpoints(tmp_path: Path, journal: Journal, held: FolderLock) -> Checkpoints:
    return Checkpoints(tmp_path, load_settings(), journal, held)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / "checkpoints").iterdir())


def keep(checkpoints: Checkpoints, *parts: str) -> None:
    """A state of each of these parts, which knows its place among all."""
    for number, part in enumerate(parts):
        checkpoints.save(part, {"number": number}, {"step": number})


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_a_state_comes_back_with_its_position(checkpoints: Checkpoints) -> None:
    state: dict[str, Any] = {"weights": torch.arange(3.0), "step": 7, "names": ["a", None]}
    checkpoints.save("search", state, {"iteration": 2})
    loaded = checkpoints.load("search")
    assert loaded is not None and torch.equal(loaded.pop("weights"), torch.arange(3.0))
    assert loaded == {"step": 7, "names": ["a", None]}
    assert checkpoints.position("search") == {"iteration": 2}
    assert checkpoints.load("train") is None and checkpoints.position("train") is None


def test_two_states_of_each_part_are_kept_numbered_over_all(
    checkpoints: Checkpoints, tmp_path: Path
) -> None:
    keep(checkpoints, "search", "train", "train", "search", "train")
    assert names(tmp_path) == [
        "search-00000001.safetensors",
        "search-00000004.safetensors",
        "train-00000003.safetensors",
        "train-00000005.safetensors",
    ]
    assert [file.stem[-1] for file in checkpoint_files(tmp_path)] == ["1", "3", "4", "5"]
    assert newest_positions(tmp_path) == {"search": {"step": 3}, "train": {"step": 4}}
    assert load_checkpoint(tmp_path, "train") == {"number": 4}


def test_parts_whose_names_begin_alike_are_kept_apart(
    checkpoints: Checkpoints, tmp_path: Path
) -> None:
    keep(checkpoints, "candidate-1", "candidate-10", "candidate-1", "candidate-10")
    checkpoints.drop("candidate-1")
    assert checkpoints.load("candidate-1") is None
    assert checkpoints.load("candidate-10") == {"number": 3}
    assert set(newest_positions(tmp_path)) == {"candidate-10"}


def test_numbers_grow_beyond_parts_that_were_dropped(
    checkpoints: Checkpoints, tmp_path: Path
) -> None:
    keep(checkpoints, "train", "search")
    checkpoints.drop("train")
    checkpoints.save("train", {"number": 9})
    assert names(tmp_path)[-1] == "train-00000003.safetensors"


def test_what_is_to_happen_after_every_state_does(checkpoints: Checkpoints) -> None:
    seen: list[Any] = []
    checkpoints.after_saving = lambda: seen.append(checkpoints.position("search"))
    before = checkpoints.last_saved
    keep(checkpoints, "search", "search")
    assert seen == [{"step": 0}, {"step": 1}] and checkpoints.last_saved >= before


def test_the_journal_goes_back_to_the_newest_state(
    checkpoints: Checkpoints, journal: Journal, tmp_path: Path
) -> None:
    journal.log(WeightsReset(0, 0))
    keep(checkpoints, "search")
    journal.log(WeightsReset(1, 0))
    checkpoints.cut_journal()
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["iteration"] for line in lines] == [0]
    checkpoints.drop("search")
    checkpoints.cut_journal()  # without any state nothing was done
    assert (tmp_path / "log.jsonl").read_text() == ""


def test_a_damaged_newest_state_is_set_aside_for_the_one_before_it(
    checkpoints: Checkpoints, tmp_path: Path
) -> None:
    keep(checkpoints, "search", "search")
    damage(tmp_path / "checkpoints" / "search-00000002.safetensors")
    with pytest.warns(UserWarning, match="goes on from the checkpoint before it"):
        checkpoints.go_back_to_whole_state()
    assert checkpoints.load("search") == {"number": 0}
    assert names(tmp_path) == [
        "search-00000001.safetensors",
        "search-00000002.safetensors.damaged",
    ]
    checkpoints.save("search", {"number": 7})
    assert checkpoints.load("search") == {"number": 7}


def test_what_came_after_a_damaged_state_goes_too(checkpoints: Checkpoints, tmp_path: Path) -> None:
    keep(checkpoints, "search", "derive", "candidate-0", "candidate-0")
    damage(tmp_path / "checkpoints" / "derive-00000002.safetensors")
    with pytest.warns(UserWarning, match=r"the part 'derive' begins anew"):
        checkpoints.go_back_to_whole_state()
    assert set(newest_positions(tmp_path)) == {"search"}


def test_every_damaged_state_is_passed(checkpoints: Checkpoints, tmp_path: Path) -> None:
    keep(checkpoints, "search", "search")
    for file in checkpoint_files(tmp_path):
        damage(file)
    with pytest.warns(UserWarning) as warned:
        checkpoints.go_back_to_whole_state()
    assert len(warned) == 2 and checkpoints.load("search") is None


def test_a_damaged_state_says_no_position(checkpoints: Checkpoints, tmp_path: Path) -> None:
    keep(checkpoints, "search")
    checkpoint_files(tmp_path)[0].write_bytes(b"")
    with pytest.raises(UserError, match="Going on with the run takes the newest one before it"):
        newest_positions(tmp_path)


def test_states_of_other_settings_and_of_older_versions_are_refused(
    checkpoints: Checkpoints, tmp_path: Path
) -> None:
    keep(checkpoints, "search")
    other = load_settings(overrides=["seed=4"])
    with pytest.raises(
        UserError, match=r"search-00000001\.safetensors was made with other settings"
    ):
        go_back_to_whole_state(tmp_path, other)
    go_back_to_whole_state(tmp_path, load_settings(overrides=["log_every_steps=7"]))
    (tmp_path / "checkpoints" / "log.json").write_text("{}")
    with pytest.raises(UserError, match="of an older version"):
        go_back_to_whole_state(tmp_path, load_settings())
    with pytest.raises(UserError, match="of an older version"):
        newest_positions(tmp_path)
