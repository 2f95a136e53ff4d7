"""The scores of a generator as a table keeps them: cheap enough to be taken at every rung."""

import torch

from autogan.basics.errors import Diverged, UserError
from autogan.basics.randomness import torch_generator
from autogan.judges import (
    FeatureStatistics,
    frechet_distance,
    inception_score,
    kernel_distance,
    precision_recall,
)
from autogan.method.context import Context
from autogan.method.evaluate import judge_generator
from autogan.spaces.networks import Generator
from autogan.trials.table_values import Latents, TableScores

KERNEL_SUBSETS = 10
KERNEL_SUBSET_IMAGES = 1000


def table_scores(generator: Generator, context: Context, latents: Latents) -> TableScores:
    """Of `evaluate.images` images against the training images.

    The latents are the same for every architecture and seed, so that scores differ by what was trained
    alone: context.settings.seed is the recipe's. The kernel distance is a mean over 10 subsets of 1,000
    images, or of half of them where there are fewer than 2,000; precision and recall compare with as many
    real images as are generated. Raises `Diverged` where the images cannot be scored.
    """
    seed, protocol = context.settings.seed, context.settings.evaluate
    judgement = judge_generator(
        generator,
        context,
        protocol.images,
        torch_generator(seed, f"table/{latents}/latents"),
        context.wanted_labels(protocol.images, f"table/{latents}/labels"),
    )
    features, real = judgement.features, context.reference
    assert real.features is not None, "the real images are at hand"
    smaller = min(len(features), len(real.features))
    order = torch.randperm(len(real.features), generator=torch_generator(seed, "table/real"))
    some_real = real.features[order[:smaller]].to(features.device)
    statistics = FeatureStatistics.from_features(features)
    try:
        precision, recall = precision_recall(some_real, features[:smaller])
        kernel = kernel_distance(
            features,
            real.features.to(features.device),
            subsets=KERNEL_SUBSETS,
            subset_size=min(KERNEL_SUBSET_IMAGES, smaller // 2),
        )
        return TableScores(
            frechet_distance(statistics, real.statistics),
            kernel.mean,
            inception_score(judgement.probabilities, protocol.inception_splits).mean
            if context.judge.class_count
            else None,
            precision,
            recall,
            (statistics.covariance.trace().cpu() / real.statistics.covariance.trace().cpu()).item(),
        )
    except FloatingPointError as error:
        raise Diverged(f"The generator's images cannot be scored: {error}") from None


def refuse_few_images(context: Context) -> None:
    """Raises `UserError` where evaluate.images are too few for the Fréchet distance."""
    images, features = context.settings.evaluate.images, context.judge.feature_dimension
    if images <= features:
        raise UserError(
            f"evaluate.images is {images}, and the judge has {features} features: a Fréchet distance "
            f"needs at least {features + 1}."
        )
