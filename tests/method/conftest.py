"""Every test of the method has a cache of its own, and draws no curves."""

from pathlib import Path

import pytest

from autogan.runs.journal import Journal


@pytest.fixture(autouse=True)
def without_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorBoard takes seconds to load."""
    monkeypatch.setattr(Journal, "curve", lambda journal, name, value, step: None)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
