"""From images to all scores at once, against the cached statistics of the real images."""

import dataclasses
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from autogan.errors import UserError
from autogan.judges.base import Judge, Judgement, batches_of
from autogan.judges.scores import (
    FeatureStatistics,
    frechet_distance,
    inception_score,
    kernel_distance,
    precision_recall,
)
from autogan.judges.storage import DamagedFile, digest_of, read_tensors, write_tensors

if TYPE_CHECKING:
    from autogan.images import ImageSet

SUBSET_IMAGES = 10_000
"""The most real images whose features a `Reference` keeps."""
_VERSION = 1
_SEED = 0  # of the fixed choices of images here, the same in every run so that scores compare


@dataclass(frozen=True)
class Scores:
    """What one judge says of a set of images. Comparable only under the same judge and numbers."""

    inception_score: float
    """Mean over the splits: 1 to the number of classes, higher is better."""
    inception_score_std: float
    frechet_distance: float
    """0 or more, lower is better."""
    kernel_distance: float
    """About 0 or more, lower is better; a mean over 100 subsets of `kernel_subset_size` images."""
    kernel_distance_std: float
    precision: float
    """0 to 1: share of the images that look like a real one."""
    recall: float
    """0 to 1: share of the real images that look like one of the images."""
    class_shares: tuple[float, ...]
    """Share of the images that the judge puts into each class; sums to 1."""
    images: int
    """Number of images judged."""
    real_images: int
    """Number of real images that the Fréchet distance compares with."""
    kernel_subset_size: int
    """1,000, or half of the images where either side has fewer than 2,000."""
    manifold_images: int
    """Images on each side for precision and recall: all of the smaller side."""
    judge: str
    """The judge's name."""

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as values that JSON can hold."""
        values = dataclasses.asdict(self)
        values["class_shares"] = list(self.class_shares)
        return values


@dataclass(frozen=True)
class Reference:
    """What scores compare with: how one judge sees the real images."""

    statistics: FeatureStatistics
    """Of every real image."""
    features: Tensor
    """float32, at most 10,000 × F: a fixed random choice, for the kernel distance, precision and
    recall."""
    count: int
    """Number of real images."""
    judge: str
    """The judge's name."""


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
    judgement = judge.judge_all(batches_of(image_set.pixels))
    chosen = _choose(count, min(count, SUBSET_IMAGES))
    made = Reference(
        FeatureStatistics.from_features(judgement.features.cpu()),
        judgement.features.cpu()[chosen],
        count,
        judge.name,
    )
    tensors = {
        "mean": made.statistics.mean,
        "covariance": made.statistics.covariance,
        "features": made.features,
    }
    write_tensors(path, tensors, {"count": count, "judge": judge.name, "data_digest": data_digest})
    return made


def score(
    judge: Judge,
    images: Iterable[Tensor] | Judgement,
    reference: Reference,
    inception_splits: int = 10,
) -> Scores:
    """All scores of a set of images.

    Args:
        judge: the judge that made the reference, or `UserError`.
        images: batches (uint8 B×3×H×H, of any H), or the judgement of all of them. The Inception
            score reads them in the order given.
        inception_splits: see `inception_score`.

    `UserError` if there are too few images for any of the scores: more than judge.feature_dimension
    and at least inception_splits × judge.class_count are needed.
    """
    if judge.name != reference.judge:
        raise UserError(
            f"The reference was made by the judge {reference.judge}, not by {judge.name}: scores "
            "of two judges do not compare."
        )
    judgement = images if isinstance(images, Judgement) else judge.judge_all(images)
    count = len(judgement)
    inception = inception_score(judgement.probabilities, inception_splits)
    distance = frechet_distance(
        FeatureStatistics.from_features(judgement.features), reference.statistics
    )
    real = reference.features.to(judgement.features.device)
    smaller = min(count, len(real))
    subset_size = min(1000, smaller // 2)
    kernel = kernel_distance(real, judgement.features, subset_size=subset_size, seed=_SEED)
    precision, recall = precision_recall(
        real[_choose(len(real), smaller)], judgement.features[_choose(count, smaller)]
    )
    classes = judgement.probabilities.argmax(1)
    shares = torch.bincount(classes, minlength=judge.class_count).double() / count
    return Scores(
        inception_score=inception.mean,
        inception_score_std=inception.std,
        frechet_distance=distance,
        kernel_distance=kernel.mean,
        kernel_distance_std=kernel.std,
        precision=precision,
        recall=recall,
        class_shares=tuple(shares.tolist()),
        images=count,
        real_images=reference.count,
        kernel_subset_size=subset_size,
        manifold_images=smaller,
        judge=judge.name,
    )


def floor(
    judge: Judge, held_out: "ImageSet", reference: Reference, inception_splits: int = 10
) -> Scores:
    """The scores of held-out real images: what a perfect generator would get.

    The images are judged in a fixed random order, because folders are often sorted by class and
    the Inception score's splits are consecutive.
    """
    order = _choose(len(held_out), len(held_out))
    return score(judge, batches_of(held_out.pixels[order]), reference, inception_splits)


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
