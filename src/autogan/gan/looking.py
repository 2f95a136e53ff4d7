"""How the discriminator looks at images: in the run's precision, as the augmentation shows them."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from autogan.device.compute import Compute
from autogan.gan.augmentation import Augmentation
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
from autogan.spaces.networks import Discriminator


class Impressions(NamedTuple):
    """What D says of B images: logits, float32 B; the same values for a direction to learn from, where
    D's last layer is one; logits of classes, float32 B×classes, where D guesses these."""

    logits: Tensor
    along: Tensor | None = None
    guesses: Tensor | None = None

    def halves(self) -> tuple["Impressions", "Impressions"]:
        """Those of the first B/2 images, and those of the rest."""
        logits = self.logits.chunk(2)
        along = (None, None) if self.along is None else self.along.chunk(2)
        guesses = (None, None) if self.guesses is None else self.guesses.chunk(2)
        first, rest = (Impressions(*values) for values in zip(logits, along, guesses, strict=True))
        return first, rest


class Looking:
    """A discriminator behind an augmentation.

    images: B×3×H×W. numbers: those of the augmentation, a row for each image. labels, seen_by: as of
    `Discriminator.forward`.
    """

    def __init__(
        self, discriminator: Discriminator, augmentation: Augmentation, compute: Compute
    ) -> None:
        self._discriminator = discriminator
        self._augmentation = augmentation
        self._compute = compute

    def logits(
        self,
        images: Tensor,
        stage: int,
        labels: Tensor | None,
        numbers: Tensor,
        seen_by: DiscriminatorArchitecture | None = None,
    ) -> Tensor:
        """float32 B."""
        with self._compute.autocast():
            seen = self._augmentation(images, numbers)
            return self._discriminator(seen, stage, labels, seen_by).float()

    def impressions(
        self,
        images: Tensor,
        stage: int,
        labels: Tensor | None,
        numbers: Tensor,
        seen_by: DiscriminatorArchitecture | None = None,
    ) -> Impressions:
        """The logits, and all else that D learns from."""
        if not (self._discriminator.has_direction or self._discriminator.guesses_classes):
            return Impressions(self.logits(images, stage, labels, numbers, seen_by))
        with self._compute.autocast():
            seen = self._augmentation(images, numbers)
            if self._discriminator.has_direction:
                logits, along = self._discriminator.logits_apart(seen, stage, labels, seen_by)
                return Impressions(logits.float(), along=along.float())
            assert labels is not None
            logits, guesses = self._discriminator.with_guesses(seen, stage, labels, seen_by)
            return Impressions(logits.float(), guesses=guesses.float())


def guessing_loss(guesses: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy of the images that have a label; 0 where none has.

    guesses: logits B×classes. labels: int64 B, -1 for none.
    """
    total = F.cross_entropy(guesses, labels, ignore_index=-1, reduction="sum")
    return total / (labels >= 0).sum().clamp(min=1)
