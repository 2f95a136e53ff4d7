"""Scoring a child: what the judge says of its images, made with the shared weights, as one number."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from torch import Tensor

from autogan.device.compute import Compute
from autogan.gan.generation import generate, label_batches, latent_batches
from autogan.gan.streams import LatentStream
from autogan.judges import (
    FeatureStatistics,
    Judge,
    Judgement,
    Reference,
    frechet_distance,
    inception_score,
)
from autogan.method.probe import Probe
from autogan.runs.stopping import Stopped
from autogan.spaces.architecture import Architecture
from autogan.spaces.around_generators import players
from autogan.spaces.networks import Generator


@dataclass(frozen=True)
class Scoring:
    """What all children are scored by.

    images: of each child. inception_splits: of them, where the reward is the inception score. labels: int64,
    of these images, for generators with classes.
    """

    judge: Judge
    images: int
    inception_splits: int
    labels: Tensor | None = None


class ChildScorer:
    """Gives architectures their reward under one set of shared weights; higher is better.

    The paper's reward is the inception score of the child's images (section 3.2); for images without
    classes it is their negative Fréchet distance to real ones of the same resolution.

    generator, latents: the shared one, and the stream that its latents come from.
    interruptible: a context in which a request to stop need not wait for the scoring. Attributes that
    are set later: `real`, statistics of the real images at the present stage, for the Fréchet distance
    (None: the reward is the inception score); `probe`, the game that a pair plays before its images are
    made (None: children have no discriminator of their own).
    """

    def __init__(
        self,
        generator: Generator,
        latents: LatentStream,
        scoring: Scoring,
        compute: Compute,
        interruptible: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.real: Reference | None = None
        self.probe: Probe | None = None
        self.seconds = 0.0
        """That the latest scoring took, in whichever process."""
        self._generator = generator
        self._latents = latents
        self._scoring = scoring
        self._compute = compute
        self._interruptible = interruptible

    def score(self, architecture: Architecture) -> float:
        """The reward of one child, from the next latents of the shared stream.

        Raises `UserError` or `ArithmeticError` where its images cannot be scored.
        """
        began = time.monotonic()
        try:
            if self.probe is None:
                return self.reward(self._judgement(architecture))
            with self.probe.after(architecture):
                return self.reward(self._judgement(architecture))
        finally:
            self.seconds = time.monotonic() - began

    def look_ahead(self, children: Sequence[Architecture], next_one: int) -> None:
        """Called before each `score` with all children of a round, and the place of the one that comes."""

    def close(self) -> None:
        """Lets go of what is held beside the search, until it is needed again."""

    def _judgement(self, architecture: Architecture) -> Judgement:
        """What the judge says of the child's images; given up in the middle, the latents stay.

        Its BatchNorm layers use the statistics of its own images: the running ones are shared by
        all paths through the generator.
        """
        generator, _ = players(architecture)
        scoring = self._scoring
        before = self._latents.state()
        try:
            with self._interruptible():
                return scoring.judge.judge_all(
                    generate(
                        self._generator,
                        latents,
                        self._compute,
                        generator,
                        batch_statistics=True,
                        labels=labels,
                    )
                    for latents, labels in zip(
                        latent_batches(scoring.images, self._latents.draw),
                        label_batches(scoring.labels),
                        strict=False,
                    )
                )
        except Stopped:
            self._latents.set_state(before)
            raise

    def reward(self, judgement: Judgement) -> float:
        """The judgement as one number; `FloatingPointError` where that is not finite."""
        if self.real is not None:
            statistics = FeatureStatistics.from_features(judgement.features)
            reward = -frechet_distance(statistics, self.real.statistics)
        else:
            reward = inception_score(judgement.probabilities, self._scoring.inception_splits).mean
        if not math.isfinite(reward):
            raise FloatingPointError(f"its reward is {reward}")
        return reward
