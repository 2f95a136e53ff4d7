"""Whether mirrored images look like the others: asked of the judge where a run is to mirror them."""

import torch

from autogan.images import DataSet
from autogan.judges import FeatureStatistics, Judge, frechet_distance
from autogan.settings.judge import JudgeSettings

MOST_IMAGES = 1000
"""That are looked at, half of them mirrored as well."""
TOLD_APART = 1.5
"""Distance of mirrored images from real ones, as a multiple of that of real ones, from which on the
judge tells them apart."""


def mirrored_ratio(judge: Judge, data: DataSet) -> float | None:
    """How much farther mirrored training images lie from other ones than they do as they are.

    Both distances are Fréchet distances between the same two halves of at most 1,000 images, the first
    half mirrored or not. None where there are too few images for the judge's features.
    """
    count = min(MOST_IMAGES, len(data.train))
    if count // 2 < judge.feature_dimension + 1:
        return None
    chosen = torch.linspace(0, len(data.train) - 1, count).round().long()
    pixels = data.train.pixels[chosen]
    one, other = pixels[0::2], pixels[1::2]
    statistics = [
        FeatureStatistics.from_features(judge(images).features)
        for images in (other, one, one.flip(3))
    ]
    as_they_are, mirrored = (frechet_distance(found, statistics[0]) for found in statistics[1:])
    return mirrored / as_they_are


def warning_of_mirrored(judge: Judge, data: DataSet, settings: JudgeSettings) -> str | None:
    """What to say before mirrored images are trained on; None where nothing speaks against it."""
    if settings.kind == "domain" and settings.flip:
        return (
            "mirror is on, and judge.flip too: such a judge learned to see no difference, so it cannot "
            "tell whether mirrored images look real. Letters and digits do not."
        )
    ratio = mirrored_ratio(judge, data)
    if ratio is None:
        return (
            f"mirror is on. The judge has {judge.feature_dimension} features, too many to tell by "
            f"{min(MOST_IMAGES, len(data.train)):,} images of {data.name} whether mirrored ones look "
            "real. Letters and digits do not."
        )
    if ratio < TOLD_APART:
        return None
    return (
        f"mirror is on, and the judge tells mirrored images of {data.name} from real ones: they lie "
        f"{ratio:.1f} times as far from other images (Fréchet distance). The generator will learn to "
        "make mirrored images too; set mirror to false unless that is wanted."
    )
