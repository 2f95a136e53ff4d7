"""The adversarial step: losses, discriminator update, generator update, averaging.

The only hot loop body; the search trains its shared weights with it, training from scratch too.
The two steps read nothing back from the device: losses are returned as tensors. On a GPU they are
recorded and replayed (see `capture`).
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from autogan.basics.errors import Diverged
from autogan.basics.randomness import derived_seed, torch_generator
from autogan.device.compute import Compute
from autogan.gan.averaging import AveragedGenerator
from autogan.gan.capture import CudaRecorder, Recordings
from autogan.gan.objectives import hinge_discriminator_loss, hinge_generator_loss
from autogan.images.pixels import to_unit
from autogan.nets.layers import initialise
from autogan.nets.optimisers import load_optimiser, set_learning_rate
from autogan.spaces.architecture import Architecture
from autogan.spaces.networks import Discriminator, Generator


class Gan:
    """A generator and a discriminator that train against each other.

    learning_rate, betas: of both Adam optimisers. average_decay: keeps an averaged generator where
    it is given. seed and purpose name the random streams of weights and latents. recordings: where
    steps are recorded; by default on CUDA GPUs, if `compute` says so.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        *,
        learning_rate: float,
        betas: tuple[float, float],
        compute: Compute,
        seed: int,
        purpose: str,
        average_decay: float | None = None,
        recordings: Recordings | None = None,
    ) -> None:
        self.compute = compute
        if recordings is None and compute.captures:
            recordings = Recordings(CudaRecorder(compute.device))
        self._recordings = recordings
        self.learning_rate = learning_rate
        self.betas = betas
        self.average_decay = average_decay
        self._weights_generator = torch_generator(seed, f"{purpose}/weights")
        self._latents_generator = torch_generator(seed, f"{purpose}/latents")
        self.generator = compute.place(generator)
        self.discriminator = compute.place(discriminator)
        self.restart()

    def restart(self) -> None:
        """Draws fresh weights for both networks, and makes fresh optimisers and a fresh average."""
        initialise(self.generator.train(), self._weights_generator)
        self.discriminator.train().initialise(self._weights_generator)
        self.generator_optimiser = self._adam(self.generator)
        self.discriminator_optimiser = self._adam(self.discriminator)
        decay = self.average_decay
        self.average = AveragedGenerator(self.generator, decay) if decay is not None else None
        self._forget_recordings()

    def _adam(self, module: nn.Module) -> torch.optim.Adam:
        rate: float | Tensor = self.learning_rate
        recorded = self._recordings is not None
        if recorded:  # a number would be recorded with the step
            rate = torch.tensor(rate, device=self.compute.device)
        capturable = recorded and self.compute.device.type == "cuda"
        return torch.optim.Adam(
            module.parameters(), lr=rate, betas=self.betas, fused=True, capturable=capturable
        )

    def _forget_recordings(self) -> None:
        """What was recorded works on the optimisers of before."""
        if self._recordings is not None:
            self._recordings.clear()

    def set_learning_rate(self, factor: float) -> None:
        """Sets both optimisers to `factor` times the initial learning rate."""
        for optimiser in (self.generator_optimiser, self.discriminator_optimiser):
            for group in optimiser.param_groups:
                set_learning_rate(group, self.learning_rate * factor)

    def latents(self, count: int) -> Tensor:
        """count × latent_size standard normal values on the device."""
        shape = (count, self.generator.latent_size)
        return torch.randn(shape, generator=self._latents_generator).to(
            self.compute.device, non_blocking=True
        )

    def discriminator_step(self, real_images: Tensor, architecture: Architecture) -> Tensor:
        """One update of D on `real_images`, uint8 B×3×S×S, and as many generated; the loss.

        The generator makes its images without a graph, and real and generated ones pass through D
        together, which is exact because D has no batch statistics.
        """
        assert real_images.dtype == torch.uint8, real_images.dtype
        real = real_images.to(self.compute.device, non_blocking=True)
        latents = self.latents(len(real))
        return self._step("discriminator", self._update_discriminator, architecture, real, latents)

    def generator_step(self, batch: int, architecture: Architecture) -> Tensor:
        """One update of G on `batch` generated images, D's weights left without gradients; the loss."""
        latents = self.latents(batch)
        loss = self._step("generator", self._update_generator, architecture, latents)
        if self.average:
            self.average.update()
        return loss

    def _step(
        self, kind: str, update: Callable[..., Tensor], architecture: Architecture, *inputs: Tensor
    ) -> Tensor:
        """`update`, directly or as it was recorded for this architecture and these shapes."""
        if self._recordings is None:
            return update(architecture, *inputs)

        def step(*given: Tensor) -> Tensor:
            loss = update(architecture, *given)
            # Gradients would lie in the recordings' memory, where another step may write.
            self.discriminator_optimiser.zero_grad(set_to_none=True)
            self.generator_optimiser.zero_grad(set_to_none=True)
            return loss

        key = (kind, architecture, *(tensor.shape for tensor in inputs))
        return self._recordings.run(key, step, *inputs)

    def _update_discriminator(
        self, architecture: Architecture, real_images: Tensor, latents: Tensor
    ) -> Tensor:
        real = to_unit(real_images)
        self.discriminator.requires_grad_(True)
        with self.compute.autocast():
            with torch.no_grad():
                fake = self.generator(latents, architecture)
            images = torch.cat([real, fake.float()])
            images = images.contiguous(memory_format=self.compute.memory_format)
            logits = self.discriminator(images, len(architecture) - 1)
        real_logits, fake_logits = logits.float().chunk(2)
        loss = hinge_discriminator_loss(real_logits, fake_logits)
        self.discriminator_optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.discriminator_optimiser.step()
        return loss.detach()

    def _update_generator(self, architecture: Architecture, latents: Tensor) -> Tensor:
        self.discriminator.requires_grad_(False)
        with self.compute.autocast():
            images = self.generator(latents, architecture)
            logits = self.discriminator(images, len(architecture) - 1)
        loss = hinge_generator_loss(logits.float())
        self.generator_optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.generator_optimiser.step()
        return loss.detach()

    def refuse_non_finite(self) -> None:
        """Raises `Diverged` where a weight, moment or averaged weight is no finite number."""
        moments = [
            moment
            for optimiser in (self.generator_optimiser, self.discriminator_optimiser)
            for of_weight in optimiser.state.values()
            for moment in of_weight.values()
        ]
        weights = [*self.generator.state_dict().values(), *self.discriminator.state_dict().values()]
        averaged = list(self.average.state_dict().values()) if self.average else []
        refuse_non_finite([*weights, *averaged, *moments], "weights")

    def reseed(self, attempt: int) -> None:
        """Goes on with other latents than those that were to come."""
        drawn = torch.randint(2**62, (), generator=self._latents_generator).item()
        self._latents_generator.manual_seed(derived_seed(int(drawn), f"attempt-{attempt}"))

    def latents_state(self) -> Tensor:
        """Where the stream of latents stands."""
        return self._latents_generator.get_state()

    def set_latents_state(self, state: Tensor) -> None:
        """Goes back to where `latents_state` said that the stream stood."""
        self._latents_generator.set_state(state)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        state: dict[str, Any] = {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "discriminator_optimiser": self.discriminator_optimiser.state_dict(),
            "weights_generator": self._weights_generator.get_state(),
            "latents_generator": self._latents_generator.get_state(),
        }
        if self.average:
            state["average"] = self.average.state_dict()
            state["average_updates"] = self.average.updates
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        load_optimiser(self.generator_optimiser, state["generator_optimiser"])
        load_optimiser(self.discriminator_optimiser, state["discriminator_optimiser"])
        self._weights_generator.set_state(state["weights_generator"])
        self._latents_generator.set_state(state["latents_generator"])
        if self.average:
            self.average.load_state_dict(state["average"], state["average_updates"])
        self._forget_recordings()


def refuse_non_finite(tensors: Iterable[Tensor], what: str) -> None:
    """Raises `Diverged` where a value of these tensors, of one device, is no finite number."""
    floating = [t for t in tensors if t.is_floating_point() and t.numel()]
    # The largest magnitude of each; not-a-numbers win. One wait for the device in all.
    largest = torch.stack([t.float() for t in torch._foreach_norm(floating, float("inf"))])
    if not bool(largest.isfinite().all()):
        raise Diverged(f"Training went wrong: the {what} are no finite numbers any more.")
