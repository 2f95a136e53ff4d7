"""Scores of a generator, each beside the two ends it lies between.

The floor is the score of held-out real images against the training images; untrained is the score of
the same architecture with fresh weights. Latents come from a stream that nothing was chosen by.
"""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autogan.gan import generate, latent_batches
from autogan.ground import Ground
from autogan.judges import Judgement, Scores, floor, score
from autogan.nets.generator import Generator
from autogan.nets.layers import initialise
from autogan.progress import Progress
from autogan.randomness import torch_generator


@dataclass(frozen=True)
class Evaluation:
    """Scores of one generator between its two ends; all by one judge on one data set."""

    scores: Scores
    floor: Scores
    untrained: Scores

    def to_dict(self) -> dict[str, Any]:
        """As it stands in results.json (docs/run-folder.md)."""
        return {
            "scores": self.scores.to_dict(),
            "floor": self.floor.to_dict(),
            "untrained": self.untrained.to_dict(),
        }


def judge_generator(
    generator: Generator, ground: Ground, images: int, latents_generator: torch.Generator
) -> Judgement:
    """What the judge says of `images` images of a derived generator in evaluation mode."""

    def draw(count: int) -> Tensor:
        return torch.randn((count, generator.latent_size), generator=latents_generator)

    ground.compute.place(generator)
    return ground.judge.judge_all(
        generate(generator, latents, ground.compute) for latents in latent_batches(images, draw)
    )


def evaluate(generator: Generator, ground: Ground, progress: Progress) -> Evaluation:
    """The final scores of a derived generator, under `settings.evaluate`."""
    settings = ground.settings
    untrained = copy.deepcopy(generator).cpu()
    initialise(untrained, torch_generator(settings.seed, "evaluation/untrained"))

    def scored(what: str, candidate: Generator) -> Scores:
        progress.doing(f"scoring {settings.evaluate.images:,} images of the {what} generator")
        judgement = judge_generator(
            candidate,
            ground,
            settings.evaluate.images,
            torch_generator(settings.seed, "evaluation/latents"),
        )
        splits = settings.evaluate.inception_splits
        scores = score(ground.judge, judgement, ground.reference, splits)
        progress.spent(ground.work.evaluation() / 2)
        return scores

    return Evaluation(
        scores=scored("trained", generator),
        floor=floor(
            ground.judge,
            ground.data.held_out,
            ground.reference,
            settings.evaluate.inception_splits,
        ),
        untrained=scored("untrained", untrained),
    )
