"""Text files are read whole, or refused: no pipes, no devices, nothing that is too large."""

import os
from pathlib import Path

import pytest

from autogan.basics.errors import UserError
from autogan.files import texts
from autogan.files.plain_yaml import read_yaml


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("×" * 50)
    assert texts.read_text(file) == "×" * 50
    assert texts.read_bytes(file, 100) == file.read_bytes()
    with pytest.raises(UserError, match="larger than"):
        texts.read_bytes(file, 99)
    file.write_bytes(b"\xff")
    with pytest.raises(UserError, match="not UTF-8"):
        texts.read_text(file)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    for name, words in (
        ("pipe", "not a regular file"),
        ("zero", "not a regular file"),
        ("folder", "directory|regular"),
        ("missing", "No such file"),
    ):
        for read in (texts.read_text, read_yaml):
            with pytest.raises(UserError, match=f"{name}: .*({words})"):
                read(tmp_path / name)
