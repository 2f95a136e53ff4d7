"""Kinds of images inside the classes, and which of them a generator leaves out.

A generator can make every class and still leave out a part of one: of grapes the purple ones. So the
real training images of each class are clustered in the judge's feature space. Each generated image,
and each held-out real one, then counts for the cluster that it lies nearest to. As for classes, the
real share is that of held-out images: the judge and the clusters have not seen them.

The clusters are those of k-means (Lloyd's iteration from k-means++ beginnings, Arthur and Vassilvitskii
2007), written out here: it is forty lines, and a library for it would be a dependency larger than this
package. They are lines of NumPy, because the steps are many and small: threads would wait for each other
longer than they work. Everything is computed on the CPU from a fixed seed: the same features give the
same clusters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from autogan.judges.values import MISSING_BELOW, Mode, Modes

MOST_CLUSTERS = 60
"""In all classes together, unless there are more classes."""
TRAINING_IMAGES_A_CLUSTER = 40
HELD_OUT_IMAGES_A_CLUSTER = 5
"""A class is divided only so far that its clusters have this many images on average; one of less than
half of them is dissolved. Fewer could not be told from a few odd images, nor their share measured."""
EXAMPLES = 8
CHANCE = 0.01
"""Largest probability that any mode at all is called missing by mere chance."""
_BEGINNINGS = 2
_MOST_ROUNDS = 20
_SEED = 2020
Array: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Clusters:
    """Kinds of real images. centres: float32 K×F. class_names: of the class of each, "" for none.

    examples: for each the numbers of the images nearest to its centre, nearest first.
    images: how many were clustered.
    """

    centres: Tensor
    class_names: tuple[str, ...]
    examples: tuple[tuple[int, ...], ...]
    images: int


def find_clusters(
    features: Tensor,
    numbers: Tensor,
    held_out_images: int,
    labels: Tensor | None = None,
    class_names: Sequence[str] = (),
) -> Clusters | None:
    """The clusters of real images inside each class, or over all images where no classes are given.

    None where the images are too few to divide any class: then there is nothing beyond classes.

    Args:
        features: of training images, N×F, on any device.
        numbers: int64 N, by which the clusters name these images.
        held_out_images: how many the real shares will be measured on.
        labels: int64 N, places in `class_names`; images with -1 are left out.
    """
    x = features.cpu().float()
    groups = [("", torch.arange(len(x)))]
    if labels is not None and class_names:
        groups = [(name, (labels == i).nonzero()[:, 0]) for i, name in enumerate(class_names)]
        groups = [(name, rows) for name, rows in groups if len(rows)]
    images = sum(len(rows) for _, rows in groups)
    if not images or not held_out_images:
        return None
    needed = max(
        TRAINING_IMAGES_A_CLUSTER, math.ceil(HELD_OUT_IMAGES_A_CLUSTER * images / held_out_images)
    )
    most = max(1, MOST_CLUSTERS // len(groups))
    centres, names, examples = [], [], []
    for name, rows in groups:
        inside = x[rows]
        here = k_means(inside, max(1, min(most, len(rows) // needed)), needed // 2)
        centres.append(here)
        names += [name] * len(here)
        examples += [tuple(numbers[rows[found]].tolist()) for found in _typical(inside, here)]
    if len(names) == len(groups):
        return None
    return Clusters(torch.cat(centres), tuple(names), tuple(examples), images)


def measure(clusters: Clusters, generated: Tensor, held_out: Tensor) -> Modes:
    """Shares of generated and of held-out real images, both N×F features, that fall to each cluster."""
    count = len(clusters.centres)
    made, real = (
        nearest(features.cpu().float(), clusters.centres).bincount(minlength=count).tolist()
        for features in (generated, held_out)
    )
    modes = [
        Mode(
            name,
            made[i] / len(generated),
            real[i] / len(held_out),
            hardly_ever(made[i], len(generated), real[i], len(held_out), CHANCE / count),
            clusters.examples[i],
        )
        for i, name in enumerate(clusters.class_names)
    ]
    return Modes(tuple(modes), clusters.images, len(generated), len(held_out))


def hardly_ever(made: int, generated: int, real: int, held_out: int, chance: float) -> bool:
    """Whether `made` of `generated` is under a tenth of the share `real` of `held_out`, by no accident.

    The accident: were both shares the same, so few or fewer would be generated with a probability of
    `chance` or more (Fisher's exact test, which knows that the real share is measured on few images).
    """
    if made / generated >= MISSING_BELOW * real / held_out:
        return False
    return probability_of_so_few(made, generated, real, held_out) < chance


def probability_of_so_few(made: int, generated: int, real: int, held_out: int) -> float:
    """That of made + real images, drawn from all alike, `made` or fewer are generated ones."""
    drawn, every = made + real, generated + held_out

    def logarithm_of_choices(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    return sum(
        math.exp(
            logarithm_of_choices(generated, k)
            + logarithm_of_choices(held_out, drawn - k)
            - logarithm_of_choices(every, drawn)
        )
        for k in range(max(0, drawn - held_out), made + 1)
    )


def k_means(features: Tensor, count: int, fewest: int = 1) -> Tensor:
    """Centres of at most `count` clusters of float32 N×F features, the tightest of a few trials: K×F.

    Fewer where the features have fewer different values, or where a cluster held less than `fewest`:
    it is dissolved, and its images go to the clusters beside it.
    """
    middle = features.mean(0)  # small numbers lose less where large ones would cancel
    x = (features - middle).numpy()
    random = np.random.default_rng(_SEED)
    trials = [_trial(x, count, random) for _ in range(_BEGINNINGS if count > 1 else 1)]
    spreads = [float(_squared_distances(x, c).min(1).sum(dtype=np.float64)) for c in trials]
    centres = trials[spreads.index(min(spreads))]
    while len(centres) > 1:
        sizes = np.bincount(_squared_distances(x, centres).argmin(1), minlength=len(centres))
        if sizes.min() >= fewest:
            break
        centres = np.delete(centres, sizes.argmin(), axis=0)
    return torch.from_numpy(centres) + middle


def nearest(features: Tensor, centres: Tensor) -> Tensor:
    """int64 N: the place of the centre (K×F) that each of N×F features lies nearest to."""
    middle = centres.mean(0)
    x, c = (features - middle).numpy(), (centres - middle).numpy()
    return torch.from_numpy(_squared_distances(x, c).argmin(1))


def _squared_distances(features: Array, centres: Array) -> Array:
    """N×F, K×F → N×K, less the squared length of the features, which is the same for all centres."""
    distances: Array = np.square(centres).sum(1) - 2 * features @ centres.T
    return distances


def _trial(features: Array, count: int, random: np.random.Generator) -> Array:
    """Begins with images far from each other (k-means++), then Lloyd's iteration: K×F centres."""
    chosen = [int(random.integers(len(features)))]
    distances = np.square(features - features[chosen[0]]).sum(1, dtype=np.float64)
    while len(chosen) < count and distances.any():
        chosen.append(int(random.choice(len(features), p=distances / distances.sum())))
        last = np.square(features - features[chosen[-1]]).sum(1, dtype=np.float64)
        distances = np.minimum(distances, last)
    centres = features[chosen]
    before = np.full(len(features), -1)
    for _ in range(_MOST_ROUNDS):
        places = _squared_distances(features, centres).argmin(1)
        if (places == before).all():
            break
        before = places
        members = np.eye(len(centres), dtype=np.float32)[places]  # N×K
        sizes = members.sum(0)[:, None]
        sums = members.T @ features
        centres = np.where(sizes > 0, sums / np.maximum(sizes, 1), centres)
    return centres


def _typical(features: Tensor, centres: Tensor) -> list[Tensor]:
    """For each centre the rows of those of its own images that lie nearest to it, nearest first."""
    places = nearest(features, centres)
    rows = [(places == place).nonzero()[:, 0] for place in range(len(centres))]
    distances = (features - centres[places]).square_().sum(1)
    return [own[distances[own].argsort(stable=True)[:EXAMPLES]] for own in rows]
