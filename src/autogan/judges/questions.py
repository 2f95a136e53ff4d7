"""What a domain judge learns: classes or, where images have none, which way up an image is.

The second task needs no labels (Gidaris et al., "Unsupervised representation learning by predicting
image rotations", ICLR 2018). Pixels are read batch by batch: they may be a map of a file that is
larger than memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from autogan.basics.errors import UserError

if TYPE_CHECKING:
    from autogan.images import ImageSet

ROTATIONS = ("upright", "turned left", "upside down", "turned right")


@dataclass(frozen=True)
class Question:
    """A question with a closed set of answers.

    kind: "classes" (answers: the class names) or "rotation" (answers: `ROTATIONS`).
    """

    kind: Literal["classes", "rotation"]
    answers: tuple[str, ...]

    @classmethod
    def of(cls, class_names: tuple[str, ...]) -> "Question":
        """The task for images of these classes: rotation where there are fewer than two."""
        if len(class_names) < 2:
            return cls("rotation", ROTATIONS)
        return cls("classes", tuple(class_names))

    @property
    def per_image(self) -> int:
        """Examples that one image gives (none where it has no label and the task needs one)."""
        return len(ROTATIONS) if self.kind == "rotation" else 1

    def examples(self, images: "ImageSet", of: str) -> "Examples":
        """The questions that an image set gives; `of` names it in the `UserError` for too few.

        Of classes one for every image that has a label; of rotation four for every image.
        """
        if self.kind == "rotation":
            rows = torch.arange(len(images)).repeat_interleave(self.per_image)
            return Examples(images.pixels, rows, torch.arange(len(rows)) % self.per_image, True)
        if images.labels is None or not bool((images.labels >= 0).any()):
            raise UserError(
                f"{of} has no labelled images, and the domain judge learns from the classes "
                f"{', '.join(self.answers[:5])}{'…' if len(self.answers) > 5 else ''}."
            )
        rows = (images.labels >= 0).nonzero().flatten()
        targets = images.labels[rows]
        assert int(targets.max()) < len(self.answers)
        return Examples(images.pixels, rows, targets, False)


@dataclass(frozen=True, eq=False)
class Examples:
    """Images to be asked about, each with the number of the right answer.

    pixels: uint8 N×3×S×S; rows: int64 M, the image of each example; targets: int64 M.
    turn: whether an example is shown turned left by as many quarters as its target says.
    """

    pixels: Tensor
    rows: Tensor
    targets: Tensor
    turn: bool

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Images, upright, uint8 B×3×S×S, and targets, int64 B, of the examples `chosen`."""
        rows = self.rows[chosen].to(self.pixels.device)
        return self.pixels[rows].to(device), self.targets[chosen].to(device)

    def shown(self, images: Tensor, targets: Tensor) -> Tensor:
        """`images` as the judge is asked about them: B×3×S×S of any type."""
        return turned(images, targets) if self.turn else images

    def batches(self, device: torch.device, size: int = 500) -> Iterator[tuple[Tensor, Tensor]]:
        """All examples in order, as they are shown, with their targets."""
        for chosen in torch.arange(len(self)).split(size):
            images, targets = self.take(chosen, device)
            yield self.shown(images, targets), targets


def turned(images: Tensor, quarters: Tensor) -> Tensor:
    """B×3×S×S images, each turned left by its number of quarters (int64 B, 0 to 3)."""
    result = images
    for number in range(1, len(ROTATIONS)):
        chosen = (quarters == number)[:, None, None, None]
        result = torch.where(chosen, torch.rot90(images, number, (2, 3)), result)
    return result
