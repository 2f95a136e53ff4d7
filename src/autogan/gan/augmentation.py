"""Augmentations: how images are changed before the discriminator looks at them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from autogan.settings.sections import Change


class Augmentation:
    """Changes the images that D sees, real and generated ones, in both steps. This one leaves them alone.

    A subclass works on every image by itself, with tensor operations that gradients pass through. It
    draws no random numbers, since a recorded step would repeat them (see `capture`): it is given them.
    """

    numbers: int = 0
    """Random numbers that one image takes."""

    def __call__(self, images: Tensor, numbers: Tensor) -> Tensor:
        """images: B×3×S×S in [-1, 1], float32 or what the generator computes in → the same shape.

        numbers: B×`numbers`, float32, uniform in [0, 1); new ones for every image that D sees.
        """
        return images


class DifferentiableAugmentation(Augmentation):
    """Colour, shift and cutout of every image, that gradients pass through (Zhao et al., 2020).

    For few images: D cannot learn them by heart, and G is not taught to make changed ones, because
    real images are changed in the same way.
    """

    def __init__(self, changes: "Sequence[Change]") -> None:
        self._changes = [_CHANGES[change] for change in changes]
        self._numbers = [_NUMBERS[change] for change in changes]
        self.numbers = sum(self._numbers)

    def __call__(self, images: Tensor, numbers: Tensor) -> Tensor:
        """As `Augmentation.__call__`; the changes in their order."""
        for change, share in zip(self._changes, numbers.split(self._numbers, dim=1), strict=True):
            images = change(images, share)
        return images


def colour(images: Tensor, numbers: Tensor) -> Tensor:
    """Brightness + U(−½, ½), saturation × U(0, 2) about the mean of the channels, contrast × U(½, 3/2)
    about the mean of the image. numbers: B×3."""
    brightness, saturation, contrast = numbers.to(images.dtype)[:, :, None, None, None].unbind(1)
    images = images + brightness - 0.5
    grey = images.mean(dim=1, keepdim=True)
    images = grey + 2 * saturation * (images - grey)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (contrast + 0.5) * (images - mean)


def shift(images: Tensor, numbers: Tensor) -> Tensor:
    """By up to an eighth of the side, to both sides; what comes in from outside is 0. numbers: B×2."""
    side = images.shape[-1]
    most = side // 8
    moves = (numbers * (2 * most + 1)).long() - most  # B×2, down and right
    places = torch.arange(side, device=images.device)[None, None] - moves[:, :, None]  # B×2×S
    inside = (places >= 0) & (places < side)
    rows, columns = places.clamp(0, side - 1).unbind(1)  # B×S each
    batch = torch.arange(len(images), device=images.device)[:, None, None]
    moved = images.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]]  # B×S×S×3
    mask = inside[:, 0, :, None] & inside[:, 1, None, :]  # B×S×S
    return (moved * mask[..., None]).permute(0, 3, 1, 2)


def cutout(images: Tensor, numbers: Tensor) -> Tensor:
    """A square of half the side is 0; its middle lies anywhere in the image. numbers: B×2."""
    side = images.shape[-1]
    first = (numbers * (side + 1)).long() - side // 4  # B×2, its upper left corner
    places = torch.arange(side, device=images.device)[None, None] - first[:, :, None]  # B×2×S
    inside = (places >= 0) & (places < side // 2)
    return images * ~(inside[:, 0, :, None] & inside[:, 1, None, :])[:, None]


_CHANGES = {"colour": colour, "shift": shift, "cutout": cutout}
_NUMBERS = {"colour": 3, "shift": 2, "cutout": 2}


def make_augmentation(changes: "Sequence[Change]") -> Augmentation:
    """The augmentation that settings name; none where they name no change."""
    return DifferentiableAugmentation(changes) if changes else Augmentation()
