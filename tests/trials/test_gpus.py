"""Every worker sees GPUs of its own; too few are refused before anything begins."""

from pathlib import Path

import pytest
import torch
from commands import autogan

from autogan.basics.errors import UserError
from autogan.device.gpus import VISIBLE
from autogan.trials.gpus import shared_out


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.delenv(VISIBLE, raising=False)


@pytest.mark.parametrize(
    ("workers", "for_each", "shares"),
    [(4, 1, ["0", "1", "2", "3"]), (2, 2, ["0,1", "2,3"]), (1, 3, ["0,1,2"])],
)
def test_no_gpu_is_given_to_two(workers: int, for_each: int, shares: list[str], four: None) -> None:
    assert shared_out(workers, for_each) == shares


def test_only_those_are_given_that_this_process_sees(
    four: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VISIBLE, "7, GPU-5e,2,0")
    assert shared_out(2, 2) == ["7,GPU-5e", "2,0"]


def test_too_few_are_refused_with_the_numbers(four: None) -> None:
    with pytest.raises(UserError, match=r"needs 6 GPUs, and this process sees 4 \(0, 1, 2, 3\)"):
        shared_out(3, 2)


def test_the_command_refuses_before_it_makes_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    given = ("--method", "trials", "--preset", "demo", "--strategy", "random", "--out", "run")
    answer = autogan("search", *given, "--workers", "2", "--gpus-per-worker", "1")
    assert answer.code == 2 and "needs 2 GPUs, and this process sees none" in answer.err
    assert not (tmp_path / "run").exists()
    answer = autogan("search", "--preset", "demo", "--out", "run", "--gpus-per-worker", "1")
    assert answer.code == 2 and "add --method trials" in answer.err
