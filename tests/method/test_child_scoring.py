"""The reward of a child, against its formula, and what becomes of a scoring that is given up."""

from contextlib import nullcontext
from typing import cast

import numpy as np
import pytest
import torch
from games import CPU, ONE
from tiny import ColourJudge
from torch import Tensor

from autogan.gan.step import Gan
from autogan.gan.streams import LatentStream
from autogan.judges import FeatureStatistics, Judgement, Reference
from autogan.method.child_scoring import ChildScorer, Scoring
from autogan.runs.stopping import Stopped
from autogan.spaces import search_space
from autogan.spaces.networks import Generator


def scorer_of(
    gan: Gan | None = None, judge: ColourJudge | None = None, images: int = 40, splits: int = 1
) -> ChildScorer:
    return ChildScorer(
        cast(Generator, gan and gan.generator),
        cast(LatentStream, gan and gan.streams.latents),
        Scoring(judge or ColourJudge(), images, splits),
        CPU,
        nullcontext,
    )


def judged(count: int = 30, seed: int = 0) -> Judgement:
    stream = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(count, 3, generator=stream)
    return Judgement(torch.randn(count, 6, generator=stream), logits.softmax(1))


@pytest.mark.parametrize("splits", [1, 3])
def test_the_reward_is_the_inception_score_over_the_splits(splits: int) -> None:
    judgement = judged()
    scores = []
    for part in np.split(judgement.probabilities.double().numpy(), splits):
        divergences = (part * np.log(part / part.mean(0))).sum(1)
        scores.append(np.exp(divergences.mean()))
    reward = scorer_of(splits=splits).reward(judgement)
    assert reward == pytest.approx(np.mean(scores), rel=1e-6)


def test_without_classes_the_reward_is_the_negative_distance_to_the_real_images() -> None:
    """Equal but for a shift, the distance of two sets is the shift's square."""
    judgement, scorer = judged(), scorer_of()
    for shift in (0.5, 2.0):
        real = FeatureStatistics.from_features(judgement.features + shift)
        scorer.real = Reference(real, None, 30, "colours")
        assert scorer.reward(judgement) == pytest.approx(-6 * shift**2, rel=1e-5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_reward_that_is_no_finite_number_is_none(
    value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Scored:
        mean = value

    monkeypatch.setattr("autogan.method.child_scoring.inception_score", lambda *these: Scored)
    with pytest.raises(FloatingPointError, match="reward is"):
        scorer_of().reward(judged())


class Interrupted(ColourJudge):
    """Is asked to stop at the batch of this number."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, list[int]()

    def __call__(self, images: Tensor) -> Judgement:
        if len(self.seen) == self.at:
            raise Stopped("SIGTERM", state_is_whole=True)
        self.seen.append(len(images))
        return super().__call__(images)


def test_a_scoring_that_is_given_up_is_done_again_with_the_same_latents() -> None:
    space = search_space("autogan", 1)
    gan = Gan(
        space.generator(latent_size=16, channels=8, bottom_size=4),
        space.discriminator(8),
        learning_rate=1e-3,
        betas=(0.0, 0.9),
        compute=CPU,
        seed=0,
        purpose="test",
    )
    before = gan.streams.latents.state()
    interrupted = Interrupted(at=1)
    with pytest.raises(Stopped):
        scorer_of(gan, interrupted, images=300).score(ONE)
    assert interrupted.seen == [250] and torch.equal(gan.streams.latents.state(), before)
    whole = Interrupted(at=9)
    scorer_of(gan, whole, images=300).score(ONE)
    assert whole.seen == [250, 50] and not torch.equal(gan.streams.latents.state(), before)
