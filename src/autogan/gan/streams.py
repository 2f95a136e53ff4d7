"""The random numbers of an adversarial training, a stream for each purpose.

They are drawn on the CPU, so that they are the same on every device, and brought to the device outside of
what may be recorded.
"""

from typing import Any

import torch
from torch import Tensor

from autogan.basics.randomness import derived_seed, torch_generator
from autogan.images.classes import Classes

LATENTS = "latents_generator"
"""Of the latents' stream, in a state."""


class LatentStream:
    """Latents of `size` standard normal values each, one after the other."""

    def __init__(self, stream: torch.Generator, size: int, device: torch.device) -> None:
        self._stream = stream
        self._size = size
        self._device = device

    def draw(self, count: int) -> Tensor:
        """The next ones, count × size."""
        drawn = torch.randn((count, self._size), generator=self._stream)
        return drawn.to(self._device, non_blocking=True)

    def reseed(self, attempt: int) -> None:
        """Goes on with others than those that were to come."""
        drawn = torch.randint(2**62, (), generator=self._stream).item()
        self._stream.manual_seed(derived_seed(int(drawn), f"attempt-{attempt}"))

    def state(self) -> Tensor:
        """Where the stream stands."""
        return self._stream.get_state()

    def set_state(self, state: Tensor) -> None:
        """Goes back to where `state` said that the stream stood."""
        self._stream.set_state(state)


class Streams:
    """Latents, labels, and what augmentation and penalties take; `weights` is for fresh weights.

    seed and purpose name the streams. augmentation, penalty: how many numbers each takes for an image;
    classes: those that a generator is told.
    """

    def __init__(
        self,
        seed: int,
        purpose: str,
        device: torch.device,
        *,
        latent_size: int,
        classes: Classes | None,
        augmentation: int,
        penalty: int,
    ) -> None:
        self.weights = torch_generator(seed, f"{purpose}/weights")
        latents = torch_generator(seed, f"{purpose}/latents")
        self.latents = LatentStream(latents, latent_size, device)
        self._augmentation = torch_generator(seed, f"{purpose}/augmentation")
        self._penalty = torch_generator(seed, f"{purpose}/penalty")
        self._labels = torch_generator(seed, f"{purpose}/labels")
        self._device = device
        self._classes = classes
        self._augmentation_numbers = augmentation
        self._penalty_numbers = penalty

    def labels(self, count: int, of_real: Tensor | None) -> Tensor | None:
        """The labels of `count` generated images beside real ones of `of_real`: int64, never -1.

        A class is drawn, by its share, where a real image has none or none is at hand. None for a generator
        without classes, and no real images with labels.
        """
        classes = self._classes
        if classes is None or (of_real is not None and not classes.unlabelled):
            return of_real
        shares = torch.tensor(classes.shares)
        drawn = self._placed(torch.multinomial(shares, count, True, generator=self._labels))
        return drawn if of_real is None else torch.where(of_real >= 0, of_real, drawn)

    def augmentation(self, count: int) -> Tensor:
        """What the augmentation of `count` images takes: count × its numbers, in [0, 1)."""
        return self._uniform(count, self._augmentation_numbers, self._augmentation)

    def penalty(self, count: int) -> Tensor:
        """What the penalty at `count` images takes: count × its numbers, in [0, 1)."""
        return self._uniform(count, self._penalty_numbers, self._penalty)

    def _uniform(self, count: int, numbers: int, stream: torch.Generator) -> Tensor:
        return self._placed(torch.rand((count, numbers), generator=stream))

    def _placed(self, drawn: Tensor) -> Tensor:
        return drawn.to(self._device, non_blocking=True)

    def state_dict(self) -> dict[str, Any]:
        """Where the streams stand that something is drawn from."""
        state = {name: stream.get_state() for name, stream in self._used().items()}
        return {**state, LATENTS: self.latents.state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave; other keys are of others."""
        for name, stream in self._used().items():
            stream.set_state(state[name])
        self.latents.set_state(state[LATENTS])

    def _used(self) -> dict[str, torch.Generator]:
        """Those beside the latents."""
        used = {"weights_generator": self.weights}
        if self._classes:
            used["labels_generator"] = self._labels
        if self._augmentation_numbers:
            used["augmentation_generator"] = self._augmentation
        if self._penalty_numbers:
            used["penalty_generator"] = self._penalty
        return used
