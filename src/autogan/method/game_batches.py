"""The real images of a game: a batch for every discriminator step, and for generator steps that see some."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from autogan.basics.randomness import torch_generator
from autogan.images.batches import Batch, Batches
from autogan.settings.game import AdversarialSettings


class GameBatches:
    """Batches for both networks, each in an order of its own, mirrored where the settings say so.

    pixels: uint8 N×3×S×S. labels: int64 N, for networks that have a use for them. purpose: names the
    orders, and the stream that decides which images are mirrored. generator_sees_real: whether
    generator steps are given real images.
    """

    def __init__(
        self,
        pixels: Tensor,
        settings: AdversarialSettings,
        seed: int,
        purpose: str,
        *,
        generator_sees_real: bool,
        labels: Tensor | None = None,
    ) -> None:
        batch = settings.discriminator_batch
        self._for_discriminator = Batches(pixels, batch, seed, purpose, labels)
        self._for_generator = None
        if generator_sees_real:
            name = f"{purpose}/generator"
            self._for_generator = Batches(pixels, settings.generator_batch, seed, name, labels)
        self._mirrors = torch_generator(seed, f"{purpose}/mirror") if settings.mirror else None

    def next(self) -> Batch:
        """For a discriminator step."""
        return self._maybe_mirrored(self._for_discriminator.next())

    def next_for_generator(self) -> Batch | None:
        """For a generator step; None where it sees no real images."""
        return self._maybe_mirrored(self._for_generator.next()) if self._for_generator else None

    def _maybe_mirrored(self, batch: Batch) -> Batch:
        """The batch, each image mirrored left to right with probability ½ where that is wanted."""
        if self._mirrors is None:
            return batch
        chosen = torch.rand(len(batch), generator=self._mirrors) < 0.5
        chosen = chosen.to(batch.pixels.device, non_blocking=True)[:, None, None, None]
        return replace(batch, pixels=torch.where(chosen, batch.pixels.flip(3), batch.pixels))

    def state_dict(self) -> dict[str, Any]:
        """Where in both orders the next batches stand, and the stream of mirrored images."""
        state = self._for_discriminator.state_dict()
        if self._for_generator:
            state["generator"] = self._for_generator.state_dict()
        if self._mirrors:
            state["mirrors"] = self._mirrors.get_state()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to places in both orders."""
        self._for_discriminator.load_state_dict(state)
        if self._for_generator:
            self._for_generator.load_state_dict(state["generator"])
        if self._mirrors:
            self._mirrors.set_state(state["mirrors"])
