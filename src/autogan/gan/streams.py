"""The random numbers of an adversarial training, a stream for each purpose."""

from typing import Any

import torch
from torch import Tensor

from autogan.basics.randomness import derived_seed, torch_generator
from autogan.images.classes import Classes


class Streams:
    """Latents, labels, and what augmentation and penalties take; `weights` is for fresh weights.

    Drawn on the CPU, so that they are the same on every device, and brought to the device outside of
    what may be recorded. seed and purpose name the streams. augmentation, penalty: how many numbers each
    takes for an image; classes: those that a generator is told.
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
        self._latents = torch_generator(seed, f"{purpose}/latents")
        self._augmentation = torch_generator(seed, f"{purpose}/augmentation")
        self._penalty = torch_generator(seed, f"{purpose}/penalty")
        self._labels = torch_generator(seed, f"{purpose}/labels")
        self._device = device
        self._latent_size = latent_size
        self._classes = classes
        self._augmentation_numbers = augmentation
        self._penalty_numbers = penalty

    def latents(self, count: int) -> Tensor:
        """count × latent_size standard normal values."""
        return self._placed(torch.randn((count, self._latent_size), generator=self._latents))

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

    def reseed(self, attempt: int) -> None:
        """Goes on with other latents than those that were to come."""
        drawn = torch.randint(2**62, (), generator=self._latents).item()
        self._latents.manual_seed(derived_seed(int(drawn), f"attempt-{attempt}"))

    def latents_state(self) -> Tensor:
        """Where the stream of latents stands."""
        return self._latents.get_state()

    def set_latents_state(self, state: Tensor) -> None:
        """Goes back to where `latents_state` said that the stream stood."""
        self._latents.set_state(state)

    def state_dict(self) -> dict[str, Any]:
        """Where the streams stand that something is drawn from."""
        return {name: stream.get_state() for name, stream in self._used().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave; other keys are of others."""
        for name, stream in self._used().items():
            stream.set_state(state[name])

    def _used(self) -> dict[str, torch.Generator]:
        used = {"weights_generator": self.weights, "latents_generator": self._latents}
        if self._classes:
            used["labels_generator"] = self._labels
        if self._augmentation_numbers:
            used["augmentation_generator"] = self._augmentation
        if self._penalty_numbers:
            used["penalty_generator"] = self._penalty
        return used
