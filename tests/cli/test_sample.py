"""`autogan sample`: every kind of output, from a small generator with fresh weights."""

import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from autogan.api import sample_images
from autogan.basics.errors import UserError
from autogan.gan.sampling import arc
from autogan.images import load_data
from autogan.images.classes import Classes
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.generator_file import load_generator, save_generator

SIZE = 16
GAP = 2  # between the images of a grid, which are drawn at twice their size


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cell = "pre-batch-nearest+shortcut"
    generator = AutoGanGenerator.for_architecture(
        Architecture.parse(f"{cell}/{cell}"), latent_size=8, channels=4, seed=1
    )
    path = tmp_path_factory.mktemp("sample") / "generator.safetensors"
    save_generator(path, generator, generator.state_dict(), {})
    return path


@pytest.fixture(scope="module")
def of_fruit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator of three classes, the second of them seldom."""
    cell = "pre-batch-nearest+shortcut"
    generator = AutoGanGenerator.for_architecture(
        Architecture.parse(f"{cell}/{cell}"),
        latent_size=8,
        channels=4,
        classes=Classes(("apple", "pear", "a, \x1b[31mplum"), (0.6, 0.1, 0.3)),
        seed=1,
    )
    path = tmp_path_factory.mktemp("fruit") / "generator.safetensors"
    save_generator(path, generator, generator.state_dict(), {})
    return path


def cut(grid: Path, columns: int) -> list[np.ndarray]:
    """The images of a grid, S×S×3 each, row by row."""
    pixels = np.asarray(Image.open(grid))
    step = 2 * SIZE + GAP
    corners = [
        (GAP + row * step, GAP + column * step)
        for row in range(pixels.shape[0] // step)
        for column in range(columns)
    ]
    return [pixels[top : top + 2 * SIZE : 2, left : left + 2 * SIZE : 2] for top, left in corners]


def test_all_outputs_show_the_same_images(done: Callable, file: Path, tmp_path: Path) -> None:
    common = ("sample", file, "--count", 300, "--seed", 5)  # more than one batch
    done(*common, "--out", tmp_path / "grid.png")
    done(*common, "--npz", tmp_path / "images.npz")
    done(*common, "--separate", tmp_path / "images")
    array = np.load(tmp_path / "images.npz")["arr_0"]
    assert array.shape == (300, SIZE, SIZE, 3) and array.dtype == np.uint8
    names = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert names == [f"{number:06d}.png" for number in range(300)]
    separate = [np.asarray(Image.open(tmp_path / "images" / name)) for name in names]
    np.testing.assert_array_equal(separate, array)
    np.testing.assert_array_equal(cut(tmp_path / "grid.png", 18)[:300], array)
    assert len(np.unique(array.reshape(300, -1), axis=0)) == 300
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grid.png", "images", "images.npz"]


def test_the_seed_names_the_images(done: Callable, file: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        done("sample", file, "--count", 4, "--seed", seed, "--npz", tmp_path / f"{name}.npz")
    one, same, other = (
        np.load(tmp_path / f"{name}.npz")["arr_0"] for name in ("one", "same", "other")
    )
    assert (one == same).all() and (one != other).any()


def test_rows_go_from_one_latent_to_another(done: Callable, file: Path, tmp_path: Path) -> None:
    done("sample", file, "--interpolate", "--count", 32, "--out", tmp_path / "rows.png")
    images = np.stack(cut(tmp_path / "rows.png", 8)).astype(float)
    assert len(images) == 32
    rows = images.reshape(4, 8, -1)
    steps = np.abs(np.diff(rows, axis=1)).mean(2)  # between neighbours of a row
    ends = np.abs(rows[:, 0] - rows[:, -1]).mean(1)
    assert (steps > 0).all() and (steps.max(1) < ends).all()


def test_an_arc_keeps_the_length_of_latents() -> None:
    first, second = torch.randn(2, 5, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(arc(first, second, 0.0), first)
    torch.testing.assert_close(arc(first, second, 1.0), second)
    middle = arc(first, second, 0.5).norm(dim=1)
    assert (middle > 0.9 * torch.minimum(first.norm(dim=1), second.norm(dim=1))).all()
    torch.testing.assert_close(arc(first, first, 0.3), first)


def test_without_a_target_the_grid_is_samples_png(
    done: Callable, refused: Callable, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done("sample", file, "--count", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["samples.png"]
    assert "samples.png exists already" in refused("sample", file)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--out", "{tmp}/a.png", "--npz", "{tmp}/a.npz"], "--out and --npz"),
        (["--separate", "{tmp}/a", "--npz", "{tmp}/a.npz"], "--separate and --npz"),
        (["--interpolate", "--npz", "{tmp}/a.npz"], "--interpolate draws a grid"),
        (["--interpolate", "--count", "9", "--out", "{tmp}/a.png"], "multiple of 8"),
        (["--count", "20000", "--out", "{tmp}/a.png"], "at most 10,000"),
        (["--count", "1000000000000", "--npz", "{tmp}/a.npz"], "GiB free"),
        (["--count", "9" * 30, "--npz", "{tmp}/a.npz"], "GiB free"),
        (["--count", "9" * 30, "--out", "{tmp}/a.png"], "at most 10,000"),
        (["--out", "{tmp}/mine"], "exists already"),
        (["--npz", "{tmp}/mine"], "exists already"),
        (["--separate", "{tmp}/mine"], "exists already"),
        (["--npz", "{tmp}/mine/a.npz"], "--npz"),
        (["--class", "pear", "--out", "{tmp}/a.png"], "without classes"),
        (["--each-class", "--out", "{tmp}/a.png"], "without classes"),
        (["--class", "a", "--each-class", "--out", "{tmp}/a.png"], "not both"),
    ],
)
def test_bad_requests_are_refused_and_leave_nothing(
    refused: Callable, file: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    (tmp_path / "mine").write_text("mine")
    filled = [option.format(tmp=tmp_path) for option in options]
    assert words in refused("sample", file, *filled)
    assert list(tmp_path.iterdir()) == [tmp_path / "mine"]
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("option", ["--npz", "--separate"])
def test_an_interrupted_output_leaves_nothing(
    autogan: Callable,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
) -> None:
    from autogan.progress.terminal import TerminalProgress

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TerminalProgress, "advance", interrupted)
    answer = autogan("sample", file, "--count", 300, option, tmp_path / "images")
    assert answer.code == 130
    assert list(tmp_path.iterdir()) == []


def test_a_run_stands_for_its_generator(done: Callable, file: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    shutil.copyfile(file, tmp_path / "run" / "generator.safetensors")
    for number, named in enumerate((file, tmp_path / "run")):
        done("sample", named, "--count", 4, "--out", tmp_path / f"{number}.png")
    assert (tmp_path / "0.png").read_bytes() == (tmp_path / "1.png").read_bytes()


def test_classes_come_in_their_shares(done: Callable, of_fruit: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("other", 1)):
        done("sample", of_fruit, "--count", 20, "--seed", seed, "--npz", tmp_path / f"{name}.npz")
    one, other = (np.load(tmp_path / f"{name}.npz") for name in ("one", "other"))
    for sampled in (one, other):
        assert sampled["arr_0"].shape == (20, SIZE, SIZE, 3)
        assert sampled["labels"].dtype == np.int64
        assert np.bincount(sampled["labels"]).tolist() == [12, 2, 6]
        assert sampled["class_names"].tolist() == ["apple", "pear", "a, \x1b[31mplum"]
    assert one["labels"].tolist() != other["labels"].tolist()


def test_classes_that_are_asked_for_come_in_order(
    done: Callable, of_fruit: Path, tmp_path: Path
) -> None:
    asked = ("--class", "pear", "--class", "apple", "--class", "pear", "--count", 20)
    answer = done("sample", of_fruit, *asked, "--out", tmp_path / "grid.png")
    assert (
        "40 images" in answer.err and "20 of each class, in this order: pear, apple" in answer.err
    )
    done("sample", of_fruit, *asked, "--npz", tmp_path / "images.npz")
    sampled = np.load(tmp_path / "images.npz")
    assert sampled["labels"].tolist() == [1] * 20 + [0] * 20
    grid = Image.open(tmp_path / "grid.png")
    step = 2 * SIZE + GAP
    assert grid.size == (16 * step + GAP, 2 * (2 * step + GAP) + 4)  # two rows for each class
    blocks = [
        grid.crop((0, top, grid.width, top + 2 * step + GAP)) for top in (0, 2 * step + GAP + 4)
    ]
    for number, block in enumerate(blocks):
        block.save(tmp_path / "block.png")
        shown = cut(tmp_path / "block.png", 16)[:20]
        np.testing.assert_array_equal(shown, sampled["arr_0"][20 * number :][:20])


def test_every_class_can_be_asked_for(done: Callable, of_fruit: Path, tmp_path: Path) -> None:
    answer = done("sample", of_fruit, "--each-class", "--out", tmp_path / "grid.png")
    assert "24 images" in answer.err and "8 of each class" in answer.err
    assert "a, \\x1b[31mplum" in answer.err and "\x1b" not in answer.err
    rows = done("sample", of_fruit, "--each-class", "--interpolate", "--out", tmp_path / "rows.png")
    assert "24 images" in rows.err


def test_separate_images_are_a_labelled_source(
    done: Callable, of_fruit: Path, tmp_path: Path
) -> None:
    done("sample", of_fruit, "--each-class", "--count", 20, "--separate", tmp_path / "images")
    data = load_data(f"folder:{tmp_path / 'images'}", SIZE, tmp_path / "cache")
    assert set(data.class_names) == {"apple", "pear", "a, \x1b[31mplum"}
    assert (len(data.train), len(data.held_out)) == (54, 6)


def test_a_class_that_is_not_there_is_refused_with_those_that_are(
    refused: Callable, of_fruit: Path, tmp_path: Path
) -> None:
    message = refused("sample", of_fruit, "--class", "quince", "--out", tmp_path / "a.png")
    assert "There is no class 'quince'. There are: apple, pear, a, \\x1b[31mplum." in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--count", "1000000000000", "--npz", "{tmp}/a.npz"], "GiB free"),
        (["--count", "9" * 30, "--class", "pear", "--npz", "{tmp}/a.npz"], "GiB free"),
        (["--count", "5000", "--each-class", "--out", "{tmp}/a.png"], "not 15,000"),
        (["--count", "9" * 30, "--out", "{tmp}/a.png"], "at most 10,000"),
        (
            ["--count", "3", "--each-class", "--interpolate", "--out", "{tmp}/a.png"],
            "multiple of 8 up to 10,000, not 3.",
        ),
    ],
)
def test_more_images_of_classes_than_can_be_are_refused_before_they_are_counted_out(
    refused: Callable, of_fruit: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    filled = [option.format(tmp=tmp_path) for option in options]
    assert words in refused("sample", of_fruit, *filled)
    assert list(tmp_path.iterdir()) == []


def test_names_of_classes_are_known_in_every_unicode_form(done: Callable, tmp_path: Path) -> None:
    architecture = Architecture.parse("pre-batch-nearest/pre-batch-nearest")
    generator = AutoGanGenerator.for_architecture(
        architecture, latent_size=8, channels=4, classes=Classes(("apple", "poiré"), (0.5, 0.5))
    )
    save_generator(tmp_path / "g.safetensors", generator, generator.state_dict(), {})
    name = unicodedata.normalize("NFD", "poiré")
    assert name != "poiré"
    done("sample", tmp_path / "g.safetensors", "--class", name, "--out", tmp_path / "a.png")


def test_python_gives_the_same_images(done: Callable, of_fruit: Path, tmp_path: Path) -> None:
    generator = load_generator(of_fruit).generator
    for options, asked in (((), ()), (("--class", "pear"), ("pear",))):
        done("sample", of_fruit, "--count", 5, *options, "--npz", tmp_path / f"{len(asked)}.npz")
        images = sample_images(generator, 5, class_names=asked)
        expected = np.load(tmp_path / f"{len(asked)}.npz")["arr_0"]
        np.testing.assert_array_equal(images.permute(0, 2, 3, 1).numpy(), expected)
    with pytest.raises(UserError, match="There are: apple, pear"):
        sample_images(generator, 5, class_names=["quince"])
    with pytest.raises(UserError, match="At least one image"):
        sample_images(generator, 0)
