"""The functions for Python: what goes wrong is a `UserError` in plain words."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tiny import tiny

from autogan import api
from autogan.basics.errors import UserError
from autogan.progress.base import Progress
from autogan.runs.locking import FolderLost
from autogan.runs.machine_errors import MachineError
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture

ARCHITECTURE = Architecture.parse("pre-none-nearest/pre-none-nearest")
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "search": api.search_architectures,
    "train": lambda *these: api.train_architecture(ARCHITECTURE, *these),
    "both": api.search_and_train,
}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
    for number in range(400):
        file = tmp_path / "images" / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (number % 256, 9 * number % 256, 99)).save(file)
    return tiny(data={"source": f"folder:{tmp_path / 'images'}"})


class Meddling(Progress):
    """Does something when a part begins."""

    def __init__(self, do: Callable[[], None], part: str) -> None:
        self.do, self.part = do, part

    def start(self, part: str) -> None:
        if part == self.part:
            self.do()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_folder_that_is_taken_away_is_said(name: str, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    meddling = Meddling(
        lambda: folder.rename(tmp_path / "aside"), "train" if name == "train" else "search"
    )
    with pytest.raises(FolderLost, match="removed, renamed or replaced"):
        FUNCTIONS[name](settings, folder, meddling)
    assert not folder.exists()


def test_a_full_disk_is_said_with_what_to_do(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    meddling = Meddling(lambda: monkeypatch.setattr("os.fsync", full), "search")
    with pytest.raises(MachineError, match=r"No space left.*autogan search --resume"):
        api.search_architectures(settings, tmp_path / "run", meddling)


def test_settings_that_cannot_be_used_leave_no_folder(settings: Settings, tmp_path: Path) -> None:
    batch = {"discriminator_batch": 1000}
    refused = settings.model_copy(update={"search": settings.search.model_copy(update=batch)})
    with pytest.raises(UserError, match="discriminator_batch"):
        api.search_architectures(refused, tmp_path / "new" / "run")
    assert not (tmp_path / "new").exists()


def test_what_is_no_architecture_or_no_settings_is_said_before_a_folder_is_made(
    settings: Settings, tmp_path: Path
) -> None:
    folder: Any = tmp_path / "run"
    wrong: Any = "autogan-a"
    with pytest.raises(UserError, match=r"Architecture\.parse\('autogan-a'\)"):
        api.train_architecture(wrong, settings, folder)
    with pytest.raises(UserError, match="has 1 cells, but images of 16 pixels take 2"):
        api.train_architecture(Architecture.parse("pre-none-nearest"), settings, folder)
    with pytest.raises(UserError, match="Settings are needed"):
        api.search_and_train({}, folder)  # type: ignore[arg-type]
    assert not folder.exists()
