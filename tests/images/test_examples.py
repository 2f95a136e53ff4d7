"""The example images of the guide: the same every time, a folder for each fruit."""

import subprocess
import sys
from pathlib import Path

import pytest
from commands import autogan

from autogan.images import load_data
from autogan.images.examples import FRUIT


def test_the_example_images_are_the_same_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOGAN_CACHE", str(tmp_path / "cache"))
    for name in ("one", "two"):
        answer = autogan("data", "example", "fruit", "--out", tmp_path / name, "--count", 3)
        assert answer.code == 0 and "18 images of apple, banana" in answer.out, answer.err
    one, two = (load_data(str(tmp_path / name), 32) for name in ("one", "two"))
    assert one == two and one.class_names == tuple(FRUIT)
    assert len(one.train) == 12 and len(one.held_out) == 6


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    answer = autogan("data", "example", "fruit", "--out", tmp_path, "--count", 3)
    assert answer.code == 2 and "exists already" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_it_works_from_everywhere_without_torch(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "import autogan.cli\n"
        "from autogan.cli.common import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules\n"
    )
    command = [sys.executable, "-c", program, "data", "example", "fruit", "--out", "a/b"]
    subprocess.run([*command, "--count", "2"], check=True, capture_output=True, cwd=tmp_path)
    assert len(list((tmp_path / "a" / "b").rglob("*.jpg"))) == 12
