"""How good the images of each class are, of a generator that is asked for classes.

Two things are measured: whether the judge puts an image into the class that it was asked to be of, and
the Fréchet distance between the generated and the real images of one class. A covariance of F features
says little below F + 2 images, so a class with fewer on either side has no distance.
"""

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from autogan.judges.base import Judge, Judgement, batches_of
from autogan.judges.scores import frechet_distance
from autogan.judges.statistics import FeatureStatistics
from autogan.judges.storage import DamagedFile, digest_of, read_tensors, write_tensors
from autogan.judges.values import ByClass, ClassScores

if TYPE_CHECKING:
    from autogan.images import ImageSet

_VERSION = 1


class ClassTally:
    """What the scores by class need of a stream of judged images whose labels are known beforehand.

    labels: int64 N, -1 for none, in the order of the stream. measured: the classes whose features are
    added up: float64 F×F for each.
    """

    def __init__(self, judge: Judge, labels: Tensor, classes: int, measured: Collection[int]):
        self.counts = class_counts(labels, classes)
        self.statistics = {
            label: FeatureStatistics(judge.feature_dimension) for label in sorted(measured)
        }
        self._answers = judge.class_count
        self._right = torch.zeros(classes, dtype=torch.int64)
        self._labels = labels
        self._seen = 0

    def add(self, judgement: Judgement) -> None:
        """Take in the judgement of the next images."""
        labels = self._labels[self._seen : self._seen + len(judgement)]
        assert len(labels) == len(judgement)
        self._seen += len(judgement)
        for label in labels.unique().tolist():
            if label in self.statistics:
                rows = (labels == label).to(judgement.features.device)
                self.statistics[label].update(judgement.features[rows])
        if self._answers == len(self._right):
            given = judgement.probabilities.argmax(1).cpu()
            right = labels[given == labels]
            self._right += right.bincount(minlength=len(self._right))

    def agreement(self, label: int) -> float | None:
        """The share of a class's images that the judge puts into it; None where there are none."""
        count = self.counts[label]
        return int(self._right[label]) / count if count else None

    def agreement_of_all(self) -> float | None:
        """The same of all images that have a label."""
        count = sum(self.counts)
        return int(self._right.sum()) / count if count else None


def measurable(generated: list[int], real: list[int], feature_dimension: int) -> list[int]:
    """The classes that have more than F + 1 images on both sides."""
    pairs = enumerate(zip(generated, real, strict=True))
    return [label for label, counts in pairs if min(counts) > feature_dimension + 1]


def class_statistics(
    judge: Judge,
    image_set: "ImageSet",
    data_digest: str,
    measured: Collection[int],
    cache_directory: Path,
) -> dict[int, FeatureStatistics]:
    """Statistics of the real images of each class that is measured: from the cache, or made and put there.

    A damaged file is named in a warning and replaced. data_digest: stands for the images' content.
    """
    assert image_set.labels is not None
    if not measured:
        return {}
    content = [judge.name, data_digest, len(image_set), image_set.size, sorted(measured), _VERSION]
    name = f"classes-{judge.name}-{digest_of(content)[:16]}.safetensors"
    path = cache_directory / "judges" / name
    if path.exists():
        try:
            return _load(path)
        except DamagedFile as damage:
            warnings.warn(f"{damage} The statistics by class are made again.", stacklevel=2)
    classes = int(image_set.labels.max()) + 1
    tally = ClassTally(judge, image_set.labels, classes, measured)
    for batch in batches_of(image_set.pixels):
        tally.add(judge(batch))
    tensors, counts = {}, {}
    for label, statistics in tally.statistics.items():
        counts[str(label)] = statistics.count
        tensors[f"mean.{label}"] = statistics.mean.cpu()
        tensors[f"covariance.{label}"] = statistics.covariance.cpu().contiguous()
    write_tensors(path, tensors, {"counts": counts, "judge": judge.name})
    return tally.statistics


def _load(path: Path) -> dict[int, FeatureStatistics]:
    tensors, about = read_tensors(path)
    return {
        int(label): FeatureStatistics.from_moments(
            count, tensors[f"mean.{label}"], tensors[f"covariance.{label}"]
        )
        for label, count in about["counts"].items()
    }


def scores_by_class(
    names: tuple[str, ...],
    judge: Judge,
    generated: ClassTally,
    held_out: ClassTally | None,
    real_counts: list[int],
    real: dict[int, FeatureStatistics],
) -> ByClass:
    """The scores of every class.

    held_out: of other real images, for the agreement that real ones reach. real_counts, real: of the
    images that the Fréchet distance compares with.
    """
    knows = judge.class_names == names
    rows = []
    for label, name in enumerate(names):
        distance, reason = None, ""
        if label in real:
            distance = frechet_distance(generated.statistics[label], real[label])
        else:
            reason = (
                f"a distance needs more than {judge.feature_dimension + 1:,} images on both sides: "
                f"{generated.counts[label]:,} are generated, {real_counts[label]:,} real"
            )
        rows.append(
            ClassScores(
                name,
                generated.counts[label],
                real_counts[label],
                generated.agreement(label) if knows else None,
                held_out.agreement(label) if knows and held_out else None,
                distance,
                reason,
            )
        )
    return ByClass(
        tuple(rows),
        generated.agreement_of_all() if knows else None,
        held_out.agreement_of_all() if knows and held_out else None,
        "" if knows else f"the judge {judge.name} does not know these classes",
    )


def class_counts(labels: Tensor, classes: int) -> list[int]:
    """How many of int64 N labels are of each class; -1 is of none."""
    counts: list[int] = labels[labels >= 0].bincount(minlength=classes).tolist()
    return counts
