"""What a judge says of a set of images, as plain values. Nothing here imports torch."""

import dataclasses
from dataclasses import dataclass
from typing import Any

MISSING_BELOW = 0.1
"""What is generated at less than this part of its real share counts as missing: a class, a mode."""


def weak_below(guessing: float) -> float:
    """The share of right answers (0 to 1) below which a judge knows too little.

    guessing: the share that needs no knowledge. Half as often again must it be right or, where that is beyond
    1 or nearly so, half of the way from guessing to knowing all.
    """
    return min(1.5 * guessing, (1 + guessing) / 2)


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


@dataclass(frozen=True)
class Mode:
    """A kind of images: a cluster of real ones in the judge's feature space (see `judges.modes`)."""

    class_name: str
    """The class that it lies inside; "" where the judge knows no classes of the data."""
    generated: float
    """Share (0 to 1) of the generated images that lie nearest to this cluster."""
    real: float
    """The same of held-out real images."""
    missing: bool
    """Whether it is hardly ever generated, and so seldom that chance does not explain it."""
    examples: tuple[int, ...]
    """Numbers of the training images that lie nearest to its centre, nearest first."""


@dataclass(frozen=True)
class Modes:
    """How often every kind of images is generated, beside how often it is real."""

    modes: tuple[Mode, ...]
    """Class by class, in the order of the class names."""
    clustered_images: int
    """Training images among which the kinds were found."""
    generated_images: int
    """That the generated shares are of: all, up to 10,000."""
    held_out_images: int
    """That the real shares are of: all, up to 10,000."""

    @property
    def missing(self) -> list[int]:
        """Places in `modes` of those that are missing, largest real share first."""
        missing = [place for place, mode in enumerate(self.modes) if mode.missing]
        return sorted(missing, key=lambda place: -self.modes[place].real)

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as values that JSON can hold."""
        values = dataclasses.asdict(self)
        modes = [{**mode, "examples": list(mode["examples"])} for mode in values["modes"]]
        return {**values, "modes": modes}


@dataclass(frozen=True)
class ClassScores:
    """How good the images are that were asked to be of one class."""

    name: str
    images: int
    """Generated images of the class."""
    real_images: int
    """Real ones that the Fréchet distance compares with."""
    agreement: float | None
    """0 to 1, higher is better: share of the generated images that the judge puts into the class; None
    where the judge does not know the classes, or no images are of this one."""
    real_agreement: float | None
    """The same of held-out real images: what can be reached."""
    frechet_distance: float | None
    """0 or more, lower is better: between the generated and the real images of the class."""
    reason: str = ""
    """Why there is no distance."""


@dataclass(frozen=True)
class ByClass:
    """The scores of every class, in the order of the labels, and the agreement over all images."""

    classes: tuple[ClassScores, ...]
    agreement: float | None
    real_agreement: float | None
    reason: str = ""
    """Why there is no agreement."""

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as values that JSON can hold."""
        values = dataclasses.asdict(self)
        return {**values, "classes": list(values["classes"])}
