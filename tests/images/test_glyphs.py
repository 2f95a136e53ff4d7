"""The embedded data set: the same every time, balanced, varied, readable."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from autogan.basics.errors import UserError
from autogan.images import glyphs
from autogan.images.dataset import DataSet, from_stored


def load(size: int, root: Path, train_images: int, held_out_images: int) -> DataSet:
    return from_stored("glyphs", glyphs.stored(size, root, train_images, held_out_images), root)


def small(root: Path, size: int = 32) -> DataSet:
    return load(size, root, train_images=300, held_out_images=50)


def test_shape_balance_and_order(tmp_path: Path) -> None:
    data = small(tmp_path)
    assert data.name == "glyphs" and data.class_names == glyphs.CLASSES
    assert data.train.pixels.shape == (300, 3, 32, 32)
    assert data.train.labels is not None and data.held_out.labels is not None
    assert data.train.labels.bincount().tolist() == [30] * 10
    assert data.held_out.labels.bincount().tolist() == [5] * 10
    assert len(set(data.train.labels[:100].tolist())) == 10
    assert len({bytes(image.numpy()) for image in data.train.pixels}) == 300
    assert not torch.equal(data.train.pixels[:50], data.held_out.pixels)


def test_default_sizes() -> None:
    assert (glyphs.TRAIN_IMAGES, glyphs.HELD_OUT_IMAGES) == (10_000, 2_000)


def luminance(colour: np.ndarray) -> float:
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_letters_contrast_with_their_background() -> None:
    random = np.random.default_rng(0)
    ratios = []
    for _ in range(500):
        ink, *ground = glyphs.colours(random)
        for end in ground:
            assert end.min() >= 0 and end.max() <= 1
            low, high = sorted((luminance(ink), luminance(end)))
            ratios.append((high + 0.05) / (low + 0.05))
    assert min(ratios) > 3  # what WCAG asks of large letters


def test_letters_are_large_and_inside_the_frame() -> None:
    for letter in glyphs.CLASSES:
        for font in glyphs.FONTS:
            upright = glyphs._Pose(0.0, 0.75, 0.0, (0.0, 0.0))
            cover = glyphs._cover(glyphs._stencil(font, letter), upright, 32)
            rows = np.flatnonzero(cover.max(1) > 0.5)
            assert 21 <= rows[-1] - rows[0] + 1 <= 26
            border = np.concatenate([cover[0], cover[-1], cover[:, 0], cover[:, -1]])
            assert border.max() == 0


def test_pose_turns_about_the_middle() -> None:
    stencil = glyphs._stencil(glyphs.FONTS[0], "L")
    upright = glyphs._cover(stencil, glyphs._Pose(0.0, 0.7, 0.0, (0.0, 0.0)), 32)
    turned = glyphs._cover(stencil, glyphs._Pose(np.pi / 2, 0.7, 0.0, (0.0, 0.0)), 32)
    close = [np.abs(np.rot90(upright, turns) - turned).mean() for turns in range(4)]
    assert min(close[1], close[3]) < 0.02 < min(close[0], close[2])


def test_a_simple_classifier_can_tell_the_classes_apart(tmp_path: Path) -> None:
    """Nearest neighbours among shapes without colour: far better than the 10 % of guessing."""
    data = load(16, tmp_path, train_images=1500, held_out_images=100)
    shapes = []
    for images in (data.train, data.held_out):
        grey = images.pixels.float().mean(1).flatten(1)
        grey = grey - grey[:, :1]  # a corner is background
        shapes.append(torch.nn.functional.normalize(grey.abs(), dim=1))
    nearest = (shapes[1] @ shapes[0].T).argmax(1)
    assert data.train.labels is not None and data.held_out.labels is not None
    right = (data.train.labels[nearest] == data.held_out.labels).float().mean()
    assert right > 0.7


def test_missing_fonts_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs.importlib.util, "find_spec", lambda _: None)
    glyphs._stencil.cache_clear()
    with pytest.raises(UserError, match="pip install matplotlib"):
        small(tmp_path)


def test_slow_imports_stay_out() -> None:
    code = (
        "import sys, autogan.images, autogan.images.glyphs as g; g._stencil(g.FONTS[0], 'A'); "
        "print([n for n in ('torchvision', 'matplotlib') if n in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
