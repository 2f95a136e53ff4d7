"""A run says which commit it is of, and where it began: relative paths of its images lead from there."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from autogan.basics.errors import UserError
from autogan.runs import environment as module
from autogan.runs.config import read_settings, run_directory_of
from autogan.runs.environment import environment, settings_seen_from, source_seen_from
from autogan.runs.folder import Run
from autogan.settings.loading import load_settings


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("here", "elsewhere"):
        (tmp_path / name / "fruit").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here" / "weights.pth").touch()
    changes = {
        "data": {"source": "folder:fruit"},
        "judge": {"kind": "inception", "inception_weights": "weights.pth"},
    }
    Run.create(tmp_path / "run", load_settings(changes=changes)).close()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "here"


def test_a_resume_from_elsewhere_finds_the_images_it_began_with(begun: Path) -> None:
    folder = begun.parent / "run"
    run = Run.resume(folder)
    assert run.source == f"folder:{begun}/fruit"
    assert run.inception_weights == f"{begun}/weights.pth"
    assert run.settings.data.source == "folder:fruit"
    assert run.settings.judge.inception_weights == "weights.pth"
    run.close()
    described = yaml.safe_load((folder / "config.yaml").read_text())
    assert described["settings"]["data"]["source"] == "folder:fruit"


def test_images_that_were_moved_with_the_run_are_taken_and_that_is_said(begun: Path) -> None:
    (begun / "fruit").rename(begun / "gone")
    with pytest.warns(UserWarning, match="There is nothing at"):
        run = Run.resume(begun.parent / "run")
    assert run.source == "folder:fruit"
    run.close()


def test_only_relative_paths_depend_on_a_directory(begun: Path) -> None:
    for source in ("glyphs", "cifar10", "stl10", "folder:/a/b", "/a/b", "cifar10:/a"):
        assert source_seen_from(str(begun), source) == source
    for source, seen in (("fruit", "{}/fruit"), ("cifar10:fruit", "cifar10:{}/fruit")):
        assert source_seen_from(str(begun), source) == seen.format(begun)
        assert source_seen_from(None, source) == source


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"source": "folder:~nobody-of-this-name/fruit"}},
        {"judge": {"inception_weights": "~nobody-of-this-name/weights.pth"}},
    ],
)
def test_a_home_of_nobody_is_named(begun: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"~nobody-of-this-name/.* is no path"):
        settings_seen_from(str(begun), load_settings(changes=changes))


def test_those_who_only_read_a_run_find_its_files_too(begun: Path) -> None:
    folder = begun.parent / "run"
    for file in (folder / "generator.safetensors", folder / "candidates" / "0.safetensors"):
        found = settings_seen_from(run_directory_of(file), read_settings(folder))
        assert found.data.source == f"folder:{begun}/fruit"
        assert found.judge.inception_weights == f"{begun}/weights.pth"
    assert run_directory_of(begun / "generator.safetensors") is None


def test_the_commit_is_that_of_a_repository_which_holds_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not one of somebody whose virtual environment lies in a repository."""

    def git(*arguments: str) -> str:
        command = [
            "git",
            "-C",
            str(tmp_path),
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            *arguments,
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    installed = tmp_path / ".venv" / "autogan" / "environment.py"
    installed.parent.mkdir(parents=True)
    installed.touch()
    git("init")
    git("commit", "--allow-empty", "--message", "theirs")
    monkeypatch.setattr(module, "__file__", str(installed))
    assert environment("cpu")["commit"] is None
    git("add", ".")
    git("commit", "--message", "ours")
    assert environment("cpu")["commit"] == git("rev-parse", "HEAD")
