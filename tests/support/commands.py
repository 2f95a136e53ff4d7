"""Running commands in the test's own process, as the program does."""

import contextlib
import io
import sys
import warnings
from typing import NamedTuple

import pytest

from autogan import cli


class Answer(NamedTuple):
    """How a command ended and what it printed."""

    code: object
    out: str
    err: str


def autogan(*arguments: object) -> Answer:
    """Runs one command, however it ends."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        patch.setattr(sys, "argv", ["autogan", *map(str, arguments)])
        patch.setattr(warnings, "showwarning", warnings.showwarning)
        cli.main()
    return Answer(ended.value.code or 0, out.getvalue(), err.getvalue())
