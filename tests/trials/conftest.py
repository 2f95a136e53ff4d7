"""Where searches by trials are tested."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import split, write_folder


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache and a working folder of the test's own, without a storage from outside."""
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AUTOGAN_STORAGE", raising=False)
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_folder(split(40, 40), tmp_path / "pets")
