"""`status` at every point of a run, interruption, resuming, and `judge train`, in miniature."""

import errno
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from autogan.basics.errors import Diverged
from autogan.basics.version import package_version
from autogan.files import storage
from autogan.method import train
from autogan.method.search import Search
from autogan.method.train import Training
from autogan.runs.config import read_settings
from autogan.runs.folder import Run
from autogan.runs.task import Task
from autogan.settings.loading import load_settings
from autogan.spaces.generator_file import load_generator

CLASSES = ("disc", "box", "bar")
COLOURS = ("crimson", "gold", "lime", "teal", "navy", "purple", "white")
CELL = "pre-batch-nearest"
TINY = """
compute: {device: cpu, precision: float32}
data: {image_size: 16}
network: {latent_size: 8}
judge: {image_size: 16, width: 8, epochs: 2, batch_size: 32, learning_rate: 0.05, flip: false}
log_every_steps: 1
search:
  stage_weights: [1, 1]
  iterations: 2
  shared_epochs: 0.1
  controller_steps: 1
  reward_images: 40
  candidates: 2
  beams: 1
  generator_channels: 8
  discriminator_channels: 8
  generator_batch: 8
  discriminator_batch: 8
  discriminator_steps: 1
derive: {candidates: 2, top: 1, generator_steps: 2}
train:
  generator_channels: 8
  discriminator_channels: 8
  generator_batch: 8
  discriminator_batch: 8
  discriminator_steps: 1
  generator_steps: 4
  validate_every_steps: 2
  validation_images: 40
evaluate: {images: 40, inception_splits: 2}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder with images, settings and the cache of this module."""
    home = tmp_path_factory.mktemp("runs")
    (home / "tiny.yaml").write_text(TINY)
    for split, count in (("train", 40), ("test", 12)):
        for name in CLASSES:
            (home / "shapes" / split / name).mkdir(parents=True)
            for number in range(count):
                shape(name, number).save(home / "shapes" / split / name / f"{number}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGAN_CACHE", str(home / "cache"))
        yield home


def shape(name: str, number: int) -> Image.Image:
    image = Image.new("RGB", (16, 16), COLOURS[number % 7])
    draw, ink = ImageDraw.Draw(image), COLOURS[(number + 1 + number // 7) % 7]
    left, top = number % 4, number // 4 % 4
    box = (left, top, left + 10, top + (3 if name == "bar" else 10))
    (draw.ellipse if name == "disc" else draw.rectangle)(box, fill=ink)
    return image


def tiny(home: Path, *more: object) -> list[object]:
    return ["--config", home / "tiny.yaml", "--data", f"folder:{home / 'shapes'}", *more]


def interrupt(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, call: int) -> None:
    """Presses Ctrl-C at the given call of a method."""
    whole, calls = getattr(owner, method), []

    def pressed(self: object, *arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == call:
            raise KeyboardInterrupt
        return whole(self, *arguments)

    monkeypatch.setattr(owner, method, pressed)


def interrupt_search(monkeypatch: pytest.MonkeyPatch, iteration: int) -> None:
    """Presses Ctrl-C when the controller is to learn in an iteration, counted from 0."""
    whole = Search.controller_step

    def pressed(search: Search) -> None:
        if search.iteration == iteration:
            raise KeyboardInterrupt
        whole(search)

    monkeypatch.setattr(Search, "controller_step", pressed)


def test_a_search_that_is_interrupted_goes_on_as_told(
    autogan: Callable, done: Callable, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "a search"
    with monkeypatch.context() as patch:
        interrupt_search(patch, iteration=1)
        answer = autogan("search", *tiny(home, "--out", folder))
    assert answer.code == 130
    command = f"autogan search --resume --out '{folder}'"
    assert command in answer.err.replace("\n", " ") and "Traceback" not in answer.err

    status = json.loads(done("status", folder, "--json").out)
    assert status["command"] == "search" and status["part"] == "search"
    assert status["position"] == "iteration 2 of 2, stage 2 of 2"
    assert status["kept"] == "1 of 2 iterations of the search"
    assert 0 < status["share"] < 1 and status["left"] == ["search"]
    assert status["next_command"] == command
    assert 0 <= status["seconds_since_write"] < 300
    text = done("status", folder).out
    assert "stopped; last wrote" in text and f"go on: {command}" in text
    assert "loss" in status["trains_with"]
    assert f"trains with: {status['trains_with']}" in " ".join(text.split())

    done("search", "--resume", "--out", folder)
    status = json.loads(done("status", folder, "--json").out)
    assert status["part"] == "finished" and status["share"] == pytest.approx(1)
    assert status["next_command"] == f"autogan derive '{folder}'"
    with monkeypatch.context() as patch:
        interrupt(patch, Training, "validate", 1)
        answer = autogan("derive", folder)
    assert answer.code == 130 and f"autogan derive '{folder}'" in answer.err.replace("\n", " ")
    status = json.loads(done("status", folder, "--json").out)
    assert status["part"] == "derive" and status["position"].startswith("candidate 1: step 2 of 2")
    done("derive", folder)
    status = json.loads(done("status", folder, "--json").out)
    assert status["part"] == "finished" and status["next_command"] is None


@pytest.mark.parametrize("method", ["shared", "trials"])
def test_limits_that_no_architecture_keeps_are_refused_before_anything(
    method: str, refused: Callable, home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    said = refused(
        "search",
        *tiny(home, "--out", folder, "--method", method, "--strategy", "random"),
        *("--set", "search.limits.parameters=100"),
    )
    assert "keeps search.limits.parameters=100. The smallest is " in " ".join(said.split())
    assert not folder.exists()


def test_a_search_within_limits_says_so(done: Callable, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done("search", *tiny(home, "--out", folder, "--set", "search.limits.parameters=2e6"))
    assert (
        json.loads(done("status", folder, "--json").out)["limits"] == "at most 2,000,000 parameters"
    )
    assert "limits: at most 2,000,000 parameters" in done("status", folder).out
    done("report", folder)
    page = (folder / "report.html").read_text("utf-8")
    assert "Every architecture has at most 2,000,000 parameters." in page


def test_a_training_goes_on_without_naming_its_architecture(
    autogan: Callable,
    done: Callable,
    refused: Callable,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, arch = home / "trained", f"{CELL}/{CELL}+skip0"
    (home / "arch.json").write_text(json.dumps({"architecture": arch}))
    with monkeypatch.context() as patch:
        interrupt(patch, Training, "validate", 2)
        answer = autogan("train", "--arch", home / "arch.json", *tiny(home, "--out", folder))
    assert answer.code == 130
    status = json.loads(done("status", folder, "--json").out)
    assert status["part"] == "train" and status["left"] == ["train", "evaluate"]
    assert status["position"] == "step 4 of 4" and status["kept"] == "2 of 4 steps"
    assert 0.1 < status["share"] < 0.9
    assert status["next_command"] == f"autogan train --resume --out {folder}"
    # Another command, or another architecture, cannot go on with it.
    assert status["next_command"] in refused("run", "--resume", "--out", folder).replace("\n", " ")
    assert "autogan train" in refused(
        "train", "--resume", "--arch", f"{CELL}/{CELL}", "--out", folder
    )
    results = json.loads(done("train", "--resume", "--out", folder, "--json").out)
    assert results["architecture"] == arch
    status = json.loads(done("status", folder, "--json").out)
    assert status["part"] == "finished" and status["share"] == 1 and status["next_command"] is None
    assert done("status", folder).out.splitlines()[0] == "finished"


def test_a_training_goes_on_from_the_end_of_another(
    autogan: Callable,
    done: Callable,
    refused: Callable,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, longer, arch = home / "short", home / "longer", f"{CELL}/{CELL}+skip0"
    done("train", "--arch", arch, *tiny(home, "--out", first))
    more = ("--set", "train.generator_steps=2", "--out", longer)
    assert "--arch, --preset" in refused(
        "train", "--from", first, "--arch", arch, "--preset", "demo", *more
    )
    told = refused("train", "--from", first, *more, "--set", "train.generator_batch=5")
    assert "train.generator_batch: " in told and "5 now" in told and not longer.exists()
    assert "holds no run" in refused("train", "--from", home, *more)
    told = refused("train", "--from", first, *more, "--resume")
    assert told.endswith(f"autogan train --resume --out {longer}\n")
    for option in ("--seeds", "--side-by-side"):
        told = refused("train", "--from", first, *more, option, "2")
        assert "--seeds and --side-by-side do not fit" in told
    shown = json.loads(done("train", "--from", first, *more, "--dry-run", "--json").out)
    assert shown["train"]["generator_steps"] == 2 and not longer.exists()
    with monkeypatch.context() as patch:
        interrupt(patch, Training, "validate", 1)
        assert autogan("train", "--from", first, *more).code == 130
    again = json.loads(done("status", longer, "--json").out)["next_command"]
    assert again == f"autogan train --resume --out {longer}"
    results = json.loads(done("train", "--resume", "--out", longer, "--json").out)
    assert results["architecture"] == arch and results["validation"]["generator_steps"] == 2
    assert "sound" in done("verify", longer).out
    assert done("train", "--resume", "--out", longer).code == 0  # nothing is left to do


def test_a_run_that_has_just_begun_or_is_damaged(
    done: Callable, refused: Callable, tmp_path: Path
) -> None:
    folder = tmp_path / "begun"
    Run.create(folder, load_settings("demo"), Task("run")).close()
    status = json.loads(done("status", folder, "--json").out)
    assert status["part"] == "data and judge" and status["share"] is None
    assert status["left"] == ["data and judge", "search", "derive", "train", "evaluate"]
    with (folder / "log.jsonl").open("a") as log:
        log.write('{"event": "losses", "part": "train", "step": 7}\n{"event": "lo')
    done("status", folder)  # a line half-written by a run at work
    (folder / "log.jsonl").write_text("no JSON\n")
    assert "damaged" in refused("status", folder)
    (folder / "config.yaml").write_text("seed: 3\n")
    assert "not the description of a run" in refused("status", folder)
    assert "config.yaml" in refused("status", tmp_path)


def test_a_run_of_before_tasks_were_written_down(done: Callable, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    Run.create(folder, load_settings("demo")).close()
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(config[config.index("settings:") :])
    status = json.loads(done("status", folder, "--json").out)
    assert status["command"] is None and status["next_command"] is None
    assert "does not say which" in done("status", folder).out


def test_the_judge_of_a_folder(done: Callable, home: Path) -> None:
    answer = json.loads(done("judge", "train", *tiny(home, "--json")).out)
    assert answer["task"] == "classes" and answer["held_out_examples"] == 36
    wrong = sum(pair["taken"] for pair in answer["worst_confusions"])
    assert round((1 - answer["held_out_accuracy"]) * 36) == wrong  # three classes: all pairs fit
    assert all(
        pair["right"] != pair["wrong"] and {pair["right"], pair["wrong"]} <= set(CLASSES)
        for pair in answer["worst_confusions"]
    )
    shares = [pair["taken"] / pair["examples"] for pair in answer["worst_confusions"]]
    assert shares == sorted(shares, reverse=True)
    again = done("judge", "train", *tiny(home))  # from the cache
    assert answer["name"] in again.out and "held-out examples" in again.out


def test_the_judge_of_images_without_classes(done: Callable, home: Path) -> None:
    source = f"folder:{home / 'shapes' / 'train' / 'bar'}"
    options = ["--config", home / "tiny.yaml", "--data", source, "--json"]
    answer = json.loads(done("judge", "train", *options).out)
    assert answer["task"] == "rotation" and answer["held_out_examples"] == 16


def test_a_time_limit_is_a_time(refused: Callable, home: Path, tmp_path: Path) -> None:
    for text in ("soon", "", "0s", "-5m", "5 parsecs"):
        message = refused("run", *tiny(home, "--out", tmp_path / "out", "--time-limit", text))
        assert "--time-limit" in message
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_explained_and_once_there_is_space_the_run_goes_on(
    autogan: Callable, done: Callable, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, whole, calls = home / "full", storage.save_file, []

    def full(tensors: dict, path: Path, metadata: dict) -> None:
        calls.append(path)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(tensors, path, metadata=metadata)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "save_file", full)
        answer = autogan("search", *tiny(home, "--out", folder))
    assert answer.code == 2 and "Traceback" not in answer.err
    for words in ("No space left", "Free space", f"autogan search --resume --out {folder}"):
        assert words in answer.err
    done("search", "--resume", "--out", folder)
    assert json.loads(done("status", folder, "--json").out)["part"] == "finished"


def test_other_images_are_refused(
    autogan: Callable,
    refused: Callable,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images, folder = tmp_path / "shapes", tmp_path / "run"
    shutil.copytree(home / "shapes", images)
    options = ["--config", home / "tiny.yaml", "--data", f"folder:{images}", "--out", folder]
    with monkeypatch.context() as patch:
        interrupt_search(patch, iteration=1)
        assert autogan("search", *options).code not in (0, 2)
    (images / "train" / "disc" / "0.png").unlink()
    message = refused("search", "--resume", "--out", folder)
    assert "training_images: 120 before, 119 now" in message and "digest" in message


def test_resuming_with_the_whole_command_or_with_harmless_changes(
    autogan: Callable,
    done: Callable,
    refused: Callable,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = home / "again"
    with monkeypatch.context() as patch:
        interrupt_search(patch, iteration=0)
        assert autogan("search", *tiny(home, "--out", folder)).code not in (0, 2)
    with monkeypatch.context() as patch:
        interrupt_search(patch, iteration=1)
        assert autogan("search", *tiny(home, "--out", folder, "--resume")).code not in (0, 2)
    done("search", "--resume", "--out", folder, "--set", "checkpoint_every_minutes=3")
    assert read_settings(folder).checkpoint_every_minutes == 3
    message = refused("search", "--resume", "--out", folder, "--data", "glyphs")
    assert "data.source" in message and "glyphs now" in message


def test_a_run_that_has_ended_is_left_as_it_is(
    done: Callable, refused: Callable, home: Path
) -> None:
    folder = home / "ended"
    first = done("run", *tiny(home, "--out", folder, "--json"))
    assert re.search(r"[1-9]\d?% of the computing after the judge is the search", first.err)
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    again = done("run", "--resume", "--out", folder, "--json")
    assert "has ended" in again.err and json.loads(again.out) == json.loads(first.out)
    assert "seed: 0 before" in refused("run", "--resume", "--out", folder, "--set", "seed=4")
    assert "not of this kind" in refused(
        "train",
        "--arch",
        "pre-none-nearest/pre-none-nearest",
        *tiny(home, "--out", folder),
        "--resume",
    )
    assert before == {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("damage", ["results.json", "generator.safetensors"])
def test_what_is_damaged_of_an_ended_run_is_made_again(
    done: Callable, home: Path, damage: str
) -> None:
    folder = home / f"mended {damage}"
    first = json.loads(done("run", *tiny(home, "--out", folder, "--json")).out)
    if damage == "results.json":
        (folder / damage).write_text("")
    else:
        (folder / damage).unlink()
    status = json.loads(done("status", folder, "--json").out)
    assert status["left"] == ["evaluate"] and "--resume" in status["next_command"]
    again = done("run", "--resume", "--out", folder, "--json")
    assert f"{damage} " in again.err and json.loads(again.out)["scores"] == first["scores"]
    done("verify", folder)


def test_a_damaged_file_of_a_stopped_run_is_named(
    autogan: Callable, refused: Callable, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "stopped"
    with monkeypatch.context() as patch:
        interrupt_search(patch, iteration=0)
        assert autogan("search", *tiny(home, "--out", folder)).code == 130
    (folder / "timings.json").write_text('{"a":')
    assert "timings.json is damaged" in refused("search", "--resume", "--out", folder)


def test_a_run_of_a_newer_version_says_so(refused: Callable, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "newer"
    Run.create(folder, load_settings("demo"), Task("run")).close()
    config = folder / "config.yaml"
    text = config.read_text().replace("  seed: 0", "  seed: 0\n  sparkle: 3", 1)
    config.write_text(text.replace(f"autogan: {package_version()}", "autogan: 9.1.0", 1))
    for command in (("status", folder), ("run", "--resume", "--out", folder)):
        message = refused(*command)
        assert "sparkle" in message and "made by autogan 9.1.0" in message


TWO = ("--set", "derive.top=2", "--set", "search.beams=2", "--set", "search.candidates=4")


def test_a_candidate_that_goes_wrong_is_recorded_and_not_chosen(
    done: Callable, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, whole = home / "gone wrong", Training.step

    def go_wrong(self: Training) -> bool:
        if self.name == "candidate-0":
            raise Diverged("The training candidate-0 went wrong.")
        return whole(self)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "step", go_wrong)
        done("search", *tiny(home, "--out", folder, *TWO))
        printed = done("derive", folder).err
    assert "last good checkpoint" in printed and "is given up" in printed
    derived = json.loads((folder / "derive.json").read_text())
    (failed,), (candidate,) = derived["failed"], derived["candidates"]
    assert failed["architecture"] == derived["ranking"][0]["architecture"]
    assert "went wrong" in failed["reason"]
    assert candidate["architecture"] == derived["ranking"][1]["architecture"]
    assert candidate["file"] == "candidates/1.safetensors"
    assert json.loads(done("status", folder, "--json").out)["part"] == "finished"


def test_a_candidate_that_collapsed_is_said_to_and_not_chosen(
    done: Callable, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where its score is the best."""
    folder, whole, names = home / "collapsed", train.validation_of, []

    def validation_of(*arguments: Any) -> Any:
        names.append(arguments)
        found = whole(*arguments)
        if len(names) == 1:  # of the first candidate, in its only validation
            return replace(found, inception_score=3.0, frechet_distance=0.0, spread=1e-5)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(train, "validation_of", validation_of)
        done("search", *tiny(home, "--out", folder, *TWO))
        printed = done("derive", folder, "--json")
    assert "one image over and over" in printed.err
    first, second = json.loads(printed.out)["candidates"]
    assert first["validation"]["spread"] == 1e-5 and second["validation"]["spread"] > 1e-3
    winner = load_generator(folder / "generator.safetensors")
    assert winner.origin["validation"] == second["validation"]


def test_a_refused_run_leaves_no_folder_that_was_made_for_it(
    home: Path, refused: Callable, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    for above in (tmp_path / "a" / "b", tmp_path / "there"):
        message = refused("run", "--data", f"folder:{home / 'no-such'}", "--out", above / "c")
        assert "no-such" in message
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]
