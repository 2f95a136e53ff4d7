"""Nearest training images: found over batches as over all at once."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from autogan.files.pictures import grid, joined
from autogan.judges.base import Judge, Judgement
from autogan.method import gallery


class MeanJudge(Judge):
    """Its features are the mean colour."""

    name = "mean"
    feature_dimension = 3
    class_count = 2

    def __call__(self, images: Tensor) -> Judgement:
        return Judgement(images.double().mean((2, 3)).float(), torch.full((len(images), 2), 0.5))


@pytest.mark.parametrize("searched", [1200, 700])
def test_neighbours_are_those_of_the_whole_search(
    monkeypatch: pytest.MonkeyPatch, searched: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (1200, 3, 4, 4), generator=generator, dtype=torch.uint8)
    queries = torch.randint(0, 256, (9, 3, 4, 4), generator=generator, dtype=torch.uint8)
    queries[0] = pixels[650]
    judge = MeanJudge()
    data = SimpleNamespace(train=SimpleNamespace(pixels=pixels))
    monkeypatch.setattr(gallery, "MOST_SEARCHED", searched)
    context = cast(Any, SimpleNamespace(data=data, judge=judge))
    distances, indices = gallery.nearest_training_images(context, queries, 5)
    every = torch.cdist(judge(queries).features, judge(pixels[:searched]).features)
    expected = every.topk(5, largest=False)
    assert torch.allclose(distances, expected.values, atol=1e-2)
    assert torch.equal(indices, expected.indices)
    assert indices[0, 0] == 650


def test_pictures_are_joined_with_a_white_strip() -> None:
    images = torch.zeros((2, 3, 4, 4), dtype=torch.uint8)
    left = grid(images, columns=1)
    picture = joined(left, left, gap=5)
    assert picture.shape == (3, left.shape[1], 2 * left.shape[2] + 5)
    assert bool((picture[:, :, left.shape[2] : left.shape[2] + 5] == 255).all())
