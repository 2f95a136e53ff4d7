"""What comes from outside is shown, and does not steer the terminal; what cannot be shown is replaced."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from rich.table import Table
from rich.text import Text

from autogan.basics.formatting import shown_text
from autogan.cli.console import ShownConsole

EVIL = "a\x1b[31m\x1b]0;title\x07\u202etxt\nError: forged"


def test_what_is_not_visible_is_escaped() -> None:
    assert shown_text("plain ×–é 猫") == "plain ×–é 猫"
    assert shown_text(EVIL) == r"a\x1b[31m\x1b]0;title\x07\u202etxt\nError: forged"
    assert shown_text("\udcff\u2028\u200f") == r"\udcff\u2028\u200f"


def test_messages_and_tables_carry_no_control_characters(capsys: pytest.CaptureFixture) -> None:
    console = ShownConsole(width=200)
    table = Table("name", title=Text(EVIL))
    table.add_row(Text(EVIL))
    console.print(table)
    console.print(f"There is no {EVIL}", markup=False)
    said = capsys.readouterr().out
    assert not set(said) & set("\x1b\x07\u202e")
    assert r"\x1b[31m" in said and "\nError" not in said


def test_hostile_names_reach_no_output_raw(
    autogan: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
    source = tmp_path / EVIL
    for name in (EVIL, "b"):
        (source / name).mkdir(parents=True)
        for number in range(12):
            Image.new("RGB", (16, 16), (number, 0, 0)).save(source / name / f"{number}.png")
    for arguments in (
        ("data", "info", f"folder:{source}", "--image-size", 16),
        ("data", "info", f"folder:{source}", "--image-size", 16, "--json"),
        ("status", source),
        ("verify", source),
        ("sample", source / "b"),
        ("run", "--config", source / "none", "--out", tmp_path / "x"),
    ):
        answer = autogan(*arguments)
        said = answer.out + answer.err
        assert said and not set(said) & set("\x1b\x07\u202e"), arguments
        assert "\nError: forged" not in said


def program(*arguments: object, **more: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "autogan", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **more)  # type: ignore[call-overload]


def test_an_output_in_ascii_is_no_fault(tmp_path: Path) -> None:
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    for arguments in (("arch", "show", "autogan-a"), ("presets",), ("leaderboard",)):
        ended = program(*arguments, env=ascii_only)
        assert ended.returncode == 0, ended.stderr
        assert "Traceback" not in ended.stderr and ended.stdout.isascii()
    ended = program("status", tmp_path / "é", env=ascii_only)
    assert ended.returncode == 2 and "Traceback" not in ended.stderr


def test_a_name_that_is_too_long_is_refused(autogan: Callable, tmp_path: Path) -> None:
    for arguments in (
        ("demo", "--out", tmp_path / ("x" * 300)),
        ("status", tmp_path / ("x" * 300)),
        ("arch", "show", "autogan-a", "--svg", tmp_path / ("x" * 300)),
    ):
        answer = autogan(*arguments)
        assert answer.code == 2, answer
        assert "too long" in answer.err or "no run" in answer.err
        assert "Traceback" not in answer.err


def test_a_working_directory_that_was_removed_is_said(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    code = "import os; os.rmdir(os.getcwd()); from autogan.__main__ import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "presets"],
        cwd=tmp_path / "gone", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2 and "working directory was removed" in ended.stderr


def test_a_preset_alone_gives_a_hint(autogan: Callable) -> None:
    answer = autogan("presets", "cifar10")
    assert answer.code == 2 and "presets show cifar10" in answer.err


def test_a_run_that_is_refused_is_not_announced(autogan: Callable, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    Image.new("RGB", (32, 32)).save(images / "only.png")
    folder = tmp_path / "run"
    for more in (("--data", f"folder:{images}"), ("--set", "compute.device=cuda:99")):
        answer = autogan("run", "--preset", "demo", "--out", folder, *more)
        assert answer.code == 2 and "Error" in answer.err
        assert "Run folder" not in answer.err and not folder.exists()
