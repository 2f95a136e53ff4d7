"""The command line: refusals, and the whole method in miniature on a folder of coloured shapes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from commands import Answer, autogan
from PIL import Image, ImageDraw

from autogan.device.memory import Memory
from autogan.method.search import Search
from autogan.settings.loading import load_settings, settings_from_tree, settings_to_yaml

COMMANDS = ("demo", "run", "search", "derive", "train", "evaluate", "sample")
CLASSES = ("circle", "cross", "square")
COLOURS = ("crimson", "gold", "lime", "teal", "navy", "purple", "white")
CELL = "pre-batch-nearest"

TINY = """
compute: {device: cpu, precision: float32}
data: {image_size: 16}
network: {latent_size: 8}
judge: {image_size: 16, width: 8, epochs: 1, batch_size: 32, learning_rate: 0.05}
log_every_steps: 1
search:
  stage_weights: [1, 1]
  iterations: 2
  shared_epochs: 0.1
  controller_steps: 1
  reward_images: 60
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
  validation_images: 60
evaluate: {images: 60, inception_splits: 2}
"""


def done(*arguments: object) -> Answer:
    answer = autogan(*arguments)
    assert answer.code == 0, answer.err
    return answer


def refused(*arguments: object) -> str:
    answer = autogan(*arguments)
    assert answer.code == 2, answer
    assert answer.out == ""
    assert "Traceback" not in answer.err
    return answer.err


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the images, the settings and the cache of this module."""
    home = tmp_path_factory.mktemp("cli")
    (home / "tiny.yaml").write_text(TINY)
    for split, count in (("train", 60), ("test", 15)):
        for name in CLASSES:
            (home / "shapes" / split / name).mkdir(parents=True)
            for number in range(count):
                picture(name, number).save(home / "shapes" / split / name / f"{number}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGAN_CACHE", str(home / "cache"))
        yield home


def picture(name: str, number: int) -> Image.Image:
    image = Image.new("RGB", (16, 16), COLOURS[number % 7])
    draw = ImageDraw.Draw(image)
    ink = COLOURS[(number + 1 + number // 7 % 6) % 7]
    left, top, side = number % 4, number // 4 % 4, 9 + number % 3
    box = (left, top, left + side, top + side)
    match name:
        case "circle":
            draw.ellipse(box, fill=ink)
        case "square":
            draw.rectangle(box, fill=ink)
        case "cross":
            draw.line(box, fill=ink, width=3)
            draw.line((left, top + side, left + side, top), fill=ink, width=3)
    return image


def tiny(home: Path, out: Path) -> list[object]:
    return ["--config", home / "tiny.yaml", "--data", f"folder:{home / 'shapes'}", "--out", out]


# Help and dry runs


def test_every_command_explains_itself() -> None:
    answer = done("--help")
    for command in COMMANDS:
        assert command in answer.out
        help_text = done(command, "--help").out
        assert "Usage:" in help_text and "Example:" in help_text


def test_no_command_and_unknown_commands_and_options() -> None:
    assert autogan().code != 1
    assert "serch" in refused("serch")
    assert "--pre-set" in refused("run", "--pre-set", "demo")
    assert "--arch" in refused("train", "--preset", "demo")


def test_a_dry_run_prints_settings_that_load_again_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = "folder:/no such: place"
    for command in (["run"], ["search"], ["train", "--arch", "autogan-a"]):
        answer = done(
            *command, "--preset", "demo", "--data", source, "--out", "x", "--set", "seed=3",
            "--dry-run",
        )  # fmt: skip
        settings = settings_from_tree(yaml.safe_load(answer.out))
        expected = load_settings("demo", overrides=[f"data.source={json.dumps(source)}", "seed=3"])
        assert settings == expected
        file = tmp_path / "again.yaml"
        file.write_text(answer.out)
        assert done("run", "--config", file, "--dry-run").out == answer.out
        file.unlink()
    assert done("demo", "--dry-run").out == settings_to_yaml(load_settings("demo"))
    assert list(tmp_path.iterdir()) == []


# Refusals. Each must leave no output folder.


@pytest.mark.parametrize("command", ["run", "search", "train"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--preset", "dmo"], ["'dmo'", "Did you mean 'demo'"]),
        (["--data", "glyfs"], ["glyfs", "Did you mean 'glyphs'"]),
        (["--data", "folder:{tmp}/none"], ["{tmp}/none"]),
        (["--data", "folder:"], ["folder"]),
        (["--data", "folder:{tmp}/empty"], ["{tmp}/empty"]),
        (["--data", "folder:{tmp}/texts"], ["{tmp}/texts"]),
        (["--data", "folder:{tmp}/broken"], ["bad.png", "1 of"]),
        (["--set", "train.widht=3"], ["train.widht"]),
        (["--set", "search.candidates=-3"], ["search.candidates", "-3"]),
        (["--set", "evaluate.images=0"], ["evaluate.images", "0"]),
        (["--set", "search.beams=3"], ["beams (3)", "candidates (2)"]),
        (["--set", "nothing"], ["--set", "'nothing'"]),
        (["--config", "{tmp}/none.yaml"], ["{tmp}/none.yaml"]),
        (["--set", "train.discriminator_batch=181"], ["180", "train.discriminator_batch (181)"]),
        (["--set", "evaluate.images=20"], ["evaluate.images is 20", "need 33"]),
        (["--set", "train.validation_images=32"], ["train.validation_images is 32", "need 33"]),
        (["--set", "judge.width=16"], ["held-out images", "judge.width"]),
        (["--resume"], ["{tmp}/out holds no run"]),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing(
    home: Path, tmp_path: Path, command: str, options: list[str], words: list[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("no image")
    for name in CLASSES:
        (tmp_path / "broken" / name).mkdir(parents=True)
        for number in range(4):
            picture(name, number).save(tmp_path / "broken" / name / f"{number}.png")
    (tmp_path / "broken" / "cross" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    before = sorted(tmp_path.rglob("*"))
    arch = ["--arch", f"{CELL}/{CELL}"] if command == "train" else []
    filled = [option.format(tmp=tmp_path) for option in options]
    message = refused(command, *arch, *tiny(home, tmp_path / "out"), *filled)
    for word in words:
        assert word.format(tmp=tmp_path) in message
    assert sorted(tmp_path.rglob("*")) == before


def test_256_pixels_are_refused_where_a_container_has_two_gibibytes(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a judge is trained, and nothing is left."""
    little = Memory(2 * 2**30, "this container may use", holds_program=True)
    monkeypatch.setattr("autogan.device.compute.main_memory", lambda: little)
    out = tmp_path / "out"
    source = ["--data", f"folder:{home / 'shapes'}", "--set", "compute.device=cpu"]
    wide = ["--set", "train.start=fresh", "--set", "train.discriminator_channels=192"]
    message = refused("run", "--preset", "own-256", *source, *wide, "--out", out)
    assert "train.discriminator_batch is 8: one training step" in message
    assert "GiB of memory, and this container may use 2.0 GiB" in message
    assert not out.exists()


@pytest.mark.parametrize("command", ["run", "search"])
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("search.discriminator_batch=181", "search.discriminator_batch (181)"),
        ("search.reward_images=5", "search.reward_images is 5"),
    ],
)
def test_what_no_search_could_use_is_refused(
    home: Path, tmp_path: Path, command: str, setting: str, words: str
) -> None:
    assert words in refused(command, *tiny(home, tmp_path / "out"), "--set", setting)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arch", "words"),
    [
        ("1,0,1", ["3"]),
        ("1,0,1,1,1", ["5"]),
        ("1,0,1,7,1,0,0,1,1", ["position 3", "shortcut", "7"]),
        ("autogan-z", ["autogan-z"]),
        ("autogan-a", ["3 cells", "16 pixels", "2"]),
        (CELL, ["1 cells", "16 pixels", "2"]),
        (f"{CELL}/pre-batch-nearer", ["nearer", "nearest"]),
    ],
)
def test_a_bad_architecture_is_refused(
    home: Path, tmp_path: Path, arch: str, words: list[str]
) -> None:
    message = refused("train", "--arch", arch, *tiny(home, tmp_path / "out"))
    for word in words:
        assert word in message
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (["run"], ["search"], ["train", "--arch", "autogan-a"], ["run", "--resume"]):
        assert "--out" in refused(*command)
    assert list(tmp_path.iterdir()) == []


def test_folders_in_use_are_left_alone(home: Path, tmp_path: Path) -> None:
    used, run, file = tmp_path / "used", tmp_path / "run", tmp_path / "file"
    for folder, name in ((used, "note.txt"), (run, "config.yaml")):
        folder.mkdir()
        (folder / name).write_text("mine")
    file.write_text("mine")
    assert "not an empty folder" in refused("run", *tiny(home, used))
    assert "--resume" in refused("run", *tiny(home, run))
    assert str(file) in refused("run", *tiny(home, file))
    assert str(file) in refused("run", *tiny(home, file / "below"))
    kept = sorted(tmp_path.rglob("*"))
    assert kept == sorted([used, run, file, used / "note.txt", run / "config.yaml"])
    assert {path.read_text() for path in kept if path.is_file()} == {"mine"}


def test_folders_and_files_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.safetensors"
    text.write_text("no generator")
    for path in (text, tmp_path / "none", tmp_path):
        assert str(path) in refused("evaluate", path)
        assert str(path) in refused("sample", path, "--out", tmp_path / "grid.png")
    assert "config.yaml" in refused("derive", tmp_path)
    assert "config.yaml" in refused("run", "--resume", "--out", tmp_path)
    assert "--count" in refused("sample", text, "--count", 0)
    assert list(tmp_path.iterdir()) == [text]


# The whole method in miniature


@pytest.fixture(scope="module")
def first(home: Path) -> tuple[Path, dict]:
    """A finished run and what it printed."""
    answer = done("run", *tiny(home, home / "first"), "--json")
    assert len(answer.out.splitlines()) == 1
    return home / "first", json.loads(answer.out)


def figures(results: dict) -> dict:
    """What must not depend on when, where or how often something ran."""
    own = ("seconds", "peak_memory_mib", "recompute")
    return {name: value for name, value in results.items() if name not in own}


def test_a_run_leaves_all_it_promises(first: tuple[Path, dict], home: Path) -> None:
    folder, results = first
    config = yaml.safe_load((folder / "config.yaml").read_text())
    overrides = [f"data.source=folder:{home / 'shapes'}"]
    expected = load_settings(file=home / "tiny.yaml", overrides=overrides)
    assert settings_from_tree(config["settings"]) == expected
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    events = [line["event"] for line in lines]
    assert {"losses", "controller", "child", "grow", "validation", "candidate"} <= set(events)
    assert events.count("controller") == 2 and events.count("grow") == 1
    assert events[-1] == "finished" and lines[-1]["scores"] == results["scores"]
    purposes = [line["purpose"] for line in lines if line["event"] == "child"]
    assert purposes == ["controller", "beam", "beam", "controller", "derive", "derive"]
    found = json.loads((folder / "architectures.json").read_text())
    assert [len(beams) for beams in found["stages"]] == [1]
    assert len(found["ranking"]) == 2 and found["scored"] == 6
    assert found["ranking"][0]["reward"] >= found["ranking"][1]["reward"]
    with Image.open(folder / "samples.png") as samples:
        assert samples.format == "PNG" and samples.size[0] >= 8 * 16 * 2
        assert len(samples.convert("RGB").getcolors(2**24) or ()) > 10
    assert json.loads((folder / "results.json").read_text()) == results
    assert not list(folder.rglob("*.tmp"))


def test_results_say_what_was_found(first: tuple[Path, dict]) -> None:
    folder, results = first
    assert results["data"]["training_images"] == 180
    assert results["data"]["held_out_images"] == 45
    assert 0 <= results["judge"]["held_out_accuracy"] <= 1
    assert results["peak_memory_mib"] > 50
    assert set(results["seconds"]) == {"data and judge", "search", "derive", "train", "evaluate"}
    for kind, images in (("scores", 60), ("floor", 45), ("untrained", 60)):
        scores = results[kind]
        assert scores["images"] == images and scores["real_images"] == 180
        assert 1 <= scores["inception_score"] <= 3
        assert scores["frechet_distance"] >= 0
        assert sum(scores["class_shares"]) == pytest.approx(1)
    assert results["floor"]["frechet_distance"] < results["scores"]["frechet_distance"]
    assert results["scores"] != results["untrained"]
    (candidate,) = results["candidates"]
    ranking = json.loads((folder / "architectures.json").read_text())["ranking"]
    assert candidate["architecture"] == ranking[0]["architecture"] == results["architecture"]
    assert candidate["generator_steps"] == 2
    assert results["image_size"] == 16 and len(results["vector"]) == 9
    assert results["parameters"] > 0 and results["multiply_accumulates"] > 0
    for file in results["files"].values():
        assert (folder / file).is_file()


def test_a_run_ends_with_its_report(first: tuple[Path, dict]) -> None:
    folder, results = first
    page = (folder / "report.html").read_text()
    for section in ("found", "search", "quality", "cost"):
        assert page.count(f'<section id="{section}">') == 1
    assert page.count("data:image/png;base64,") == 4
    assert page.count('class="notice"') == 1 and results["architecture"] in page
    assert "It repeats itself" in page, "a generator of two steps is no good, and the page says so"
    for name in CLASSES:
        assert f">{name}</span>" in page
    neighbours = results["neighbours"]
    assert neighbours["searched"] == 180 and neighbours["images"] == 64
    # The held-out shapes are copies of training ones, what little was trained makes none.
    assert neighbours["held_out_median"] < 0.01 * neighbours["generated_median"]
    (folder / "report.html").unlink()
    assert "report.html" in done("report", folder).err
    again = (folder / "report.html").read_text()
    assert again.partition("<footer>")[0] == page.partition("<footer>")[0]


def test_the_same_seed_gives_the_same_run(first: tuple[Path, dict], home: Path) -> None:
    again = json.loads(done("run", *tiny(home, home / "again"), "--json").out)
    assert figures(again) == figures(first[1])


def test_evaluate_repeats_the_scores(first: tuple[Path, dict]) -> None:
    folder, results = first
    answer = done("evaluate", folder / "generator.safetensors", "--json")
    evaluated = json.loads(answer.out)
    for name in ("scores", "floor", "untrained", "architecture", "parameters"):
        assert evaluated[name] == results[name]
    more = done("evaluate", folder, "--set", "evaluate.images=80", "--json")
    assert json.loads(more.out)["scores"]["images"] == 80


def test_sample_draws_what_the_seed_names(first: tuple[Path, dict], tmp_path: Path) -> None:
    file = first[0] / "generator.safetensors"
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        done("sample", file, "--count", 9, "--seed", seed, "--out", tmp_path / f"{name}.png")
    one, same, other = (
        Image.open(tmp_path / f"{name}.png").tobytes() for name in ("one", "same", "other")
    )
    assert one == same and one != other
    assert "exists already" in refused("sample", file, "--out", tmp_path / "one.png")


def test_a_search_is_derived_from_later(first: tuple[Path, dict], home: Path) -> None:
    folder, results = home / "searched", first[1]
    answer = done("search", *tiny(home, folder), "--json")
    searched = json.loads(answer.out)
    assert len(searched["stages"]) == 1 and searched["ranking"] == []
    assert not (folder / "generator.safetensors").exists()
    assert "The search has ended" in (folder / "report.html").read_text()
    derived = json.loads(done("derive", folder, "--json").out)
    assert derived["candidates"] == results["candidates"]
    assert (folder / "generator.safetensors").is_file()


def test_a_run_that_has_ended_is_not_derived_again(first: tuple[Path, dict]) -> None:
    before = (first[0] / "generator.safetensors").read_bytes()
    assert "has ended" in refused("derive", first[0])
    assert (first[0] / "generator.safetensors").read_bytes() == before


def test_an_interrupted_search_ends_as_an_undisturbed_one(
    first: tuple[Path, dict], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "interrupted"
    calls = []
    whole = Search.controller_step

    def interrupted(self: Search) -> None:
        calls.append(self.iteration)
        if self.iteration == 1:
            raise KeyboardInterrupt
        whole(self)

    with monkeypatch.context() as patch:
        patch.setattr(Search, "controller_step", interrupted)
        answer = autogan("run", *tiny(home, folder))
    assert calls[-1] == 1 and answer.code not in (0, 2)
    assert not (folder / "results.json").exists()
    assert "has not ended" in refused("derive", folder)
    resumed = json.loads(done("run", "--resume", "--out", folder, "--json").out)
    assert figures(resumed) == figures(first[1])
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    undisturbed = (first[0] / "log.jsonl").read_text().splitlines()
    assert [line["event"] for line in lines] == [json.loads(line)["event"] for line in undisturbed]


def test_resuming_takes_the_settings_of_the_run(first: tuple[Path, dict]) -> None:
    message = refused("run", "--resume", "--out", first[0], "--set", "seed=4")
    assert "seed: 0 before, 4 now" in message and "log_every_steps" in message
    other = refused("run", "--resume", "--out", first[0], "--preset", "demo")
    assert "search.iterations: 2 before" in other and "seed" not in other


def test_one_architecture_is_trained_and_evaluated(home: Path) -> None:
    arch = f"{CELL}+shortcut/{CELL}+skip0"
    answer = done("train", "--arch", arch, *tiny(home, home / "trained"), "--json")
    results = json.loads(answer.out)
    assert results["architecture"] == arch and results["candidates"] == []
    assert results["validation"]["generator_steps"] in (2, 4)
    assert set(results["seconds"]) == {"data and judge", "train", "evaluate"}
