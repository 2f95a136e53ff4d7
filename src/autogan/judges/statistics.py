"""What scores need of a stream of images: sums in float64, of a size that the images do not change."""

import numpy as np
import torch
from torch import Tensor

from autogan.basics.errors import UserError


def in_float64(values: Tensor) -> Tensor:
    """The same in float64, on their device, or on the CPU where that knows no float64 (Apple's)."""
    return (values.cpu() if values.device.type == "mps" else values).double()


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

    def to_tensors(self) -> dict[str, Tensor]:
        """All of it, for `of_tensors`: to the bit."""
        return {"count": torch.tensor(self.count), "mean": self.mean, "scatter": self._scatter}

    @classmethod
    def of_tensors(cls, tensors: dict[str, Tensor]) -> "FeatureStatistics":
        """What `to_tensors` gave."""
        statistics = cls(len(tensors["mean"]))
        statistics.count = int(tensors["count"])
        statistics.mean, statistics._scatter = tensors["mean"], tensors["scatter"]
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
        x = in_float64(features)
        mean = x.mean(0)
        centred = x - mean
        self._add(len(x), mean, centred.T @ centred)

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


class InceptionStatistics:
    """What the Inception score needs of N images, added to in batches: sums for each split.

    Splits are consecutive parts of the images in a shuffled order, or with `shuffle_seed` None in the
    order given. The shuffle is the one torch-fidelity makes, so the same images give the same splits.
    """

    def __init__(self, count: int, class_count: int, splits: int, shuffle_seed: int | None = None):
        """For `count` images in all; `UserError` unless there is 1 split or more and each gets one."""
        if not 1 <= splits <= count:
            raise UserError(
                f"The Inception score needs 1 split or more, and an image in each, not {splits} "
                f"splits of {count} images."
            )
        self.count, self.seen = count, 0
        bounds = torch.arange(1, splits + 1) * count // splits
        place = torch.arange(count)
        if shuffle_seed is not None:
            order = torch.from_numpy(np.random.RandomState(shuffle_seed).permutation(count))
            place[order] = torch.arange(count)
        self._split = torch.searchsorted(bounds, place, right=True)  # of image i: int64 N
        self._counts = torch.bincount(self._split, minlength=splits).double()
        self._sums = torch.zeros(splits, class_count, dtype=torch.float64)
        self._negative_entropies = torch.zeros(splits, dtype=torch.float64)

    def update(self, probabilities: Tensor) -> None:
        """Add B×C class probabilities of the next B images; `UserError` if one is not finite."""
        assert self.seen + len(probabilities) <= self.count
        refuse_non_finite(probabilities, "class probabilities")
        p = probabilities.cpu().double()
        split = self._split[self.seen : self.seen + len(p)]
        self._sums.index_add_(0, split, p)
        # xlogy is 0 where p is 0, as the limit of p log p.
        self._negative_entropies.index_add_(0, split, torch.xlogy(p, p).sum(1))
        self.seen += len(p)

    def split_scores(self) -> Tensor:
        """exp of the mean over x of KL(p(y|x) ‖ p(y)), p(y) being the split's mean: float64 splits."""
        assert self.seen == self.count
        marginals = self._sums / self._counts[:, None]
        divergences = self._negative_entropies / self._counts
        return (divergences - torch.xlogy(marginals, marginals).sum(1)).exp()


def refuse_non_finite(values: Tensor, what: str) -> None:
    """`UserError` if `values`, called `what`, hold NaN or infinity."""
    if not bool(torch.isfinite(values).all()):
        raise UserError(f"The {what} hold NaN or infinite values, so there is nothing to score.")
