"""Folders made for an output go away again, and no others do."""

from pathlib import Path

import pytest

from autogan.runs.made_folders import make_folders, remove_made_folders


def test_what_was_made_is_gone_again_and_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    folder = tmp_path / "there" / "a" / "b"
    made = make_folders(folder)
    assert made == [folder.parent, folder] and folder.is_dir()
    assert make_folders(folder) == []
    remove_made_folders([])
    assert folder.is_dir()
    remove_made_folders(made)
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]


def test_folders_that_are_used_stay(tmp_path: Path) -> None:
    made = make_folders(tmp_path / "a" / "b" / "c")
    (tmp_path / "a" / "another").mkdir()
    remove_made_folders(made)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["another"]


def test_relative_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = make_folders(Path("a/../b/c"))
    assert (tmp_path / "b" / "c").is_dir()
    remove_made_folders(made)
    assert list(tmp_path.iterdir()) == []
    assert make_folders(Path(".")) == []


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_way_is_an_error_that_leaves_nothing(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        make_folders(tmp_path / place)
    with pytest.raises(OSError):
        make_folders(tmp_path / "new" / ("x" * 300))
    assert list(tmp_path.rglob("*")) == [tmp_path / "file"]
