"""`autogan sample`: every kind of output, from a small generator with fresh weights."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from autogan.gan.sampling import arc
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.generator_file import save_generator

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
        (["--out", "{tmp}/mine"], "exists already"),
        (["--npz", "{tmp}/mine"], "exists already"),
        (["--separate", "{tmp}/mine"], "exists already"),
        (["--npz", "{tmp}/mine/a.npz"], "--npz"),
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
