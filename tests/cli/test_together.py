"""`autogan train` on several processes of `torchrun`."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from autogan.device.torchrun import started_count

TWO = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
SMALL = [
    *("--preset", "demo", "--arch"),
    "pre-none-nearest+shortcut/pre-none-bilinear+skip0/pre-none-nearest+skip1",
    *(
        f"--set={setting}"
        for setting in (
            *("train.generator_steps=30", "train.validate_every_steps=15"),
            *("train.generator_channels=8", "train.discriminator_channels=8"),
            *("train.generator_batch=16", "train.discriminator_batch=16"),
            *("train.validation_images=200", "evaluate.images=200"),
            *("evaluate.inception_splits=1", "judge.width=8", "judge.epochs=1"),
        )
    ),
]


def trained_by_two(*arguments: object) -> str:
    """What two processes said."""
    ended = subprocess.run(
        [*TWO, "-m", "autogan", "train", *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def test_two_processes_stop_together_and_go_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole, interrupted = tmp_path / "whole", tmp_path / "interrupted"
    said = trained_by_two(*SMALL, "--out", whole)
    assert said.count("Fréchet") == 1  # the first alone evaluates and tells
    trained_by_two(*SMALL, "--out", interrupted, "--time-limit", "12s")
    trained_by_two("--resume", "--out", interrupted)
    one, other = (load_file(run / "generator.safetensors") for run in (whole, interrupted))
    assert one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)
    assert (interrupted / "results.json").exists()


def test_batches_that_cannot_be_shared_are_refused(tmp_path: Path) -> None:
    ended = subprocess.run(
        [
            *(*TWO, "-m", "autogan", "train", *SMALL, "--out", str(tmp_path / "run")),
            *("--set", "train.discriminator_batch=15"),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ended.returncode != 0
    assert "train.discriminator_batch is 15, which 2 processes cannot share" in ended.stderr
    assert not (tmp_path / "run").exists()


def as_of_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is told that it is the first of two."""
    told = {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}
    for name, value in {**told, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)


def test_other_commands_are_refused(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    as_of_torchrun(monkeypatch)
    said = refused("run", "--preset", "demo", "--out", tmp_path / "run")
    assert "torchrun started 2 processes, and only `autogan train` works on several" in said
    monkeypatch.setenv("WORLD_SIZE", "two")
    assert "WORLD_SIZE is 'two'" in refused("train", "--arch", "A", "--out", tmp_path / "run")


@pytest.mark.parametrize(
    "missing",
    [
        ("RANK",),
        ("LOCAL_RANK", "MASTER_PORT"),
        ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"),
    ],
)
def test_a_number_of_processes_that_torchrun_did_not_start_is_refused(
    refused: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    missing: tuple[str, ...],
) -> None:
    as_of_torchrun(monkeypatch)
    for name in missing:
        monkeypatch.delenv(name)
    said = refused("train", "--arch", "A", "--out", tmp_path / "run")
    assert f"torchrun did not start this process: it lacks {', '.join(missing)}." in said
    assert not (tmp_path / "run").exists()
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert started_count() == 1
