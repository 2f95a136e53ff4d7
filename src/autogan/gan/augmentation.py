"""Augmentations: how images are changed before the discriminator looks at them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from autogan.settings.game import AdversarialSettings, Change

BATCHES_TO_ADAPT = 4
"""Discriminator steps from one change of an adaptive probability to the next."""


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

    def restart(self, device: torch.device) -> None:
        """Called before the first step, and when both networks get fresh weights: what it learned of
        the old ones is forgotten. device: where it will be asked to work."""

    def observe(self, realness: Tensor) -> None:
        """Called in every discriminator step, which may be recorded: tensors are changed in place.

        realness: B, without a graph; positive where D takes a real image for one.
        """

    def state_dict(self) -> dict[str, Tensor]:
        """What it learned; empty where it learns nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Goes back to a state that `state_dict` gave, in place."""

    def learned_probability(self) -> Tensor | None:
        """The probability that it adapts, a scalar on its device; None where it adapts none."""
        return None


class DifferentiableAugmentation(Augmentation):
    """Colour, shift and cutout of every image, that gradients pass through (Zhao et al., 2020).

    For few images: D cannot learn them by heart, and G is not taught to make changed ones, because
    real images are changed in the same way.

    probability: with which each change is done to each image, 0 to 1.
    """

    def __init__(self, changes: "Sequence[Change]", probability: float = 1.0) -> None:
        self._changes = [_CHANGES[change] for change in changes]
        self._probability: float | Tensor = probability
        self._numbers = [_NUMBERS[change] for change in changes]
        self.numbers = sum(self._numbers)
        if probability < 1:
            self._with_choices()

    def _with_choices(self) -> None:
        """Every change takes one number more, which decides whether it is done."""
        self._numbers = [count + 1 for count in self._numbers]
        self.numbers = sum(self._numbers)

    def __call__(self, images: Tensor, numbers: Tensor) -> Tensor:
        """As `Augmentation.__call__`; the changes in their order."""
        for change, share in zip(self._changes, numbers.split(self._numbers, dim=1), strict=True):
            images = self._maybe(change, images, share)
        return images

    def _maybe(
        self, change: Callable[[Tensor, Tensor], Tensor], images: Tensor, numbers: Tensor
    ) -> Tensor:
        if isinstance(self._probability, float) and self._probability >= 1:
            return change(images, numbers)
        chosen = numbers[:, 0] < self._probability  # B
        return torch.where(chosen[:, None, None, None], change(images, numbers[:, 1:]), images)


class AdaptiveAugmentation(DifferentiableAugmentation):
    """The same with a probability that follows how well D knows the real images (Karras et al., 2020).

    Every 4 discriminator steps it goes up or down by 4 · B / images: up where the mean sign of D at
    real images (see `Objective.realness`) lay above `target` in these steps. It begins at 0.
    """

    def __init__(self, changes: "Sequence[Change]", target: float, images: int) -> None:
        super().__init__(changes)
        self._with_choices()
        self.target = target
        self.images = images
        self._probability = self._learned = torch.zeros(())
        self._signs = torch.zeros(())  # the sum over the steps since the last change
        self._steps = torch.zeros((), dtype=torch.int64)

    def restart(self, device: torch.device) -> None:
        """As `Augmentation.restart`."""
        # In place where they are there already: a recorded step reads them.
        self._probability = self._learned = self._learned.to(device).zero_()
        self._signs = self._signs.to(device).zero_()
        self._steps = self._steps.to(device).zero_()

    @torch.no_grad()
    def observe(self, realness: Tensor) -> None:
        """As `Augmentation.observe`."""
        self._signs += realness.float().sign().mean()
        self._steps += 1
        due = self._steps % BATCHES_TO_ADAPT == 0
        change = (self._signs / BATCHES_TO_ADAPT - self.target).sign()
        change = change * (BATCHES_TO_ADAPT * len(realness) / self.images)
        self._learned.add_(torch.where(due, change, 0.0)).clamp_(0, 1)
        self._signs.mul_(torch.where(due, 0.0, 1.0))

    def state_dict(self) -> dict[str, Tensor]:
        """As `Augmentation.state_dict`."""
        return {"probability": self._learned, "signs": self._signs, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """As `Augmentation.load_state_dict`."""
        for name, place in self.state_dict().items():
            place.copy_(state[name])

    def learned_probability(self) -> Tensor:
        """As `Augmentation.learned_probability`."""
        return self._learned


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


def make_augmentation(settings: "AdversarialSettings") -> Augmentation:
    """The augmentation that settings name; none where they name no change."""
    changes, probability = settings.augmentation, settings.augmentation_probability
    if not changes:
        return Augmentation()
    if probability == "adaptive":
        return AdaptiveAugmentation(
            changes, settings.augmentation_target, settings.augmentation_images
        )
    return DifferentiableAugmentation(changes, probability)
