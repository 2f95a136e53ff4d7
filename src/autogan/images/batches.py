"""Batches of real images in an order that a seed and a position name exactly."""

from typing import Any

import torch
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.basics.randomness import torch_generator


class Batches:
    """Endless shuffled batches of `pixels`, uint8 N×3×S×S, every epoch in a new order.

    The order of epoch e depends on (seed, purpose, e) alone, so the state is two numbers. A rest of
    an epoch that is smaller than a batch is left out; another order leaves out other images.
    """

    def __init__(self, pixels: Tensor, batch: int, seed: int, purpose: str) -> None:
        if len(pixels) < batch:
            raise UserError(
                f"A batch needs {batch} images and the training images are {len(pixels)}. "
                "Lower discriminator_batch or add images."
            )
        self.pixels = pixels
        self.batch = batch
        self._seed = seed
        self._purpose = purpose
        self._epoch = 0
        self._taken = 0
        self._order = self._draw_order()

    def _draw_order(self) -> Tensor:
        generator = torch_generator(self._seed, f"{self._purpose}/order/{self._epoch}")
        return torch.randperm(len(self.pixels), generator=generator)

    def next(self) -> Tensor:
        """The next batch, uint8 B×3×S×S, on the device of the pixels."""
        if self._taken + self.batch > len(self.pixels):
            self._epoch += 1
            self._taken = 0
            self._order = self._draw_order()
        indices = self._order[self._taken : self._taken + self.batch]
        self._taken += self.batch
        return self.pixels[indices.to(self.pixels.device)]

    def state_dict(self) -> dict[str, Any]:
        """Where in the order the next batch stands."""
        return {"epoch": self._epoch, "taken": self._taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a place in the order."""
        self._epoch, self._taken = state["epoch"], state["taken"]
        self._order = self._draw_order()
