"""Ctrl-C while Python still imports the program ends it in silence."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

INTERRUPTED_AT_IMPORT = """
import os, signal, sys
from autogan.__main__ import main

module = sys.argv.pop(1)

def interrupt(event, arguments):
    if event == "import" and arguments[0] == module:
        os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(interrupt)
main()
"""
SAYS_WHEN_IT_BEGINS = """
import sys
from autogan.__main__ import main

def tell(event, arguments):
    if event == "import" and arguments[0] == "autogan.cli":  # from here on Ctrl-C is listened to
        print("begins", flush=True)

sys.addaudithook(tell)
main()
"""


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("autogan.cli", "--help"),
        ("typer", "--help"),
        ("rich.console", "--help"),
        ("autogan.cli.runs", "--help"),
        ("pydantic", "presets"),
        ("numpy.linalg", "sample"),  # torch imports numpy, and goes on where that fails
        ("torch.nn", "sample"),
    ],
)
def test_while_a_module_is_imported(module: str, command: str, tmp_path: Path) -> None:
    """Whatever catches exceptions on the way: the module's importer, or torch."""
    rest = ["no-such-file", "--out", str(tmp_path / "x.png")] if command == "sample" else []
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_IMPORT, module, command, *rest],
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
def test_after_some_time(seconds: float) -> None:
    program = [sys.executable, "-c", SAYS_WHEN_IT_BEGINS, "sample", "no-such-file"]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")


def test_whoever_wants_no_ctrl_c_gets_none() -> None:
    program = [sys.executable, "-c", INTERRUPTED_AT_IMPORT, "typer", "--version"]
    ended = subprocess.run(
        ["sh", "-c", 'trap "" INT; exec "$0" "$@"', *program],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0 and ended.stdout.startswith("autogan ") and ended.stderr == ""


def test_importing_the_package_imports_next_to_nothing() -> None:
    """Until the handler is set, Ctrl-C shows a traceback."""
    code = (
        "import sys; before = set(sys.modules); import autogan.__main__; "
        "print(sorted(set(sys.modules) - before))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout.strip() == "['autogan', 'autogan.__main__']", ended.stderr
