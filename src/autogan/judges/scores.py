"""The scores: functions of features and class probabilities, computed in float64 with torch.

None of them knows a judge: whoever shows a score says which judge, and how many images, made it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.judges.statistics import (
    FeatureStatistics,
    InceptionStatistics,
    in_float64,
    refuse_non_finite,
)

_LinAlgError: type[RuntimeError] = torch.linalg.LinAlgError  # type: ignore[attr-defined]
_BLOCK = 2048  # rows of a distance table that are in memory at once


@dataclass(frozen=True)
class Score:
    """A mean over splits or subsets, and their population standard deviation (as numpy.std)."""

    mean: float
    std: float

    @classmethod
    def over(cls, values: Tensor) -> "Score":
        """Of the values of all splits or subsets."""
        return cls(float(values.mean()), float(values.std(correction=0)))


class ScoreNotGiven(UserError):
    """A score cannot be given honestly: of too few images, or by a judge that knows no classes."""


def fewest_for_inception_score(class_count: int, splits: int) -> int:
    """Images that an Inception score should rest on: n images of a split can reach no more than n.

    For the 1,008 classes of the Inception network it is the 500 a split of published scores.
    """
    return splits * min(class_count, 500)


def refuse_few_for_inception_score(count: int, class_count: int, splits: int) -> None:
    """`ScoreNotGiven` if `count` is below `fewest_for_inception_score`."""
    fewest = fewest_for_inception_score(class_count, splits)
    if count < fewest:
        raise ScoreNotGiven(
            f"The Inception score with {class_count} classes and {splits} splits needs at least "
            f"{fewest} images, not {count}: give more images or fewer splits."
        )


def inception_score(
    probabilities: Tensor,
    splits: int = 10,
    shuffle_seed: int | None = None,
    *,
    allow_few: bool = False,
) -> Score:
    """The Inception score, from 1 (bad) to the number of classes (good).

    Per split exp(mean over x of KL(p(y|x) ‖ p(y))), where p(y) is the mean over the same split
    (Salimans et al. 2016, section 4). Splits are consecutive parts of the images: images that are
    sorted by class must be shuffled, by the caller or with `shuffle_seed` (torch-fidelity: 2020).

    Args:
        probabilities: N×C, rows that sum to 1.
        splits: parts of N to compute it for. `UserError` if N is below `fewest_for_inception_score`,
            unless `allow_few`.
    """
    count, classes = probabilities.shape
    if not allow_few:
        refuse_few_for_inception_score(count, classes, splits)
    statistics = InceptionStatistics(count, classes, splits, shuffle_seed)
    statistics.update(probabilities)
    return Score.over(statistics.split_scores())


def frechet_distance(
    a: FeatureStatistics, b: FeatureStatistics, *, allow_few: bool = False
) -> float:
    """The Fréchet distance of two sets of features, 0 (equal) or more.

    |μa − μb|² + tr(Σa + Σb − 2 (Σa Σb)^½) (Heusel et al. 2017, equation 6). The root's trace is the
    sum of the square roots of the eigenvalues of Σa^½ Σb Σa^½, a symmetric matrix.
    `UserError` if either has no more images than features (its covariance would be singular for
    want of images) and not `allow_few`, or holds a value that is not finite; `FloatingPointError` if
    the eigenvalues cannot be found.
    """
    assert a.feature_dimension == b.feature_dimension
    for statistics in (a, b):
        if statistics.count <= statistics.feature_dimension and not allow_few:
            raise ScoreNotGiven(
                f"The Fréchet distance over {statistics.feature_dimension} features needs at least "
                f"{statistics.feature_dimension + 1} images on each side, not {statistics.count}."
            )
        refuse_non_finite(statistics.mean, "feature means")
        refuse_non_finite(statistics.covariance, "feature covariances")
    mean_a, mean_b = a.mean.cpu(), b.mean.cpu()
    covariance_a, covariance_b = a.covariance.cpu(), b.covariance.cpu()
    try:
        values, vectors = torch.linalg.eigh(covariance_a)
        root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
        product = torch.linalg.eigvalsh(root @ covariance_b @ root).clamp(min=0)
    except _LinAlgError as error:
        raise FloatingPointError(f"The Fréchet distance cannot be computed: {error}") from None
    distance = (
        (mean_a - mean_b).square().sum()
        + covariance_a.trace()
        + covariance_b.trace()
        - 2 * product.sqrt().sum()
    )
    return max(float(distance), 0.0)  # rounding can leave equal sets a hair below zero


def kernel_distance(
    features_a: Tensor,
    features_b: Tensor,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 2020,
) -> Score:
    """The kernel distance of two sets of features: its expectation is 0 for equal distributions.

    Per subset the unbiased squared maximum mean discrepancy with the kernel (x·y / F + 1)³
    (Bińkowski et al. 2018, section 4 and equation 4), so single values may be negative. Subsets are
    drawn without replacement within a subset, from `seed`, as torch-fidelity draws them (its first
    input as a, its second as b).

    Args:
        features_a, features_b: N×F and M×F. `UserError` if either has fewer than `subset_size`.
    """
    if subset_size < 2 or subsets < 1:
        raise ScoreNotGiven(
            f"The kernel distance needs 1 subset or more of 2 images or more, not {subsets} of "
            f"{subset_size}."
        )
    fewest = min(len(features_a), len(features_b))
    if fewest < subset_size:
        raise ScoreNotGiven(
            f"The kernel distance with subsets of {subset_size} needs at least {subset_size} "
            f"images on each side, not {fewest}."
        )
    a = in_float64(features_a)
    b = in_float64(features_b).to(a.device)
    refuse_non_finite(a, "features")
    refuse_non_finite(b, "features")
    random = np.random.RandomState(seed)  # its stream is frozen: no NumPy changes it

    def subset(features: Tensor) -> Tensor:
        chosen = random.choice(len(features), subset_size, replace=False)
        return features[torch.from_numpy(chosen).to(features.device)]

    # One tensor for all values: kept apart, they would lie between the freed tables of the subsets,
    # and memory would grow with every subset.
    values = torch.empty(subsets, dtype=torch.float64, device=a.device)
    for number in range(subsets):
        values[number] = _squared_discrepancy(subset(a), subset(b))
    return Score.over(values)


def precision_recall(
    features_real: Tensor, features_generated: Tensor, neighbours: int = 3
) -> tuple[float, float]:
    """Improved precision and recall, each a share from 0 to 1.

    Precision: the share of generated images that lie within the distance of a real image to its
    k-th nearest other real image, for any real image; recall: the same with the roles exchanged
    (Kynkäänniemi et al. 2019, equations 1 and 2). Both depend on the number of images: compare
    only values of equal numbers.

    Args:
        features_real, features_generated: N×F and M×F. `UserError` if either has no more than
            `neighbours` rows.
    """
    if neighbours < 1:
        raise UserError(f"Precision and recall need 1 neighbour or more, not {neighbours}.")
    fewest = min(len(features_real), len(features_generated))
    if fewest <= neighbours:
        raise ScoreNotGiven(
            f"Precision and recall with {neighbours} neighbours need at least {neighbours + 1} "
            f"images on each side, not {fewest}."
        )
    real = in_float64(features_real)
    generated = in_float64(features_generated).to(real.device)
    refuse_non_finite(real, "features")
    refuse_non_finite(generated, "features")
    precision = _share_within(generated, real, _radii(real, neighbours))
    recall = _share_within(real, generated, _radii(generated, neighbours))
    return precision, recall


def _squared_discrepancy(x: Tensor, y: Tensor) -> Tensor:
    """Unbiased MMD² of two n×F sets: the terms k(x, x) of a point with itself are left out."""
    n, dimension = x.shape
    xx, yy, xy = ((u @ v.T).div_(dimension).add_(1).pow_(3) for u, v in ((x, x), (y, y), (x, y)))
    within = (xx.sum() - xx.trace() + yy.sum() - yy.trace()) / (n * (n - 1))
    return within - 2 * xy.mean()


def _radii(points: Tensor, neighbours: int) -> Tensor:
    """Distance of every point to its k-th nearest other point: N×F → N."""
    radii = []
    for block in torch.split(points, _BLOCK):
        distances = _distances(block, points)
        # The nearest point is the point itself.
        radii.append(distances.topk(neighbours + 1, largest=False).values[:, -1])
    return torch.cat(radii)


def _share_within(queries: Tensor, points: Tensor, radii: Tensor) -> float:
    """Share of queries that lie within the radius of at least one point."""
    inside = [(_distances(part, points) <= radii).any(1) for part in torch.split(queries, _BLOCK)]
    return float(torch.cat(inside).double().mean())


def _distances(x: Tensor, y: Tensor) -> Tensor:
    return torch.cdist(x, y, compute_mode="use_mm_for_euclid_dist")
