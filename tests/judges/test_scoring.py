"""All scores at once, the reference and the floor, with judges made by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.images import ImageSet
from autogan.judges import (
    FeatureStatistics,
    Judge,
    Judgement,
    Reference,
    Tally,
    floor,
    frechet_distance,
    inception_score,
    kernel_distance,
    reference,
    score,
    scoring,
)


class ColourJudge(Judge):
    """Features: the mean of each channel and of its two halves; class: the brightest channel."""

    kind = "colour"
    class_names = ("red", "green", "blue")

    def __init__(self, name: str = "colour-1") -> None:
        self.name, self.feature_dimension, self.class_count = name, 6, 3
        self.batches = 0

    def __call__(self, images: Tensor) -> Judgement:
        self.batches += 1
        x = images.float() / 255
        top, bottom = x.tensor_split(2, dim=2)
        features = torch.cat([top.mean((2, 3)), bottom.mean((2, 3))], dim=1)
        return Judgement(features, torch.softmax(60 * x.mean((2, 3)), dim=1))


def coloured(count: int, seed: int) -> ImageSet:
    """Images of one brighter channel each, sorted by it as folders are."""
    generator = torch.Generator().manual_seed(seed)
    labels = (torch.arange(count) % 3).sort().values
    level = 60 + 90 * torch.eye(3)[labels]
    spread = torch.randn(count, 3, 8, 8, generator=generator) * 25
    tint = torch.randn(count, 3, 1, 1, generator=generator) * 12
    pixels = (level[:, :, None, None] + tint + spread).clamp(0, 255).to(torch.uint8)
    return ImageSet(pixels, labels)


@pytest.fixture
def real(tmp_path: Path) -> Reference:
    return reference(ColourJudge(), coloured(2400, seed=0), "a" * 64, tmp_path)


def test_the_floor_is_better_than_noise(real: Reference) -> None:
    judge = ColourJudge()
    noise = torch.randint(256, (300, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    good = floor(judge, coloured(300, seed=1), real)
    bad = score(judge, [noise.to(torch.uint8)], 300, real)
    assert good.frechet_distance < 0.01 < bad.frechet_distance
    assert good.kernel_distance < 0.01 < bad.kernel_distance
    assert good.precision > 0.8 > 0.2 > bad.precision
    assert good.recall > 0.8 > 0.2 > bad.recall
    # Close to three: the splits do not hold one class each although the images are sorted.
    assert good.inception_score > 2.5 > bad.inception_score
    assert good.class_shares == pytest.approx((1 / 3, 1 / 3, 1 / 3), abs=0.02)


def test_scores_carry_what_they_rest_on(real: Reference) -> None:
    judge = ColourJudge()
    images = coloured(300, seed=1).pixels
    scores = score(judge, torch.split(images, 64), 300, real, inception_splits=2)
    assert (scores.judge, scores.images, scores.real_images) == ("colour-1", 300, 2400)
    assert (scores.kernel_subset_size, scores.manifold_images) == (150, 300)
    assert sum(scores.class_shares) == pytest.approx(1.0)
    values = json.loads(json.dumps(scores.to_dict()))
    assert values["frechet_distance"] == scores.frechet_distance
    assert len(values) == 14
    assert scores.marks == ()
    # The same as from all images at once.
    judgement = judge(images)
    statistics = FeatureStatistics.from_features(judgement.features)
    distance = frechet_distance(statistics, real.statistics)
    assert scores.frechet_distance == pytest.approx(distance, rel=1e-9)
    inception = inception_score(judgement.probabilities, 2, shuffle_seed=2020)
    assert scores.inception_score == pytest.approx(inception.mean, rel=1e-9)


def test_what_is_kept_of_a_stream_does_not_grow(
    real: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "SUBSET_IMAGES", 90)
    images = coloured(1200, seed=1).pixels
    tally = Tally.of(ColourJudge(), torch.split(images, 50), 1200, inception_splits=10)
    every = ColourJudge()(images).features
    rows = [int((every == row).all(1).nonzero()[0]) for row in tally.features]
    assert len(set(rows)) == 90
    assert rows == sorted(rows)
    assert rows[0] < 100
    assert rows[-1] > 1100
    assert tally.statistics.count == 1200
    kept = sum(part.untyped_storage().nbytes() for part in tally._features)
    assert kept == 90 * 6 * 4  # not views of whole batches


def test_the_reference_is_cached_and_verified(tmp_path: Path) -> None:
    judge, images = ColourJudge(), coloured(700, seed=0)
    one = reference(judge, images, "a" * 64, tmp_path)
    batches = judge.batches
    again = reference(judge, images, "a" * 64, tmp_path)
    assert judge.batches == batches > 0
    assert torch.equal(again.features, one.features)
    assert (again.count, again.judge) == (one.count, one.judge) == (700, "colour-1")
    torch.testing.assert_close(again.statistics.covariance, one.statistics.covariance)
    assert frechet_distance(again.statistics, one.statistics) < 1e-9

    reference(judge, images, "b" * 64, tmp_path)
    reference(ColourJudge("colour-2"), images, "a" * 64, tmp_path)
    files = sorted(tmp_path.glob("judges/*"))
    assert len(files) == 3
    for file in files:
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    with pytest.warns(UserWarning, match="made again"):
        repaired = reference(judge, images, "a" * 64, tmp_path)
    assert torch.equal(repaired.features, one.features)


def test_the_reference_is_of_all_images_and_keeps_features_of_a_fixed_random_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "SUBSET_IMAGES", 90)
    images = coloured(600, seed=0)
    made = reference(ColourJudge(), images, "a" * 64, tmp_path)
    again = reference(ColourJudge(), images, "b" * 64, tmp_path)
    assert made.features is not None and again.features is not None
    assert made.features.shape == (90, 6)
    assert torch.equal(made.features, again.features)
    assert made.count == made.statistics.count == 600
    every = ColourJudge()(images.pixels).features.double()
    torch.testing.assert_close(made.statistics.mean, every.mean(0))
    torch.testing.assert_close(made.statistics.covariance, every.T.cov())


def test_each_score_is_of_the_published_size_and_the_right_side(real: Reference) -> None:
    """Precision of the generated images, recall of the real ones, 3 neighbours (Kynkäänniemi et al.,
    section 4); subsets of 1,000 for the kernel distance where there are 2,000 or more."""
    judge, generator = ColourJudge(), torch.Generator().manual_seed(4)
    narrow = coloured(2000, seed=1).pixels[:400]  # one class of three, so that few are recalled
    noise = torch.randint(256, (2000, 3, 8, 8), generator=generator, dtype=torch.uint8)
    images = torch.cat([narrow, noise[:1700]])
    scores = score(judge, torch.split(images, 500), 2100, real)
    assert (scores.kernel_subset_size, scores.manifold_images) == (1000, 2100)
    assert real.features is not None
    generated, truth = judge(images).features.double(), real.features.double()

    def share(queries: Tensor, points: Tensor) -> float:
        radii = torch.cdist(points, points).sort(1).values[:, 3:4]  # after the point itself
        return (torch.cdist(points, queries) <= radii).any(0).double().mean().item()

    chosen = truth[torch.randperm(2400, generator=torch.Generator().manual_seed(2020))[:2100]]
    assert scores.precision == pytest.approx(share(generated, chosen), abs=2e-3)
    assert scores.recall == pytest.approx(share(chosen, generated), abs=2e-3)
    assert abs(scores.precision - scores.recall) > 0.1
    expected = kernel_distance(judge(images).features, real.features, subset_size=1000)
    assert scores.kernel_distance == pytest.approx(expected.mean)
    assert scores.kernel_distance_std == pytest.approx(expected.std)


def test_the_limits_of_what_is_kept_are_those_that_the_documents_name() -> None:
    assert (scoring.SUBSET_IMAGES, scoring.NEIGHBOURS) == (10_000, 3)


def test_images_of_another_size_have_a_reference_of_their_own(tmp_path: Path) -> None:
    """The search asks for the same images at the resolution of every stage."""
    judge, large = ColourJudge(), coloured(200, seed=0)
    small = ImageSet(large.pixels[:, :, ::2, ::2].contiguous(), large.labels)
    one, other = (reference(judge, images, "a" * 64, tmp_path) for images in (large, small))
    features = judge(small.pixels).features.double()
    torch.testing.assert_close(other.statistics.mean, features.mean(0))
    assert not torch.allclose(one.statistics.mean, other.statistics.mean, atol=1e-6)


def test_imported_statistics_leave_out_and_mark_what_needs_features(real: Reference) -> None:
    judge, images = ColourJudge(), coloured(300, seed=1).pixels
    full = score(judge, [images], 300, real)
    bare = score(judge, [images], 300, replace(real, features=None))
    assert bare.frechet_distance == full.frechet_distance
    assert bare.inception_score == full.inception_score
    assert bare.kernel_distance is bare.kernel_distance_std is bare.precision is bare.recall is None
    assert (bare.kernel_subset_size, bare.manifold_images) == (0, 0)
    assert "imported" in bare.marks[0]


def test_scores_of_too_few_images_are_marked_and_not_given(real: Reference) -> None:
    few = score(ColourJudge(), [coloured(6, seed=1).pixels], 6, real)
    assert few.inception_score is few.frechet_distance is None
    assert "at least 30 images, not 6" in few.marks[0]
    assert "at least 7 images on each side, not 6" in few.marks[1]
    assert few.precision is not None
    assert few.kernel_subset_size == 3


def test_a_judge_without_classes_gives_no_inception_score(real: Reference) -> None:
    class Classless(ColourJudge):
        class_names = ()

        def __init__(self) -> None:
            super().__init__()
            self.class_count = 0

        def __call__(self, images: Tensor) -> Judgement:
            return Judgement(super().__call__(images).features, torch.zeros(len(images), 0))

    images = coloured(300, seed=1).pixels
    scores = score(Classless(), [images], 300, real)
    assert scores.inception_score is None
    assert "knows no classes" in scores.marks[0]
    assert scores.class_shares == ()
    distance = score(ColourJudge(), [images], 300, real).frechet_distance
    assert scores.frechet_distance == distance


def test_refusals(real: Reference) -> None:
    images = coloured(60, seed=1).pixels
    with pytest.raises(UserError, match=r"colour-1, not by colour-2"):
        score(ColourJudge("colour-2"), [images], 60, real)

    class Broken(ColourJudge):
        def __call__(self, images: Tensor) -> Judgement:
            judgement = super().__call__(images)
            judgement.probabilities[3] = torch.nan
            return judgement

    with pytest.raises(UserError, match="NaN"):
        score(Broken(), [images], 60, real)
