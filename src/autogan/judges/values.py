"""What a judge says of a set of images, as plain values. Nothing here imports torch."""

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scores:
    """What one judge says of a set of images. Comparable only under the same judge and protocol.

    A score that cannot be given, for want of images or of real features, is None and named in
    `marks`.
    """

    inception_score: float | None
    """Mean over the splits: 1 to the number of classes, higher is better."""
    inception_score_std: float | None
    frechet_distance: float | None
    """0 or more, lower is better."""
    kernel_distance: float | None
    """About 0 or more, lower is better; a mean over 100 subsets of `kernel_subset_size` images."""
    kernel_distance_std: float | None
    precision: float | None
    """0 to 1: share of the images that look like a real one."""
    recall: float | None
    """0 to 1: share of the real images that look like one of the images."""
    class_shares: tuple[float, ...]
    """Share of the images that the judge puts into each class, sums to 1; empty where the judge's
    classes are not those of the data."""
    images: int
    """Number of images judged."""
    real_images: int
    """Number of real images that the Fréchet distance compares with."""
    kernel_subset_size: int
    """1,000, or half of the images where either side has fewer than 2,000; 0 without real features."""
    manifold_images: int
    """Images on each side for precision and recall: all (up to 10,000) of the smaller side."""
    judge: str
    """The judge's name."""
    marks: tuple[str, ...] = ()
    """Why a score is None, and what else a reader of the scores must know."""

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as values that JSON can hold."""
        values = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
