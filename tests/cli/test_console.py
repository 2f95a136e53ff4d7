"""What comes from outside is shown, and does not steer the terminal; what cannot be shown is replaced."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autogan.basics.formatting import shown_text
from autogan.cli import console as console_module
from autogan.cli.console import ShownConsole
from autogan.cli.judge import confusion_table
from autogan.judges.confusion import Confusion

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


@pytest.mark.parametrize(
    "arguments",
    [
        (EVIL,),
        ("run", f"--{EVIL}"),
        ("sample", EVIL, "--count", EVIL),
        ("demo", "--time-limit", EVIL),
        ("data", "example", EVIL, "--out", "x"),
        ("arch", "show", EVIL),
        ("presets", "show", EVIL),
        ("presets", EVIL),
        ("leaderboard", EVIL),
    ],
)
def test_mistakes_in_the_command_line_are_shown_escaped(
    autogan: Callable, arguments: tuple[str, ...]
) -> None:
    answer = autogan(*arguments)
    assert answer.code == 2 and answer.out == "" and "Error: " in answer.err
    assert not set(answer.err) & set("\x1b\x07\u202e")
    assert "\nError: forged" not in answer.err


def test_settings_that_are_printed_are_escaped(autogan: Callable) -> None:
    answer = autogan("run", "--preset", "demo", "--dry-run", "--data", EVIL)
    assert answer.code == 0 and r"\e[31m" in answer.out
    assert not set(answer.out) & set("\x1b\x07\u202e")


@pytest.mark.parametrize("columns", [1, 20])
def test_in_a_narrow_terminal_each_row_is_a_block(
    columns: int, autogan: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for console in (console_module.tables, console_module.notes):
        monkeypatch.setattr(console, "_width", columns)
    answer = autogan("leaderboard")
    presets = autogan("presets").out
    assert answer.code == 0 and "demo\n  The" in presets
    assert "│" not in answer.out and "─" not in answer.out
    if columns >= 20:
        assert "inception score: 8" in " ".join(answer.out.split())
        assert max(map(len, answer.out.splitlines())) <= columns


def test_in_a_wide_terminal_a_table_is_a_table(
    autogan: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_module.tables, "_width", 100)
    assert "─" in autogan("leaderboard").out


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


def test_closed_streams_are_not_taken_by_files(tmp_path: Path) -> None:
    for closed in (">&-", "2>&-", "<&-", "<&- >&- 2>&-"):
        ended = subprocess.run(
            ["bash", "-c", f'"$0" -m autogan presets --json {closed}', sys.executable],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert ended.returncode == 0 and ended.stderr == "", closed
        assert ended.stdout == "" or json.loads(ended.stdout)
    code = (
        "import os; os.close(2); from autogan import __main__ as m; m._replace_closed_streams();"
        f"handle = os.open({str(tmp_path / 'log')!r}, os.O_CREAT | os.O_WRONLY);"
        "os.write(2, b'of a library')"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
    assert (tmp_path / "log").read_bytes() == b""


@pytest.mark.parametrize("command", ["leaderboard", "presets", "arch show autogan-a"])
def test_whoever_reads_no_more_ends_the_program_as_a_signal_would(command: str) -> None:
    ended = subprocess.run(
        ["bash", "-c", f'"$0" -m autogan {command} | true; echo ${{PIPESTATUS[0]}}', sys.executable],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.stdout.split()[-1] in ("141", "0") and ended.stderr == ""
    full = subprocess.run(
        ["bash", "-c", f'"$0" -m autogan {command} > /dev/full', sys.executable],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert full.returncode == 2 and full.stderr == "Error: The output: No space left on device.\n"


@pytest.mark.parametrize("limit_kib", [2_000_000, 600_000, 25_000])
def test_too_little_memory_is_a_message(limit_kib: int, tmp_path: Path) -> None:
    for command in ("presets", f"demo --out {tmp_path / 'run'}", f"status {tmp_path}", "bench"):
        ended = subprocess.run(
            ["bash", "-c", f'ulimit -v {limit_kib}; "$0" -m autogan {command}', sys.executable],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert ended.returncode in (0, 2), ended.stderr
        assert "Traceback" not in ended.stderr and "fault of autogan" not in ended.stderr
    assert ended.returncode == 2 and "not enough memory" in ended.stderr
    assert not (tmp_path / "run").exists()


def test_classes_that_are_called_like_markup_are_shown_as_they_are() -> None:
    stream = io.StringIO()
    Console(file=stream, width=100).print(confusion_table([Confusion("[/sad]", "[smile]", 1, 2)]))
    row = next(line for line in stream.getvalue().splitlines() if "1 of 2" in line)
    assert "[/sad]" in row and "[smile]" in row and "50.0%" in row
