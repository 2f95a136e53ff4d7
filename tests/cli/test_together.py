"""`autogan train` on several processes of `torchrun`."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

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


def test_other_commands_are_refused(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    said = refused("run", "--preset", "demo", "--out", tmp_path / "run")
    assert "torchrun started 2 processes, and only `autogan train` works on several" in said
    monkeypatch.setenv("WORLD_SIZE", "two")
    assert "WORLD_SIZE is 'two'" in refused("train", "--arch", "A", "--out", tmp_path / "run")
