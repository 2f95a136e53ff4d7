"""Own images through the command line: of every kind, without classes, and with broken ones among them."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import autogan
from PIL import Image
from rich.console import Console

from autogan.basics.errors import UserError
from autogan.images import load_data
from autogan.method.context import prepare
from autogan.progress.base import Progress
from autogan.progress.terminal import results_table
from autogan.runs.workload import Workload
from autogan.settings.decided import decide_for_data
from autogan.settings.loading import load_settings
from autogan.spaces import search_space

TINY = """
compute: {device: cpu, precision: float32}
data: {image_size: 16}
network: {latent_size: 8}
judge: {image_size: 16, width: 8, epochs: 2, batch_size: 32, learning_rate: 0.05}
search:
  stage_weights: [1, 1]
  iterations: 2
  shared_epochs: null
  shared_steps: 2
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


def sky(number: int, width: int = 20, height: int = 16) -> Image.Image:
    """Bright above, dark below, in one of many tints: there is a way up to learn."""
    random = np.random.default_rng(number)
    rows = np.linspace(230, 30, height)[:, None, None] * random.uniform(0.6, 1.0, 3)
    noise = random.normal(0, 8, (height, width, 3))
    return Image.fromarray((rows + noise).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Settings, a flat folder of 400 images, the same as one class, and a cache of their own."""
    home = tmp_path_factory.mktemp("own")
    (home / "tiny.yaml").write_text(TINY)
    for folder in ("flat", "one/train/skies", "one/test/skies"):
        (home / folder).mkdir(parents=True)
    for number in range(400):
        sky(number).save(home / "flat" / f"{number}.png")
        part = "test" if number < 60 else "train"
        sky(number).save(home / "one" / part / "skies" / f"{number}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGAN_CACHE", str(home / "cache"))
        yield home


def tiny(home: Path, folder: str, out: Path) -> list[object]:
    return ["--config", home / "tiny.yaml", "--data", f"folder:{home / folder}", "--out", out]


# Images without classes


@pytest.fixture(scope="module")
def unlabelled(home: Path) -> tuple[Path, dict[str, Any], str]:
    """A finished run on the flat folder, its results, and what it said."""
    answer = autogan("run", *tiny(home, "flat", home / "run"), "--json")
    assert answer.code == 0, answer.err
    return home / "run", json.loads(answer.out), answer.err


def test_without_classes_the_reward_is_a_distance_and_it_is_said(
    unlabelled: tuple[Path, dict[str, Any], str],
) -> None:
    folder, results, said = unlabelled
    assert said.count("have no classes: the judge learns which way up an image is") == 1
    assert "the reward is the negative Fréchet distance" in said
    assert results["judge"]["task"] == "rotation"
    assert results["judge"]["name"].startswith("domain-rotation-")
    assert results["judge"]["held_out_accuracy"] > 0.5
    assert results["chosen_by"] == {"reward": "frechet_distance", "metric": "frechet_distance"}
    children = json.loads((folder / "architectures.json").read_text())["ranking"]
    assert all(child["reward"] < 0 for child in children)
    assert results["candidates"][0]["validation"]["inception_score"] is None
    for who in ("scores", "floor", "untrained"):
        scores = results[who]
        assert scores["inception_score"] is None and scores["class_shares"] == []
        assert scores["frechet_distance"] >= 0 and 0 <= scores["precision"] <= 1
    assert results["floor"]["frechet_distance"] < results["untrained"]["frechet_distance"]


def test_early_stages_are_compared_at_their_own_resolution(
    unlabelled: tuple[Path, dict[str, Any], str],
) -> None:
    """One reference for 8×8 images, and one for 16×16 which the evaluation shares."""
    folder, _, _ = unlabelled
    references = list((folder.parent / "cache" / "judges").glob("reference-domain-rotation-*"))
    assert len(references) == 2


def test_the_table_shows_a_dash_for_what_cannot_be_given(
    unlabelled: tuple[Path, dict[str, Any], str],
) -> None:
    stream = io.StringIO()
    Console(file=stream, width=160).print(results_table(unlabelled[1]))
    (row,) = [line for line in stream.getvalue().splitlines() if "Inception score" in line]
    assert row.count("–") == 4
    assert "which way up they are" in stream.getvalue()


def test_evaluating_follows_the_images_not_what_the_run_was_chosen_by(
    unlabelled: tuple[Path, dict[str, Any], str],
) -> None:
    answer = autogan("evaluate", unlabelled[0] / "generator.safetensors", "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["scores"] == unlabelled[1]["scores"]


def test_one_class_is_none_and_it_is_said(home: Path) -> None:
    data = load_data(str(home / "one"), 16)
    assert data.class_names == () and data.train.labels is None and not data.labelled
    assert (
        data.notes.count("there is only one class (skies): its images are taken as unlabelled") == 1
    )
    folder = load_data(str(home / "one" / "test"), 16)
    assert "all images lie in one folder (skies): they are taken as unlabelled" in folder.notes


@pytest.mark.parametrize("setting", ["search.reward", "derive.metric"])
def test_an_inception_score_of_images_without_classes_is_refused(
    home: Path, tmp_path: Path, setting: str
) -> None:
    answer = autogan(
        "search", *tiny(home, "flat", tmp_path / "out"), "--set", f"{setting}=inception_score"
    )
    assert answer.code == 2
    assert f"contradict each other: {setting} is inception_score" in answer.err
    assert f"data.source (folder:{home / 'flat'})" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_a_reward_may_be_chosen(home: Path) -> None:
    settings = load_settings(overrides=["search.reward=frechet_distance"])
    chosen = decide_for_data(settings, "x", has_classes=True, judge_knows_classes=True)
    assert (chosen.search.reward, chosen.derive.metric) == ("frechet_distance", "inception_score")
    answer = autogan("run", "--preset", "demo", "--set", "search.reward=luck", "--dry-run")
    assert answer.code == 2 and "search.reward" in answer.err and "frechet_distance" in answer.err


# Every kind of image


def test_a_folder_of_mixed_kinds_is_converted_and_each_kind_said_once(
    tmp_path: Path, home: Path
) -> None:
    pets = tmp_path / "pets"
    for name in ("cats", "dogs"):
        (pets / name).mkdir(parents=True)
        for number in range(10):
            sky(number, 16, 16).save(pets / name / f"plain{number}.png")
    upright = np.asarray(sky(3, 16, 16).convert("L"))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned = Image.fromarray(upright).transpose(Image.Transpose.ROTATE_180)
    sky(1).convert("L").save(pets / "cats" / "grey.png")
    sky(2, 16, 16).convert("P").save(pets / "cats" / "palette.gif")
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(pets / "cats" / "glass.png")
    Image.fromarray(upright.astype(np.uint16) * 257).save(pets / "cats" / "deep.png")
    sky(4, 64, 48).convert("CMYK").save(pets / "dogs" / "print.jpg")
    turned.save(pets / "dogs" / "turned.png", exif=exif)
    sky(5, 5, 9).save(pets / "dogs" / "small.bmp")
    answer = autogan("data", "info", f"folder:{pets}", "--image-size", 16, "--json")
    assert answer.code == 0, answer.err
    notes = json.loads(answer.out)["notes"]
    for note in (
        "2 grey images became RGB",
        "1 palette image became RGB",
        "1 transparent image was laid on white",
        "1 image of more than 8 bits was scaled down to 8 bits",
        "1 CMYK image became RGB",
        "1 image was turned as the EXIF data says",
        "3 images were cropped to the centre square",
        "1 image was enlarged to 16×16",
    ):
        assert notes.count(note) == 1, (note, notes)
    data = load_data(str(pets), 16)
    pixels = {
        image.numpy().tobytes() for part in (data.train, data.held_out) for image in part.pixels
    }
    as_rgb = np.stack([upright] * 3).tobytes()
    assert as_rgb in pixels  # of the 16-bit image and the turned one: equal to the upright one
    assert np.full((3, 16, 16), 255, np.uint8).tobytes() in pixels


# Broken files


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Two classes of 20 images, with a truncated JPEG and a text that calls itself PNG."""
    for name in ("cats", "dogs"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(20):
            sky(number, 16, 16).save(tmp_path / "pets" / name / f"{number}.jpg")
    cut = tmp_path / "pets" / "cats" / "cut.jpg"
    sky(3, 64, 64).save(cut)
    cut.write_bytes(cut.read_bytes()[:-300])
    (tmp_path / "pets" / "dogs" / "text.png").write_text("no image")
    return tmp_path / "pets"


@pytest.mark.parametrize("command", ["run", "search", "train", "data info"])
def test_broken_files_are_named_and_the_way_out_too(
    home: Path, broken: Path, tmp_path: Path, command: str
) -> None:
    arch = "pre-batch-nearest/pre-batch-nearest"
    options = tiny(home, str(broken), tmp_path / "out")
    words = {
        "train": ["train", "--arch", arch, *options],
        "data info": ["data", "info", f"folder:{broken}", "--image-size", 16],
    }.get(command, [command, *options])
    answer = autogan(*words)
    assert answer.code == 2 and not (tmp_path / "out").exists()
    assert "2 of 42 images" in answer.err and "--skip-broken" in answer.err
    assert "cats/cut.jpg: image file is truncated" in answer.err
    assert "dogs/text.png: not an image" in answer.err


def test_broken_files_are_skipped_when_asked_and_counted(
    home: Path, broken: Path, tmp_path: Path
) -> None:
    answer = autogan(
        "data", "info", f"folder:{broken}", "--image-size", 16, "--skip-broken", "--json"
    )
    assert answer.code == 0, answer.err
    described = json.loads(answer.out)
    (note,) = [note for note in described["notes"] if "left out" in note]
    assert note.startswith("2 files that cannot be read were left out (cats/cut.jpg: ")
    skipping = load_data(str(broken), 16, skip_broken=True)
    assert len(skipping.train) + len(skipping.held_out) == 40
    with pytest.raises(UserError, match="--skip-broken"):  # what the option gave is its own
        load_data(str(broken), 16)
    for name in ("cats/cut.jpg", "dogs/text.png"):
        (broken / name).unlink()
    assert load_data(str(broken), 16) == skipping  # as if they had never been there
    answer = autogan("run", *tiny(home, "flat", tmp_path / "out"), "--skip-broken", "--dry-run")
    assert "skip_broken: true" in answer.out


def test_what_is_left_must_still_be_enough(broken: Path, home: Path) -> None:
    (broken / "birds").mkdir()
    sky(0, 16, 16).save(broken / "birds" / "one.png")
    (broken / "birds" / "two.png").write_text("no image")
    with pytest.raises(UserError, match=r"class 'birds' .* has a single image"):
        load_data(str(broken), 16, skip_broken=True)


def test_a_class_of_broken_files_alone_is_said_to_be_none(broken: Path, home: Path) -> None:
    (broken / "birds").mkdir()
    for number in range(3):
        (broken / "birds" / f"{number}.png").write_text("no image")
    data = load_data(str(broken), 16, skip_broken=True)
    assert data.class_names == ("cats", "dogs")
    assert "no image can be read of birds, so they are no classes" in data.notes


def test_nothing_but_broken_files_is_refused(tmp_path: Path, home: Path) -> None:
    for number in range(7):
        (tmp_path / f"{number}.png").write_text("no image")
    with pytest.raises(UserError, match=r"7 of 7 images .*\n(.*\n){5}.*and 2 more"):
        load_data(str(tmp_path), 16, skip_broken=True)


# What is counted, and what it takes


def described(path: Path, *options: str) -> dict[str, Any]:
    answer = autogan("data", "info", f"folder:{path}", "--image-size", 16, "--json", *options)
    assert answer.code == 0, answer.err
    described: dict[str, Any] = json.loads(answer.out)
    return described


def test_only_images_that_are_used_are_counted(broken: Path, home: Path, tmp_path: Path) -> None:
    split = tmp_path / "split"
    for folder in ("train", "test", "val"):
        shutil.copytree(broken, split / folder)
    unused = [split / place for place in ("val", ".hidden", "train/cats/.cache")]
    for folder in unused:
        folder.mkdir(exist_ok=True)
        sky(0, 99, 77).save(folder / "unused.png")
    (split / "val" / "unused.png").rename(split / "val" / "cats" / "unused.png")
    told = described(split, "--skip-broken")
    assert {(size["width"], size["height"]) for size in told["original_sizes"]} == {(16, 16)}
    used = sum(size["images"] for size in told["original_sizes"])
    assert used == told["training_images"] + told["held_out_images"] == 80


def test_an_archive_counts_the_same(broken: Path, home: Path, tmp_path: Path) -> None:
    (broken / ".hidden").mkdir()
    sky(0, 99, 77).save(broken / ".hidden" / "unused.png")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", broken)
    folder, archive = (described(Path(path), "--skip-broken") for path in (broken, packed))
    for key in ("original_sizes", "classes", "training_images", "digest", "notes"):
        assert archive[key] == folder[key]


@pytest.mark.parametrize("packed", [False, True])
def test_looking_at_images_loads_no_torch(home: Path, tmp_path: Path, packed: bool) -> None:
    path = str(home / "one")
    if packed:
        path = shutil.make_archive(str(tmp_path / "packed"), "zip", path)
    program = (
        "import sys\n"
        "import autogan.cli\n"
        "from autogan.cli.common import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'torch', 'torchvision', 'matplotlib'} & set(sys.modules)\n"
    )
    cache = {**os.environ, "AUTOGAN_CACHE": str(tmp_path / "cache")}
    outputs = []
    for _ in range(2):  # decoded, then found
        ended = subprocess.run(
            [sys.executable, "-c", program, "data", "info", path, "--image-size", "16", "--json"],
            capture_output=True, text=True, check=False, env=cache,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        outputs.append(json.loads(ended.stdout))
    assert outputs[0] == outputs[1]
    assert outputs[0]["digest"] == load_data(path, 16).digest


# Sizes, presets, contradictions


@pytest.mark.parametrize(
    ("files", "said"),
    [([], "no images"), (["a.png"], "only one image"), (["a/1.png", "a/2.png", "b.png"], "")],
)
def test_a_run_that_its_images_forbid_is_refused_before_torch_is_loaded(
    files: list[str], said: str, tmp_path: Path
) -> None:
    for name in files:
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        sky(0, 99, 77).save(tmp_path / "images" / name)
    (tmp_path / "images").mkdir(exist_ok=True)
    program = (
        "import sys\n"
        "import autogan.cli\n"
        "from autogan.cli.common import app\n"
        "from autogan.basics.errors import UserError\n"
        "try:\n"
        "    app(sys.argv[1:], standalone_mode=False)\n"
        "except UserError as error:\n"
        "    assert 'torch' not in sys.modules\n"
        "    sys.exit(str(error))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "run", "--preset", "own-32", "--data", "images", "--out", "new"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 1 and said in ended.stderr and "images" in ended.stderr
    assert "Traceback" not in ended.stderr and not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("size", "bottom", "cells"),
    [(16, 4, 2), (32, 4, 3), (48, 6, 3), (64, 4, 4), (128, 4, 5), (256, 4, 6)],
)
def test_presets_for_own_images(home: Path, size: int, bottom: int, cells: int) -> None:
    settings = load_settings(f"own-{size}", overrides=["data.source=folder:here"])
    assert (settings.data.image_size, settings.network.bottom_size) == (size, bottom)
    assert settings.cells == cells == search_space("autogan", settings.cells).stages
    few, many = Workload(settings, 700, 700), Workload(settings, 70_000, 70_000)
    assert few.shared_steps() == many.shared_steps() == settings.search.shared_steps
    answer = autogan("run", "--preset", f"own-{size}", "--data", f"folder:{home}", "--dry-run")
    assert answer.code == 0 and f"source: folder:{home}" in answer.out
    assert load_settings(tree=settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize(
    ("size", "bottom"), [(8, 4), (24, 3), (80, 5), (128, 4), (192, 6), (256, 4)]
)
def test_cells_follow_from_bottom_and_size(size: int, bottom: int) -> None:
    cells = (size // bottom).bit_length() - 1
    weights = [1] * cells
    settings = load_settings(
        overrides=[
            f"data.image_size={size}", f"network.bottom_size={bottom}", "search.iterations=9",
            f"search.stage_weights={weights}",
        ]
    )  # fmt: skip
    assert settings.cells == cells


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            ["data.image_size=48"],
            ["image_size (48)", "bottom_size (4)", "network.bottom_size 3 or 6"],
        ),
        (
            ["data.image_size=50"],
            ["image_size (50)", "bottom_size (4)", "no bottom of 3 to 8 pixels"],
        ),
        (["data.image_size=64"], ["stage_weights needs 4 values", "from 4 to 64"]),
        (["search.shared_steps=5"], ["shared_epochs (15)", "shared_steps (5)"]),
        (["search.shared_epochs=null"], ["shared_epochs (None)", "shared_steps (None)"]),
    ],
)
def test_contradictions_name_both(overrides: list[str], words: list[str]) -> None:
    options = [word for override in overrides for word in ("--set", override)]
    answer = autogan("run", *options, "--dry-run")
    assert answer.code == 2 and "contradict each other" in answer.err
    for word in words:
        assert word in answer.err


# What the guide says


class Notes(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)


@pytest.mark.parametrize("recognisable", [True, False])
def test_a_judge_that_only_guesses_is_warned_of(
    home: Path, tmp_path: Path, recognisable: bool
) -> None:
    random = np.random.default_rng(0)
    for number in range(400):
        noise = Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        (sky(number) if recognisable else noise).save(tmp_path / f"{number}.png")
    source = f"data.source={json.dumps(str(tmp_path))}"
    notes = Notes()
    prepare(load_settings(file=home / "tiny.yaml", overrides=[source]), notes)
    (about,) = [text for text in notes.texts if text.startswith("Judge domain-rotation-")]
    assert ("hardly more than guessing (25%)" in about) is not recognisable
