"""Scores by class: agreement and Fréchet distances against their plain form."""

from pathlib import Path

import pytest
import torch
from tiny import ColourJudge, noise
from torch import Tensor

from autogan.images import ImageSet
from autogan.judges import FeatureStatistics, Judge, Judgement, frechet_distance
from autogan.judges.by_class import (
    ClassTally,
    class_counts,
    class_statistics,
    measurable,
    scores_by_class,
)

NAMES = ("a", "b", "c")


class Knowing(ColourJudge):
    class_names = NAMES


class Counting(Knowing):
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, images: Tensor) -> Judgement:
        self.calls += 1
        return super().__call__(images)


def partly(images: ImageSet) -> ImageSet:
    """Every seventh image has no label, and of the last class three are left."""
    assert images.labels is not None
    labels = images.labels.clone()
    labels[::7] = -1
    labels[(labels == 2).nonzero()[3:, 0]] = -1
    return ImageSet(images.pixels, labels)


def tally(judge: Judge, images: ImageSet, measured: list[int]) -> ClassTally:
    assert images.labels is not None
    made = ClassTally(judge, images.labels, 3, measured)
    for batch in images.pixels.split(25):
        made.add(judge(batch))
    return made


def test_they_are_the_plain_scores_of_each_class(tmp_path: Path) -> None:
    judge, made, real, held_out = Knowing(), noise(1, 90), partly(noise(2, 120)), noise(3, 50)
    assert made.labels is not None and real.labels is not None and held_out.labels is not None
    counts = class_counts(real.labels, 3)
    measured = measurable(class_counts(made.labels, 3), counts, judge.feature_dimension)
    assert counts[2] == 3 and measured == [0, 1]
    of_real = class_statistics(judge, real, "digest", measured, tmp_path)
    scores = scores_by_class(
        NAMES, judge, tally(judge, made, measured), tally(judge, held_out, []), counts, of_real
    )
    given = judge(made.pixels)
    right = given.probabilities.argmax(1) == made.labels
    for label, row in enumerate(scores.classes):
        mine, theirs = made.labels == label, real.labels == label
        assert (row.name, row.images, row.real_images) == (NAMES[label], 30, counts[label])
        assert row.agreement == pytest.approx(right[mine].double().mean().item())
        if label == 2:
            assert row.frechet_distance is None
            assert row.reason == (
                "a distance needs more than 7 images on both sides: 30 are generated, 3 real"
            )
            continue
        expected = frechet_distance(
            FeatureStatistics.from_features(given.features[mine]),
            FeatureStatistics.from_features(judge(real.pixels[theirs]).features),
        )
        assert row.frechet_distance == pytest.approx(expected, rel=1e-6)
    assert scores.agreement == pytest.approx(right.double().mean().item())
    of_held_out = judge(held_out.pixels).probabilities.argmax(1) == held_out.labels
    assert scores.real_agreement == pytest.approx(of_held_out.double().mean().item())


def test_a_judge_of_other_classes_says_nothing_of_agreement() -> None:
    judge, made = ColourJudge(), noise(1, 30)
    of_made = tally(judge, made, [])
    scores = scores_by_class(NAMES, judge, of_made, of_made, [0, 0, 0], {})
    assert scores.agreement is None and scores.real_agreement is None
    assert scores.reason == "the judge colours does not know these classes"
    assert all(row.agreement is None and row.real_agreement is None for row in scores.classes)


def test_a_class_without_images_has_no_agreement() -> None:
    made = ImageSet(noise(1, 6).pixels, torch.tensor([0, 0, 1, 1, -1, 0]))
    of_made = tally(Knowing(), made, [])
    scores = scores_by_class(NAMES, Knowing(), of_made, None, [0, 0, 0], {})
    assert scores.classes[2].agreement is None and scores.classes[2].images == 0
    assert scores.agreement is not None and scores.real_agreement is None


def test_statistics_are_made_once_and_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    judge, real = Counting(), noise(2, 60)
    first = class_statistics(judge, real, "digest", [0, 2], tmp_path)
    calls = judge.calls
    again = class_statistics(judge, real, "digest", [0, 2], tmp_path)
    assert judge.calls == calls > 0
    for label in (0, 2):
        assert first[label].count == again[label].count == 20
        torch.testing.assert_close(first[label].covariance.cpu(), again[label].covariance)
    class_statistics(judge, real, "other", [0, 2], tmp_path)
    assert judge.calls == 2 * calls
    for file in (tmp_path / "judges").iterdir():
        file.write_bytes(file.read_bytes()[:-5])
    with pytest.warns(UserWarning, match="by class are made again"):
        class_statistics(judge, real, "digest", [0, 2], tmp_path)


@pytest.mark.parametrize(
    ("generated", "real", "expected"),
    [([8, 8], [8, 8], [0, 1]), ([7, 8], [8, 8], [1]), ([8, 8], [8, 7], [0]), ([0, 0], [9, 9], [])],
)
def test_a_distance_needs_more_images_than_features_and_one(
    generated: list[int], real: list[int], expected: list[int]
) -> None:
    assert measurable(generated, real, 6) == expected
