"""Several processes that train together: two do what one does with the whole batch."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

SUPPORT = Path(__file__).parents[1] / "support"
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    """What one process and what two did, by their number."""
    folder = tmp_path_factory.mktemp("together")
    for name, launcher in (("one", ()), ("two", TORCHRUN)):
        ended = subprocess.run(
            [sys.executable, *launcher, str(SUPPORT / "together.py"), str(folder / name)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert ended.returncode == 0, ended.stderr
    loaded = [torch.load(folder / name) for name in ("one", "two")]
    return {of["count"]: of for of in loaded}


@pytest.mark.parametrize("game", ["hinge", "pairing, penalties, labels, augmentation"])
def test_two_processes_do_what_one_does(found: dict[int, dict[str, Any]], game: str) -> None:
    """Losses and images; not the weights one by one: a bias before a normalisation has no gradient but
    rounding, which Adam makes a step of."""
    one, two = found[1]["games"][game], found[2]["games"][game]
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-3, abs=1e-4)
    torch.testing.assert_close(two["images"], one["images"], rtol=0, atol=5e-3)
    assert torch.equal(one["latents"], two["latents"])  # each draws the numbers of all


def test_all_agree_on_what_one_says(found: dict[int, dict[str, Any]]) -> None:
    assert found[2]["agreed"] == "SIGTERM" == found[1]["agreed"]


def test_processes_end_in_peace_with_messages_on_their_way() -> None:
    """Threads that let go of tensors while Python ended aborted the process now and then."""
    ended = subprocess.run(
        [sys.executable, *TORCHRUN, str(SUPPORT / "leaving.py")],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr
