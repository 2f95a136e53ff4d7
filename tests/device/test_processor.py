"""How many processors a process may use."""

import os
import sys

import pytest

from autogan.device.processor import available_processors


def test_where_the_system_says_no_more_they_are_those_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on macOS, whose Python has no `sched_getaffinity`."""
    assert 1 <= available_processors() <= (os.cpu_count() or 1)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert available_processors() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_processors() == 1
