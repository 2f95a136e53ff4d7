"""The acceptance of a GPU runs to its end without one, and goes on where it was stopped."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def accepted(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "benchmarks/gpu_acceptance.py", "--out", out, "--miniature", *options],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip


@pytest.mark.timeout(600)
def test_it_runs_in_miniature_and_resumes(tmp_path: Path) -> None:
    out = tmp_path / "acceptance.json"
    first = accepted(out, "--without", "compiled")  # compiling takes minutes
    assert first.returncode == 0, first.stderr
    found = json.loads(out.read_text())
    assert set(found) == {
        *("machine", "recorded steps", "speed", "search budget", "architecture A", "precision"),
    }
    differences = [entry["difference"] for entry in found["recorded steps"]]
    assert len(differences) == 2 * (3 + 2) * 3 + 10 + 2 and max(differences) < 1e-3
    assert found["search budget"]["minutes"] > 0 and len(found["search budget"]["stages"]) == 3
    assert [point["frechet_distance"] > 0 for point in found["architecture A"]["curve"]] == [
        True
    ] * 4
    assert all(
        len(found["precision"]["frechet_distance"][name]) == 2 for name in ("float32", "bfloat16")
    )
    assert "| wanted | measured | met |" in first.stdout
    del found["recorded steps"]
    out.write_text(json.dumps(found))
    without = accepted(out, "--without", "compiled", "--without", "recorded steps")
    assert without.returncode == 0 and "the paper's search, minutes" in without.stdout
    assert "recorded steps" not in without.stdout and json.loads(out.read_text()) == found
    again = accepted(out, "--without", "compiled")
    assert again.returncode == 0, again.stderr
    assert "recorded steps:" in again.stdout and "speed:" not in again.stdout
    assert json.loads(out.read_text())["speed"] == found["speed"]
