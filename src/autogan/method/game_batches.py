"""The real images of a game: a batch for every discriminator step, and for generator steps that see some."""

from typing import Any

from torch import Tensor

from autogan.images.batches import Batch, Batches
from autogan.settings.sections import AdversarialSettings


class GameBatches:
    """Batches for both networks, each in an order of its own.

    pixels: uint8 N×3×S×S. labels: int64 N, for networks that have a use for them. purpose: names the
    orders. generator_sees_real: whether generator steps are given real images.
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

    def next(self) -> Batch:
        """For a discriminator step."""
        return self._for_discriminator.next()

    def next_for_generator(self) -> Batch | None:
        """For a generator step; None where it sees no real images."""
        return self._for_generator.next() if self._for_generator else None

    def state_dict(self) -> dict[str, Any]:
        """Where in both orders the next batches stand."""
        state = self._for_discriminator.state_dict()
        if self._for_generator:
            state["generator"] = self._for_generator.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to places in both orders."""
        self._for_discriminator.load_state_dict(state)
        if self._for_generator:
            self._for_generator.load_state_dict(state["generator"])
