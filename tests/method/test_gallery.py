"""Nearest training images: found over batches as over all at once. Kinds that are missing, pictured."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import context_of, tiny
from torch import Tensor

from autogan.files.pictures import grid, joined
from autogan.images import ImageSet
from autogan.judges.base import Judge, Judgement
from autogan.judges.values import Mode, Modes
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


def test_samples_that_copy_the_training_images_are_told_by_their_distance(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The median of the samples is theirs, and that of held-out images theirs."""
    context = context_of(tiny(), tmp_path)
    train, held_out = context.data.train.pixels, context.data.held_out.pixels
    monkeypatch.setattr(gallery, "sampled_images", lambda *these: train.split(30))
    monkeypatch.setattr(gallery, "save_interpolation", lambda *these: None)
    neighbours = gallery.write_gallery(cast(Any, SimpleNamespace(classes=None)), context, tmp_path)
    features = [context.judge(pixels).features.double() for pixels in (held_out, train)]
    nearest = torch.cdist(*features).min(1).values.sort().values
    assert neighbours.generated_median == pytest.approx(0, abs=1e-3)
    assert neighbours.held_out_median == pytest.approx(nearest[31].item(), rel=1e-2)
    assert neighbours.held_out_median > 0.01
    assert (neighbours.images, neighbours.searched) == (64, 64)


def test_kinds_that_are_missing_are_pictured_by_their_own_images(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    train = ImageSet(
        torch.randint(0, 256, (20, 3, 4, 4), generator=generator, dtype=torch.uint8), None
    )
    kinds = [Mode("", 0.0, place / 100, place > 1, (place, 19 - place)) for place in range(15)]
    gallery.write_missing(Modes(tuple(kinds), 20, 100, 100), train, tmp_path)
    files = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.png")}
    assert files == {f"pictures/missing/{place}.png" for place in range(3, 15)}  # the 12 largest
    with Image.open(tmp_path / "pictures/missing/7.png") as image:
        shown = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    expected = grid(train.pixels[[7, 12]], columns=gallery.COLUMNS, enlarge=gallery.ENLARGE)
    assert torch.equal(shown, expected)


def test_pictures_are_joined_with_a_white_strip() -> None:
    images = torch.zeros((2, 3, 4, 4), dtype=torch.uint8)
    left = grid(images, columns=1)
    picture = joined(left, left, gap=5)
    assert picture.shape == (3, left.shape[1], 2 * left.shape[2] + 5)
    assert bool((picture[:, :, left.shape[2] : left.shape[2] + 5] == 255).all())
