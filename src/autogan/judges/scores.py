"""The scores: functions of features and class probabilities, computed in float64 with torch.

None of them knows a judge: whoever shows a score says which judge, and how many images, made it.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autogan.errors import UserError

_BLOCK = 2048  # rows of a distance table that are in memory at once


@dataclass(frozen=True)
class Score:
    """A mean over splits or subsets, and their population standard deviation (as numpy.std)."""

    mean: float
    std: float


def inception_score(probabilities: Tensor, splits: int = 10) -> Score:
    """The Inception score, from 1 (bad) to the number of classes (good).

    Per split exp(mean over x of KL(p(y|x) ‖ p(y))), where p(y) is the mean over the same split
    (Salimans et al. 2016, section 4). Splits are consecutive parts of the images, in the order
    given: images that are sorted by class must be shuffled first.

    Args:
        probabilities: N×C, rows that sum to 1.
        splits: parts of N to compute it for. `UserError` if a split has fewer images than C,
            because n images can reach no more than n.
    """
    count, classes = probabilities.shape
    if splits < 1:
        raise UserError(f"The Inception score needs 1 split or more, not {splits}.")
    if count // splits < classes:
        raise UserError(
            f"The Inception score with {classes} classes and {splits} splits needs at least "
            f"{classes * splits} images, not {count}: give more images or fewer splits."
        )
    p = probabilities.double()
    _refuse_non_finite(p, "class probabilities")
    values = []
    for index in range(splits):
        part = p[index * count // splits : (index + 1) * count // splits]
        marginal = part.mean(0, keepdim=True)  # 1×C
        # xlogy is 0 where p is 0, as the limit of p log p.
        divergence = torch.xlogy(part, part) - torch.xlogy(part, marginal)
        values.append(divergence.sum(1).mean().exp())
    return _score(values)


class FeatureStatistics:
    """Count, mean and covariance of features, in float64, added to in batches of any size.

    Batches are joined with the pairwise update of Chan, Golub and LeVeque (1979), which loses no
    digits where a sum of squares would; the sums lie on the device of the first batch.
    """

    def __init__(self, feature_dimension: int):
        self.feature_dimension = feature_dimension
        self.count = 0
        self.mean = torch.zeros(feature_dimension, dtype=torch.float64)
        """float64 F."""
        self._scatter = torch.zeros(feature_dimension, feature_dimension, dtype=torch.float64)

    @classmethod
    def from_features(cls, features: Tensor) -> "FeatureStatistics":
        """The statistics of N×F features."""
        statistics = cls(features.shape[1])
        statistics.update(features)
        return statistics

    @property
    def covariance(self) -> Tensor:
        """float64 F×F, divided by count − 1 as numpy.cov; `UserError` below two images."""
        if self.count < 2:
            raise UserError(f"A covariance needs at least 2 images, not {self.count}.")
        return self._scatter / (self.count - 1)

    def update(self, features: Tensor) -> None:
        """Add N×F features."""
        assert features.ndim == 2
        assert features.shape[1] == self.feature_dimension
        if len(features) == 0:
            return
        x = features.double()
        mean = x.mean(0)
        centred = x - mean
        self._add(len(x), mean, centred.T @ centred)

    def merge(self, other: "FeatureStatistics") -> None:
        """Add all that `other` has seen."""
        assert other.feature_dimension == self.feature_dimension
        if other.count:
            self._add(other.count, other.mean, other._scatter)

    def save(self, path: Path) -> None:
        """Write an .npz with `mu` (F), `sigma` (F×F), `count`; it appears whole or not at all."""
        arrays = {
            "mu": self.mean.cpu().numpy(),
            "sigma": self.covariance.cpu().numpy(),
            "count": np.array(self.count, dtype=np.int64),
        }
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        Path(file.name).replace(path)

    @classmethod
    def load(cls, path: Path) -> "FeatureStatistics":
        """Read an .npz with `mu`, `sigma` and `count`; `UserError` if one of them is missing."""
        with np.load(path) as arrays:
            missing = [name for name in ("mu", "sigma", "count") if name not in arrays]
            if missing:
                raise UserError(
                    f"{path} holds no {', '.join(missing)}: it is no feature statistics."
                )
            return cls.from_moments(
                int(arrays["count"]),
                torch.from_numpy(arrays["mu"]),
                torch.from_numpy(arrays["sigma"]),
            )

    @classmethod
    def from_moments(cls, count: int, mean: Tensor, covariance: Tensor) -> "FeatureStatistics":
        """Statistics from a count, a mean (F) and a covariance (F×F, divided by count − 1)."""
        statistics = cls(len(mean))
        statistics.count = count
        statistics.mean = mean.double()
        statistics._scatter = covariance.double() * (count - 1)
        return statistics

    def _add(self, count: int, mean: Tensor, scatter: Tensor) -> None:
        if self.count == 0:
            self.count, self.mean, self._scatter = count, mean.clone(), scatter.clone()
            return
        mean, scatter = mean.to(self.mean.device), scatter.to(self.mean.device)
        total = self.count + count
        shift = mean - self.mean
        self._scatter = (
            self._scatter + scatter + torch.outer(shift, shift) * (self.count * count / total)
        )
        self.mean = self.mean + shift * (count / total)
        self.count = total


def frechet_distance(a: FeatureStatistics, b: FeatureStatistics) -> float:
    """The Fréchet distance of two sets of features, 0 (equal) or more.

    |μa − μb|² + tr(Σa + Σb − 2 (Σa Σb)^½) (Heusel et al. 2017, equation 6). The root's trace is the
    sum of the square roots of the eigenvalues of Σa^½ Σb Σa^½, a symmetric matrix.
    `UserError` if either has no more images than features (its covariance would be singular for
    want of images), or holds a value that is not finite.
    """
    assert a.feature_dimension == b.feature_dimension
    for statistics in (a, b):
        if statistics.count <= statistics.feature_dimension:
            raise UserError(
                f"The Fréchet distance over {statistics.feature_dimension} features needs at least "
                f"{statistics.feature_dimension + 1} images on each side, not {statistics.count}."
            )
        _refuse_non_finite(statistics.mean, "feature means")
        _refuse_non_finite(statistics.covariance, "feature covariances")
    mean_a, mean_b = a.mean.cpu(), b.mean.cpu()
    covariance_a, covariance_b = a.covariance.cpu(), b.covariance.cpu()
    values, vectors = torch.linalg.eigh(covariance_a)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    product = torch.linalg.eigvalsh(root @ covariance_b @ root).clamp(min=0)
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
    seed: int = 0,
) -> Score:
    """The kernel distance of two sets of features: its expectation is 0 for equal distributions.

    Per subset the unbiased squared maximum mean discrepancy with the kernel (x·y / F + 1)³
    (Bińkowski et al. 2018, section 4 and equation 4), so single values may be negative. Subsets are
    drawn without replacement within a subset, from a generator of `seed`.

    Args:
        features_a, features_b: N×F and M×F. `UserError` if either has fewer than `subset_size`.
    """
    if subset_size < 2 or subsets < 1:
        raise UserError(
            f"The kernel distance needs 1 subset or more of 2 images or more, not {subsets} of "
            f"{subset_size}."
        )
    fewest = min(len(features_a), len(features_b))
    if fewest < subset_size:
        raise UserError(
            f"The kernel distance with subsets of {subset_size} needs at least {subset_size} "
            f"images on each side, not {fewest}."
        )
    a, b = features_a.double(), features_b.double().to(features_a.device)
    _refuse_non_finite(a, "features")
    _refuse_non_finite(b, "features")
    generator = torch.Generator().manual_seed(seed)
    values = []
    for _ in range(subsets):
        x = a[torch.randperm(len(a), generator=generator)[:subset_size].to(a.device)]
        y = b[torch.randperm(len(b), generator=generator)[:subset_size].to(a.device)]
        values.append(_squared_discrepancy(x, y))
    return _score(values)


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
        raise UserError(
            f"Precision and recall with {neighbours} neighbours need at least {neighbours + 1} "
            f"images on each side, not {fewest}."
        )
    real, generated = features_real.double(), features_generated.double().to(features_real.device)
    _refuse_non_finite(real, "features")
    _refuse_non_finite(generated, "features")
    precision = _share_within(generated, real, _radii(real, neighbours))
    recall = _share_within(real, generated, _radii(generated, neighbours))
    return precision, recall


def _squared_discrepancy(x: Tensor, y: Tensor) -> Tensor:
    """Unbiased MMD² of two n×F sets: the terms k(x, x) of a point with itself are left out."""
    n, dimension = x.shape
    xx, yy, xy = ((u @ v.T / dimension + 1).pow(3) for u, v in ((x, x), (y, y), (x, y)))
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


def _score(values: Sequence[Tensor]) -> Score:
    stacked = torch.stack(list(values))
    return Score(float(stacked.mean()), float(stacked.std(correction=0)))


def _refuse_non_finite(values: Tensor, what: str) -> None:
    if not bool(torch.isfinite(values).all()):
        raise UserError(f"The {what} hold NaN or infinite values, so there is nothing to score.")
