"""The files of the authors' program, and one command line run as the program does."""

import contextlib
import io
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from autogan import cli


class Answer(NamedTuple):
    code: object
    out: str
    err: str


@pytest.fixture(scope="session")
def official() -> Path:
    """The folder with the authors' checkpoints and golden outputs."""
    return Path(__file__).parents[1] / "data" / "official"


@pytest.fixture
def autogan(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs one command in this process."""

    def run(*arguments: object) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "argv", ["autogan", *map(str, arguments)])
        monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
        code: object = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                cli.main()
            except SystemExit as ended:
                code = ended.code or 0
        return Answer(code, out.getvalue(), err.getvalue())

    return run
