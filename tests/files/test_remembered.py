"""What is remembered in the cache: it comes back, and damage is no obstacle."""

from pathlib import Path

import pytest

from autogan.files import remembered
from autogan.files.remembered import Remembered


def test_values_come_back_by_key(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "speeds.json"
    assert Remembered(file).recall("here", dict[str, float]) is None
    Remembered(file).keep("here", {"a": 1.5})
    Remembered(file).keep("there", [2])
    assert Remembered(file).recall("here", dict[str, float]) == {"a": 1.5}
    assert Remembered(file).recall("there", list[int]) == [2]


def test_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST_ENTRIES", 2)
    known = Remembered(tmp_path / "speeds.json")
    for key in ("a", "b", "a", "c"):
        known.keep(key, key)
    assert [known.recall(key, str) for key in "abc"] == ["a", None, "c"]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_named_and_replaced(text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "speeds.json"
    file.write_bytes(text)
    known = Remembered(file)
    with pytest.warns(UserWarning, match="damaged"):
        assert known.recall("here", int) is None
    with pytest.warns(UserWarning, match="damaged"):
        known.keep("here", 3)
    assert known.recall("here", int) == 3


def test_a_value_of_another_kind_is_not_taken(tmp_path: Path) -> None:
    known = Remembered(tmp_path / "speeds.json")
    known.keep("here", {"a": "b"})
    with pytest.warns(UserWarning, match="damaged"):
        assert known.recall("here", dict[str, float]) is None


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="cannot be written"):
        Remembered(tmp_path / "file" / "speeds.json").keep("here", 1)
