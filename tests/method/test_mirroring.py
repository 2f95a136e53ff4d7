"""Mirrored images: whether the judge tells them from the others, and what is said then."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from autogan.images import DataSet, ImageSet
from autogan.judges import Judge, Judgement
from autogan.method.mirroring import mirrored_ratio, warning_of_mirrored
from autogan.settings.judge import JudgeSettings

STRICT = JudgeSettings(flip=False)


class SidesJudge(Judge):
    """Features: how bright the left and the right half are."""

    kind, name, feature_dimension, class_count = "sides", "sides", 2, 0

    def __call__(self, images: Tensor) -> Judgement:
        left, right = images.float().div(255).chunk(2, dim=3)
        features = torch.stack([left.mean((1, 2, 3)), right.mean((1, 2, 3))], dim=1)
        return Judgement(features, torch.ones(len(images), 1))


def data(folder: Path, *, one_sided: bool, count: int = 200) -> DataSet:
    """Images of one brightness each; one-sided ones are bright on the left."""
    stream = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 120, (count, 3, 8, 8), generator=stream, dtype=torch.uint8)
    pixels += torch.randint(0, 60, (count, 1, 1, 1), generator=stream, dtype=torch.uint8)
    if one_sided:
        pixels[..., :4] += 70
    images = ImageSet(pixels, None)
    return DataSet("sides", "5" * 64, (), images, images, cache_directory=folder)


def test_images_that_mean_something_else_when_mirrored_are_told_apart(tmp_path: Path) -> None:
    one_sided, even = (data(tmp_path, one_sided=side) for side in (True, False))
    ratio = mirrored_ratio(SidesJudge(), one_sided)
    assert ratio is not None and ratio > 10
    warning = warning_of_mirrored(SidesJudge(), one_sided, STRICT)
    assert warning is not None and f"they lie {ratio:.1f} times as far" in warning
    assert mirrored_ratio(SidesJudge(), even) == pytest.approx(1, abs=0.4)
    assert warning_of_mirrored(SidesJudge(), even, STRICT) is None


def test_a_judge_that_cannot_tell_says_so(tmp_path: Path) -> None:
    few = data(tmp_path, one_sided=True, count=5)
    assert mirrored_ratio(SidesJudge(), few) is None
    assert "has 2 features, too many to tell by 5 images of sides" in (
        warning_of_mirrored(SidesJudge(), few, STRICT) or ""
    )
    blind = warning_of_mirrored(SidesJudge(), data(tmp_path, one_sided=True), JudgeSettings())
    assert blind is not None and "judge.flip too" in blind
