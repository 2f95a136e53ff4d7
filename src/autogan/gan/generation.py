"""Images of a generator, batch by batch."""

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from autogan.basics.errors import Diverged
from autogan.basics.randomness import torch_generator
from autogan.device.compute import Compute
from autogan.images.classes import Classes
from autogan.images.pixels import to_uint8
from autogan.spaces.architecture import Architecture
from autogan.spaces.networks import Generator

SCORING_BATCH = 250
"""Images judged at once, and generated at once up to 64×64 pixels; a child's own BatchNorm statistics are
over as many."""
PIXELS_AT_ONCE = SCORING_BATCH * 64**2
"""Of larger images fewer are generated at once, so that they take no more memory."""


def latent_batches(count: int, draw: Callable[[int], Tensor]) -> Iterator[Tensor]:
    """`count` latents from `draw(n)`, SCORING_BATCH at a time."""
    for start in range(0, count, SCORING_BATCH):
        yield draw(min(SCORING_BATCH, count - start))


def shared_labels(classes: Classes, count: int, seed: int, purpose: str) -> Tensor:
    """Labels of `count` images in the classes' shares, int64, in an order that `purpose` names."""
    numbers = torch.tensor(classes.counts(count))
    labels = torch.arange(len(classes)).repeat_interleave(numbers)
    return labels[torch.randperm(count, generator=torch_generator(seed, purpose))]


def label_batches(labels: Tensor | None) -> Iterator[Tensor | None]:
    """`labels` as `latent_batches` come; None again and again where there are none."""
    return itertools.repeat(None) if labels is None else iter(labels.split(SCORING_BATCH))


def images_at_once(side: int) -> int:
    """How many images of side×side pixels are generated at once."""
    return max(1, min(SCORING_BATCH, PIXELS_AT_ONCE // side**2))


@torch.no_grad()
def generate(
    generator: Generator,
    latents: Tensor,
    compute: Compute,
    architecture: Architecture | None = None,
    *,
    batch_statistics: bool = False,
    labels: Tensor | None = None,
) -> Tensor:
    """Images of `generator` in evaluation mode: latents B×latent_size → uint8 B×3×S×S.

    labels: int64 B, the classes that images are wanted of, for generators that take them.
    """
    side = generator.bottom_size << len(architecture or generator.architecture)
    count = images_at_once(side)
    parts = latents.to(compute.device).split(count)
    told = [None] * len(parts) if labels is None else labels.to(compute.device).split(count)
    was_training = generator.training
    generator.eval()
    made = []
    try:
        for part, of_part in zip(parts, told, strict=True):
            with compute.autocast():
                images = generator(part, architecture, batch_statistics, of_part)
            if not bool(images.isfinite().all()):
                raise Diverged("The generator's images hold values that are no finite numbers.")
            made.append(to_uint8(images))
    finally:
        generator.train(was_training)
    return torch.cat(made)
