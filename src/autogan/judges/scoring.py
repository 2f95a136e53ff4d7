"""From images to all scores at once, against the cached statistics of the real images.

Images stream through: what is kept of them does not grow with their number.
"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.judges.base import Judge, Judgement, batches_of
from autogan.judges.scores import (
    Score,
    ScoreNotGiven,
    frechet_distance,
    kernel_distance,
    precision_recall,
    refuse_few_for_inception_score,
)
from autogan.judges.statistics import FeatureStatistics, InceptionStatistics
from autogan.judges.storage import DamagedFile, digest_of, read_tensors, write_tensors
from autogan.judges.values import Scores

if TYPE_CHECKING:
    from autogan.images import ImageSet

SUBSET_IMAGES = 10_000
"""The most images of either side whose features are kept, for the kernel distance, precision and
recall. Up to this number these are scores of all images; above, of a fixed random choice."""
KERNEL_SUBSET_IMAGES = 1000
NEIGHBOURS = 3
_VERSION = 2
Given = TypeVar("Given")
Watch = Callable[[Judgement], None]
_SEED = 2020  # of all choices of images here: torch-fidelity's, so that the choices are the same


@dataclass(frozen=True)
class Reference:
    """What scores compare with: how one judge sees the real images."""

    statistics: FeatureStatistics
    """Of every real image."""
    features: Tensor | None
    """float32, at most 10,000 × F: all, or a fixed random choice (`kept_images`), in the images' order.
    None for imported statistics, which leave the kernel distance, precision and recall out."""
    count: int
    """Number of real images."""
    judge: str
    """The judge's name."""


class Tally:
    """What all scores need of a stream of judged images, in memory that their number does not change."""

    def __init__(self, judge: Judge, count: int, inception_splits: int):
        """For `count` images."""
        self.count = count
        self.statistics = FeatureStatistics(judge.feature_dimension)
        self._class_count = judge.class_count
        self._splits = inception_splits
        self._inception = (
            InceptionStatistics(count, judge.class_count, min(inception_splits, count), _SEED)
            if judge.class_count
            else None
        )
        self._kept = kept_images(count)
        self._features: list[Tensor] = []
        self._classes = torch.zeros(judge.class_count, dtype=torch.int64)

    @classmethod
    def of(
        cls,
        judge: Judge,
        batches: Iterable[Tensor],
        count: int,
        inception_splits: int,
        watch: Watch | None = None,
    ) -> "Tally":
        """Judge `count` images in batches of uint8 B×3×H×H. watch: is shown every judgement too."""
        tally = cls(judge, count, inception_splits)
        for batch in batches:
            judgement = judge(batch)
            tally.add(judgement)
            if watch is not None:
                watch(judgement)
        assert tally.statistics.count == count
        return tally

    def add(self, judgement: Judgement) -> None:
        """Take in the judgement of the next images."""
        first = self.statistics.count
        inside = (self._kept >= first) & (self._kept < first + len(judgement))
        rows = (self._kept[inside] - first).to(judgement.features.device)
        self._features.append(judgement.features[rows])
        self.statistics.update(judgement.features)
        if self._inception is not None:
            self._inception.update(judgement.probabilities)
            classes = judgement.probabilities.argmax(1).cpu()
            self._classes += torch.bincount(classes, minlength=self._class_count)

    @property
    def features(self) -> Tensor:
        """float32, at most 10,000 × F: of all images, or of a fixed random choice, in order."""
        return torch.cat(self._features)

    def class_shares(self) -> tuple[float, ...]:
        """Share of the images that are put into each class."""
        return tuple((self._classes.double() / self.count).tolist())

    def inception_score(self) -> Score:
        """As `scores.inception_score`; `ScoreNotGiven` for too few images or no classes."""
        if self._inception is None:
            raise ScoreNotGiven("the judge knows no classes.")
        refuse_few_for_inception_score(self.count, self._class_count, self._splits)
        return Score.over(self._inception.split_scores())


def reference(
    judge: Judge, image_set: "ImageSet", data_digest: str, cache_directory: Path
) -> Reference:
    """The reference of a judge and the real images: read from the cache, or made and put there.

    A damaged file is named in a warning and replaced. `data_digest` stands for the images' content:
    two sets with one digest, size and number of images share a reference.
    """
    count = len(image_set)
    content = [judge.name, data_digest, count, image_set.size, SUBSET_IMAGES, _VERSION]
    name = f"reference-{judge.name}-{digest_of(content)[:16]}.safetensors"
    path = cache_directory / "judges" / name
    if path.exists():
        try:
            return _load(path)
        except DamagedFile as damage:
            warnings.warn(f"{damage} The reference is made again.", stacklevel=2)
    tally = Tally.of(judge, batches_of(image_set.pixels), count, inception_splits=1)
    made = Reference(_on_cpu(tally.statistics), tally.features.cpu(), count, judge.name)
    assert made.features is not None
    tensors = {
        "mean": made.statistics.mean,
        "covariance": made.statistics.covariance,
        "features": made.features,
    }
    write_tensors(path, tensors, {"count": count, "judge": judge.name, "data_digest": data_digest})
    return made


def score(
    judge: Judge,
    images: Iterable[Tensor],
    count: int,
    reference: Reference,
    inception_splits: int = 10,
) -> Scores:
    """All scores of a set of images; those that `count` is too small for are None, with a mark.

    Args as of `judged`.
    """
    return judged(judge, images, count, reference, inception_splits)[0]


def judged(
    judge: Judge,
    images: Iterable[Tensor],
    count: int,
    reference: Reference,
    inception_splits: int = 10,
    watch: Watch | None = None,
) -> tuple[Scores, Tally]:
    """As `score`, with what the scores were computed from: for who wants more of it.

    Args:
        judge: the judge that made the reference, or `UserError`.
        images: batches (uint8 B×3×H×H, of any H), `count` images in all.
        inception_splits: see `inception_score`; the images are shuffled for it in a fixed order.
        watch: is shown every judgement, in the order of the images.
    """
    if judge.name != reference.judge:
        raise UserError(
            f"The reference was made by the judge {reference.judge}, not by {judge.name}: scores "
            "of two judges do not compare."
        )
    tally = Tally.of(judge, images, count, inception_splits, watch)
    return scores_of(tally, judge, reference), tally


def scores_of(tally: Tally, judge: Judge, reference: Reference) -> Scores:
    """All scores of what was tallied; those that it has too few images for are None, with a mark."""
    marks = []

    def given(name: str, compute: Callable[[], Given]) -> Given | None:
        try:
            return compute()
        except ScoreNotGiven as few:
            marks.append(f"{name}: {few}")
            return None

    inception = given("inception_score", tally.inception_score)
    distance = given(
        "frechet_distance", lambda: frechet_distance(tally.statistics, reference.statistics)
    )
    kernel, near, subset_size, smaller = None, None, 0, 0
    if reference.features is None:
        marks.append("kernel_distance, precision, recall: imported statistics hold no features.")
    else:
        generated = tally.features
        real = reference.features.to(generated.device)
        smaller = min(len(generated), len(real))
        subset_size = min(KERNEL_SUBSET_IMAGES, smaller // 2)
        kernel = given(
            "kernel_distance", lambda: kernel_distance(generated, real, subset_size=subset_size)
        )
        near = given(
            "precision, recall",
            lambda: precision_recall(
                real[_choose(len(real), smaller)],
                generated[_choose(len(generated), smaller)],
                NEIGHBOURS,
            ),
        )
    return Scores(
        inception_score=inception.mean if inception else None,
        inception_score_std=inception.std if inception else None,
        frechet_distance=distance,
        kernel_distance=kernel.mean if kernel else None,
        kernel_distance_std=kernel.std if kernel else None,
        precision=near[0] if near else None,
        recall=near[1] if near else None,
        class_shares=tally.class_shares() if judge.class_names else (),
        images=tally.count,
        real_images=reference.count,
        kernel_subset_size=subset_size,
        manifold_images=smaller,
        judge=judge.name,
        marks=tuple(marks),
    )


def floor(
    judge: Judge, held_out: "ImageSet", reference: Reference, inception_splits: int = 10
) -> Scores:
    """The scores of held-out real images: what a perfect generator would get with as many images.

    With more images it would get a lower Fréchet distance, which is too high on average, the more so the
    fewer the images are (Chong & Forsyth 2020).
    """
    count = len(held_out)
    return score(judge, batches_of(held_out.pixels), count, reference, inception_splits)


def kept_images(count: int) -> Tensor:
    """int64: the numbers of those of `count` images whose features are kept, in order."""
    return _choose(count, min(count, SUBSET_IMAGES)).sort().values


def _choose(count: int, chosen: int) -> Tensor:
    """A fixed random choice of `chosen` of `count` indices, in random order: int64."""
    generator = torch.Generator().manual_seed(_SEED)
    return torch.randperm(count, generator=generator)[:chosen]


def _load(path: Path) -> Reference:
    tensors, about = read_tensors(path)
    statistics = FeatureStatistics.from_moments(
        about["count"], tensors["mean"], tensors["covariance"]
    )
    return Reference(statistics, tensors["features"], about["count"], about["judge"])


def _on_cpu(statistics: FeatureStatistics) -> FeatureStatistics:
    return FeatureStatistics.from_moments(
        statistics.count, statistics.mean.cpu(), statistics.covariance.cpu()
    )
