"""Batches of real images in an order that a seed and a position name exactly."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.basics.randomness import torch_generator


@dataclass(frozen=True, eq=False)
class Batch:
    """Some real images, and their classes where someone asks for them.

    pixels: uint8, B×3×S×S, 0..255. labels: int64, B, as in `ImageSet` (-1: none), or None.
    """

    pixels: Tensor
    labels: Tensor | None = None

    def __post_init__(self) -> None:
        shape = tuple(self.pixels.shape)
        assert self.pixels.dtype == torch.uint8, self.pixels.dtype
        assert len(shape) == 4 and shape[1] == 3 and shape[2] == shape[3], shape
        if self.labels is not None:
            assert self.labels.dtype == torch.int64 and self.labels.shape == shape[:1]

    def __len__(self) -> int:
        return self.pixels.shape[0]

    def to(self, device: torch.device) -> "Batch":
        """The same on `device`, without waiting for it."""
        labels = self.labels
        return Batch(
            self.pixels.to(device, non_blocking=True),
            None if labels is None else labels.to(device, non_blocking=True),
        )


class Batches:
    """Endless shuffled batches of `pixels`, uint8 N×3×S×S, every epoch in a new order.

    labels: int64 N, to be handed on with the pixels; left out for networks that have no use for them.
    The order of epoch e depends on (seed, purpose, e) alone, so the state is two numbers. A rest of
    an epoch that is smaller than a batch is left out; another order leaves out other images.
    """

    def __init__(
        self,
        pixels: Tensor,
        batch: int,
        seed: int,
        purpose: str,
        labels: Tensor | None = None,
    ) -> None:
        if len(pixels) < batch:
            raise UserError(
                f"A batch needs {batch} images and the training images are {len(pixels)}. "
                "Lower discriminator_batch or add images."
            )
        assert labels is None or len(labels) == len(pixels), (len(labels), len(pixels))
        self.pixels = pixels
        self.labels = None if labels is None else labels.to(pixels.device)
        self.batch = batch
        self._seed = seed
        self._purpose = purpose
        self._epoch = 0
        self._taken = 0
        self._order = self._draw_order()

    def _draw_order(self) -> Tensor:
        generator = torch_generator(self._seed, f"{self._purpose}/order/{self._epoch}")
        order = torch.randperm(len(self.pixels), generator=generator)
        # Whole: indices sent batch by batch would make the host wait for a GPU at every step.
        return order.to(self.pixels.device)

    def next(self) -> Batch:
        """The next batch, on the device of the pixels."""
        if self._taken + self.batch > len(self.pixels):
            self._epoch += 1
            self._taken = 0
            self._order = self._draw_order()
        indices = self._order[self._taken : self._taken + self.batch]
        self._taken += self.batch
        labels = None if self.labels is None else self.labels[indices]
        return Batch(self.pixels[indices], labels)

    def state_dict(self) -> dict[str, Any]:
        """Where in the order the next batch stands."""
        return {"epoch": self._epoch, "taken": self._taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a place in the order."""
        self._epoch, self._taken = state["epoch"], state["taken"]
        self._order = self._draw_order()
