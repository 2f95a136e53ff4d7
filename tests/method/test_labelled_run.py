"""Whole runs whose networks are told classes: of all images, and of some."""

import json
from pathlib import Path

import pytest
from commands import autogan
from PIL import Image
from tiny import Listening, tiny

from autogan.api import search_and_train
from autogan.basics.errors import UserError
from autogan.runs.folder import Run
from autogan.settings.sections import Settings
from autogan.spaces.generator_file import load_generator

FOLDERS = ("apple", "pear", "unlabelled")


def images(folder: Path, folders: tuple[str, ...]) -> Path:
    """More of the first than of the second."""
    for number in range(420):
        name = folders[(number % 5) // 2 % len(folders)]
        file = folder / name / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        red = 200 if name == "apple" else number % 256
        Image.new("RGB", (16, 16), (red, 9 * number % 256, 99)).save(file)
    return folder


def settings(folder: Path, conditional: str = "auto") -> Settings:
    return tiny(data={"source": f"folder:{folder}"}, network={"conditional": conditional})


@pytest.mark.parametrize("folders", [FOLDERS[:2], FOLDERS], ids=["all", "some"])
def test_a_run_of_classes_is_whole_and_sound(folders: tuple[str, ...], tmp_path: Path) -> None:
    source = images(tmp_path / "fruit", folders)
    progress = Listening()
    generator, results = search_and_train(settings(source), tmp_path / "run", progress)
    assert generator.classes is not None and generator.classes.names == ("apple", "pear")
    data = json.loads((tmp_path / "run" / "data.json").read_text())
    assert data["classes"]["unlabelled"] == (len(folders) == 3)
    assert data["classes"]["shares"] == list(generator.classes.shares)
    some = f"{data['labelled_images']} have a label" if "labelled_images" in data else None
    assert (some is not None) == (len(folders) == 3)
    assert results["classes"] == generator.classes.to_plain()
    assert [row["name"] for row in results["by_class"]["classes"]] == ["apple", "pear"]
    assert 0 <= results["by_class"]["agreement"] <= 1
    assert any("labelled in 2 classes" in note for note in progress.notes) == (len(folders) == 3)
    saved = load_generator(tmp_path / "run" / "generator.safetensors")
    assert saved.origin["settings"]["network"]["conditional"] == "always"
    page = (tmp_path / "run" / "report.html").read_text()
    assert "judges whether an image fits it" in page and (some is None or some in page)
    assert "Class by class" in page and "network.conditional" in page
    answer = autogan("verify", tmp_path / "run", "--recompute")
    assert answer.code == 0, answer.err
    assert autogan("status", tmp_path / "run").code == 0
    again = autogan("evaluate", tmp_path / "run" / "generator.safetensors", "--json")
    assert json.loads(again.out)["by_class"] == results["by_class"]


def test_a_change_at_a_resume_is_refused(tmp_path: Path) -> None:
    source = images(tmp_path / "fruit", FOLDERS)
    Run.create(tmp_path / "run", settings(source)).close()
    for changed in ("never", "always"):
        with pytest.raises(UserError, match=f"network.conditional: auto before, {changed} now"):
            Run.resume(tmp_path / "run", settings(source, changed))


def test_classes_that_are_not_there_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    source = images(tmp_path / "fruit", FOLDERS[2:])
    progress = Listening()
    with pytest.raises(UserError, match="conditional is always"):
        search_and_train(settings(source, "always"), tmp_path / "run", progress)
    assert progress.parts == [] and not (tmp_path / "run").exists()
    options = ("--preset", "own-16", "--data", f"folder:{source}", "--out", tmp_path / "run")
    answer = autogan("run", *options, "--set", "network.conditional=always")
    assert answer.code == 2 and "network.conditional is always" in " ".join(answer.err.split())
    assert not (tmp_path / "run").exists()
