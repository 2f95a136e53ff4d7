"""Scores of a generator, each beside the two ends it lies between.

The floor is the score of real images against other real ones; untrained is the score of the same
architecture with fresh weights. Scores change with the number of images, so where the real ones are fewer,
as many generated ones are scored too. Latents come from a stream that nothing was chosen by. Which real
images, and how many generated ones, is the protocol's to say (`protocols.py`), and stands beside the
scores. From the same features comes which kinds of images are missing (`judges/modes.py`).
"""

import copy
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from autogan.basics.randomness import torch_generator
from autogan.device.compute import Compute
from autogan.gan.generation import generate, label_batches, latent_batches, shared_labels
from autogan.images import ImageSet, default_cache_directory
from autogan.judges import Judge, Judgement, Modes, Reference, Scores, Tally, judged, reference
from autogan.judges.base import batches_of
from autogan.judges.by_class import (
    ClassTally,
    class_counts,
    class_statistics,
    measurable,
    scores_by_class,
)
from autogan.judges.modes import Clusters, find_clusters, measure
from autogan.judges.scoring import Watch, kept_images, scores_of
from autogan.judges.statistics_files import StatisticsFile
from autogan.judges.values import ByClass
from autogan.method.context import Context
from autogan.nets.layers import initialise
from autogan.progress.base import Progress
from autogan.runs.workload import Workload
from autogan.settings.protocols import Protocol
from autogan.settings.sections import Settings
from autogan.spaces.networks import Generator


@dataclass(frozen=True)
class Evaluation:
    """Scores of one generator between its two ends; all by one judge under one protocol."""

    protocol: dict[str, Any]
    """name, images, inception_splits, real ("training", "held-out"), real_images, and statistics:
    "computed" from the data or "imported"."""
    scores: Scores
    floor: Scores | None
    """None where the statistics were imported and no real images are at hand."""
    as_few: Scores | None
    """Of the first generated images, as many as `floor` is of (and of each class, where they can be asked
    for): they compare with it. None without a floor, and where it has no fewer images than `scores`."""
    untrained: Scores
    modes: Modes | None
    """None where the statistics were imported, or the real images are too few to find kinds in them."""
    by_class: ByClass | None = None
    """None where the generator has no classes, or others than the real images."""

    def to_dict(self) -> dict[str, Any]:
        """As it stands in results.json (docs/run-folder.md)."""
        return {
            "protocol": self.protocol,
            "scores": self.scores.to_dict(),
            "floor": self.floor.to_dict() if self.floor else None,
            "as_few": self.as_few.to_dict() if self.as_few else None,
            "untrained": self.untrained.to_dict(),
            "modes": self.modes.to_dict() if self.modes else None,
            "by_class": self.by_class.to_dict() if self.by_class else None,
        }


def evaluate(generator: Generator, context: Context, progress: Progress) -> Evaluation:
    """The final scores of a derived generator, under `settings.evaluate`."""
    protocol = context.settings.evaluate.resolved_protocol()
    name, real, others = real_sides(context.data.train, context.data.held_out, protocol)
    against = context.reference
    if real is not context.data.train:
        digest = f"{context.data.digest}/{name}/{len(real)}"
        against = reference(context.judge, real, digest, default_cache_directory())
    scorer = _Scorer(
        context.settings, context.judge, against, context.compute, context.workload, progress
    )
    by_class = _OfClasses.of(generator, context, real, others)
    few = None
    if len(others) < protocol.images:
        labels = evaluation_labels(generator, protocol.images, context.settings.seed)
        few = _Few(others, labels, protocol, context)

    def watch(judgement: Judgement) -> None:
        for tally in (few, by_class.generated if by_class else None):
            if tally is not None:
                tally.add(judgement)

    scores, generated = scorer.trained(generator, watch)
    floor, other_real = judged(
        context.judge,
        batches_of(others.pixels),
        len(others),
        against,
        protocol.inception_splits,
        by_class.others.add if by_class else None,
    )
    held_out = against.features if name == "held-out" else other_real.features
    clusters = clusters_of(context)
    assert held_out is not None  # statistics that were computed here have them
    return Evaluation(
        protocol={
            **asdict(protocol),
            "real": name,
            "real_images": len(real),
            "statistics": "computed",
        },
        scores=scores,
        floor=floor,
        as_few=scores_of(few.tally, context.judge, against) if few is not None else None,
        untrained=scorer.untrained(generator)[0],
        modes=measure(clusters, generated.features, held_out) if clusters else None,
        by_class=by_class.scores(f"{context.data.digest}/{name}") if by_class else None,
    )


class _Few:
    """A tally of generated images, of which there are as many as of the real ones that make the floor.

    Held-out images are drawn class by class, and chance among classes would weigh more than all else: where
    classes can be asked for, it takes as many of each.
    """

    def __init__(
        self, others: ImageSet, labels: Tensor | None, protocol: Protocol, context: Context
    ) -> None:
        """labels: of all generated images, or None."""
        self.tally = Tally(context.judge, len(others), protocol.inception_splits)
        self._chosen = torch.arange(protocol.images) < len(others)
        self._seen = 0
        if labels is None or others.labels is None or (others.labels < 0).any():
            return
        wanted = others.labels.bincount()
        places = [(labels == label).nonzero()[:count] for label, count in enumerate(wanted)]
        if [len(of_class) for of_class in places] == wanted.tolist():
            self._chosen[:] = False
            self._chosen[torch.cat(places)] = True

    def add(self, judgement: Judgement) -> None:
        """Takes in its share of the next images."""
        chosen = self._chosen[self._seen : self._seen + len(judgement)]
        self._seen += len(judgement)
        if chosen.any():
            self.tally.add(judgement.of(chosen))


@dataclass(frozen=True)
class _OfClasses:
    """The scores by class of one generator, while its images and the others are being judged.

    real: that the Fréchet distances compare with. others: for the agreement that real images reach.
    """

    names: tuple[str, ...]
    judge: Judge
    real: ImageSet
    real_counts: list[int]
    generated: ClassTally
    others: ClassTally

    @classmethod
    def of(
        cls, generator: Generator, context: Context, real: ImageSet, others: ImageSet
    ) -> "_OfClasses | None":
        """None where the generator's classes are not those of the real images."""
        settings, classes = context.settings, generator.classes
        same = classes is not None and classes.names == context.data.class_names
        if not same or real.labels is None or others.labels is None:
            return None
        count = settings.evaluate.resolved_protocol().images
        labels = evaluation_labels(generator, count, settings.seed)
        assert classes is not None and labels is not None
        number, judge = len(classes), context.judge
        real_counts = class_counts(real.labels, number)
        asked = class_counts(labels, number)
        measured = measurable(asked, real_counts, judge.feature_dimension)
        return cls(
            classes.names,
            judge,
            real,
            real_counts,
            ClassTally(judge, labels, number, measured),
            ClassTally(judge, others.labels, number, ()),
        )

    def scores(self, digest: str) -> ByClass:
        """When all images were judged. digest: stands for the content of the real images."""
        measured = self.generated.statistics.keys()
        directory = default_cache_directory()
        real = class_statistics(self.judge, self.real, digest, measured, directory)
        return scores_by_class(
            self.names, self.judge, self.generated, self.others, self.real_counts, real
        )


def clusters_of(context: Context) -> Clusters | None:
    """The kinds of training images, inside classes where the judge knows these."""
    train, features = context.data.train, context.reference.features
    assert features is not None
    kept = kept_images(len(train))
    labels = train.labels[kept] if train.labels is not None else None
    names = context.judge.class_names
    return find_clusters(features, kept, len(context.data.held_out), labels, names)


def evaluate_against(
    imported: StatisticsFile,
    generator: Generator,
    judge: Judge,
    settings: Settings,
    compute: Compute,
    progress: Progress,
) -> Evaluation:
    """The scores that imported statistics allow: without real images there is no floor."""
    against = imported.reference()
    scorer = _Scorer(settings, judge, against, compute, Workload(settings, 0, 0), progress)
    protocol = {
        **asdict(settings.evaluate.resolved_protocol()),
        "real_images": against.count,
        "statistics": "imported",
    }
    scores, _ = scorer.trained(generator)
    untrained, _ = scorer.untrained(generator)
    return Evaluation(protocol, scores, None, None, untrained, None)


def real_sides(
    train: ImageSet, held_out: ImageSet, protocol: Protocol
) -> tuple[str, ImageSet, ImageSet]:
    """Which real images a protocol compares with, these, and the others that make the floor.

    Both sets come shuffled, so their first images are a fair choice.
    """
    if protocol.real == "training":
        return "training", train, held_out
    assert protocol.real_images is not None
    if len(held_out) >= protocol.real_images:
        return "held-out", _first(held_out, protocol.real_images), _first(train, protocol.images)
    return "training", _first(train, protocol.real_images), held_out


def judge_generator(
    generator: Generator,
    context: Context,
    images: int,
    latents_generator: torch.Generator,
    labels: Tensor | None = None,
) -> Judgement:
    """What the judge says of `images` images of a derived generator in evaluation mode.

    labels: int64 `images`, for generators with classes.
    """
    return context.judge.judge_all(
        _generated(generator, context.compute, images, latents_generator, labels)
    )


@dataclass(frozen=True)
class _Scorer:
    """Scores generators from the same latents, by one judge, against one reference."""

    settings: Settings
    judge: Judge
    reference: Reference
    compute: Compute
    workload: Workload
    progress: Progress

    def trained(self, generator: Generator, watch: Watch | None = None) -> tuple[Scores, Tally]:
        return self._score(generator, "trained", watch)

    def untrained(self, generator: Generator) -> tuple[Scores, Tally]:
        fresh = copy.deepcopy(generator).cpu()
        initialise(fresh, torch_generator(self.settings.seed, "evaluation/untrained"))
        return self._score(fresh, "untrained")

    def _score(
        self, generator: Generator, what: str, watch: Watch | None = None
    ) -> tuple[Scores, Tally]:
        protocol = self.settings.evaluate.resolved_protocol()
        latents = torch_generator(self.settings.seed, "evaluation/latents")
        labels = evaluation_labels(generator, protocol.images, self.settings.seed)
        batches = _generated(generator, self.compute, protocol.images, latents, labels)

        def counted() -> Iterator[Tensor]:
            done = 0
            for batch in batches:
                self.progress.status(
                    f"scoring the {what} generator: {done:,} of {protocol.images:,} images"
                )
                yield batch
                done += len(batch)
                self.progress.advance(self.workload.evaluation() / 2 * len(batch) / protocol.images)

        return judged(
            self.judge,
            counted(),
            protocol.images,
            self.reference,
            protocol.inception_splits,
            watch,
        )


def _generated(
    generator: Generator,
    compute: Compute,
    images: int,
    latents_generator: torch.Generator,
    labels: Tensor | None,
) -> Iterator[Tensor]:
    """Batches of uint8 images of a derived generator in evaluation mode, one in memory at a time."""

    def draw(count: int) -> Tensor:
        return torch.randn((count, generator.latent_size), generator=latents_generator)

    compute.place(generator)
    batches = zip(latent_batches(images, draw), label_batches(labels), strict=False)
    for latents, of_batch in batches:
        yield generate(generator, latents, compute, labels=of_batch)


def evaluation_labels(generator: Generator, images: int, seed: int) -> Tensor | None:
    """Labels of the images that a generator is scored by; None for one without classes."""
    if generator.classes is None:
        return None
    return shared_labels(generator.classes, images, seed, "evaluation/labels")


def _first(images: ImageSet, count: int) -> ImageSet:
    labels = None if images.labels is None else images.labels[:count]
    return ImageSet(images.pixels[:count], labels)
