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
"""Images generated and judged at once; a child's own BatchNorm statistics are over as many."""


def draw_latents(
    count: int, generator: Generator, stream: torch.Generator, compute: Compute
) -> Tensor:
    """count × latent_size standard normal values on the device."""
    shape = (count, generator.latent_size)
    return torch.randn(shape, generator=stream).to(compute.device, non_blocking=True)


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
    labels = None if labels is None else labels.to(compute.device)
    was_training = generator.training
    generator.eval()
    with compute.autocast():
        images = generator(latents.to(compute.device), architecture, batch_statistics, labels)
    generator.train(was_training)
    if not bool(images.isfinite().all()):
        raise Diverged("The generator's images hold values that are no finite numbers.")
    return to_uint8(images)
